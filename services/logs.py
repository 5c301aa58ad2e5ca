"""What the service writes on stderr: a line of text or a JSON object for each event, with the id of its request."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal

from .problems import request_id

LOGGERS = ("kinject.service", "uvicorn")


def configure(form: Literal["plain", "json"]) -> None:
    """Once, by the process that serves; a library leaves logging alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json() if form == "json" else Plain())
    for name, level in zip(LOGGERS, (logging.INFO, logging.WARNING), strict=True):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


class Plain(logging.Formatter):
    """`2026-11-27T02:00:00.123Z INFO 4f2a... GET /ask 200 12.3 ms`; a line break in a message is shown, not made."""

    def format(self, record: logging.LogRecord) -> str:
        said = record.getMessage().replace("\r", "\\r").replace("\n", "\\n")
        trace = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return f"{_time(record)} {record.levelname} {request_id.get() or '-'} {said}{trace}"


class Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        row: dict[str, Any] = {"time": _time(record), "level": record.levelname.lower(), "logger": record.name}
        row |= {"request_id": request_id.get(), "message": record.getMessage()} | getattr(record, "fields", {})
        if record.exc_info:
            row["trace"] = self.formatException(record.exc_info)
        return json.dumps({name: value for name, value in row.items() if value is not None}, default=str)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
