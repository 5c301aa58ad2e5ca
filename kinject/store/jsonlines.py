"""An append-only log of JSON objects, and records as such objects."""

import errno
import json
import math
import os
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import TypeAdapter, ValidationError

from kinject.errors import StoreError
from kinject.store.crash import crash_point
from kinject.store.files import fsync_folder
from kinject.types import Record

SYNC_ROWS = 64
SYNC_SECONDS = 1.0


@dataclass(frozen=True)
class Salvage:
    """The good rows of a log, and "file:line: ..." for each of the others."""

    rows: list[dict[str, Any]]
    damaged: tuple[str, ...]


class JsonLines:
    """An append-only log: one JSON object a line, each under its own checksum.

    Reading never writes, so a log may be read while another process appends to it. The first append cuts off a
    last line that a kill left without its end. NaN and infinities of a row are written as null, deeper ones refused.

        with JsonLines(path) as log:
            log.append({"n": 1})
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: FileIO | None = None
        self._lock = threading.Lock()
        self._unsynced = 0
        self._synced_at = 0.0

    def append(self, row: dict[str, Any]) -> None:
        """Hand one row to the operating system; it reaches the disk within a second, 64 rows or `close`."""
        line = _line(row, self.path)
        with self._lock:
            file = self._file = self._file or self._open()
            end = file.tell()
            try:
                # Unbuffered: a buffer would write a refused line again, after the next one.
                if file.write(line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError as error:
                file.truncate(end)
                raise StoreError(f"cannot append to {self.path}: {error.strerror}; its rows so far are kept") from error
            crash_point("log.appended")
            self._unsynced += 1
            if self._unsynced >= SYNC_ROWS or time.monotonic() - self._synced_at >= SYNC_SECONDS:
                self._sync(file)

    def rows(self) -> list[dict[str, Any]]:
        """Every whole row, in order; none if there is no file. Raises StoreError "file:line" for a bad one."""
        return [_row(line, where) for where, line in self._lines()]

    def salvage(self) -> "Salvage":
        """What can be read, however much of the file is damaged."""
        rows, damaged = [], []
        for where, line in self._lines():
            try:
                rows.append(_row(line, where))
            except StoreError as error:
                damaged.append(str(error))
        return Salvage(rows, tuple(damaged))

    def _lines(self) -> Iterator[tuple[str, bytes]]:
        if not self.path.exists():
            return
        *lines, _torn = self.path.read_bytes().split(b"\n")
        for number, line in enumerate(lines, start=1):
            yield f"{self.path}:{number}", line

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._sync(self._file)
                self._file.close()
                self._file = None

    def __enter__(self) -> "JsonLines":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _open(self) -> FileIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("a+b", buffering=0)
        file.seek(0)
        whole = file.read().rfind(b"\n") + 1
        file.truncate(whole)
        file.seek(whole)
        os.fsync(file.fileno())
        fsync_folder(self.path.parent)
        crash_point("log.opened")
        return file

    def _sync(self, file: FileIO) -> None:
        os.fsync(file.fileno())
        crash_point("log.synced")
        self._unsynced, self._synced_at = 0, time.monotonic()


def record_to_row(record: Record) -> dict[str, Any]:
    """A record as JSON values; `row_to_record` is its inverse."""
    row: dict[str, Any] = _records().dump_python(record, mode="json")
    return row


def row_to_record(row: dict[str, Any]) -> Record:
    """Raises StoreError naming the field that is missing or does not fit."""
    try:
        return _records().validate_python(row)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StoreError(f"a record's {where} does not fit: {first['msg'].lower()}") from error


@cache
def _records() -> TypeAdapter[Record]:
    return TypeAdapter(Record)


def _line(row: dict[str, Any], path: Path) -> bytes:
    plain = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()
    }
    try:
        body = json.dumps(plain, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except ValueError as error:
        raise StoreError(f"cannot append to {path}: {error} in a row with keys {', '.join(row)}") from error
    return _seal(body) + b"\n"


def _row(line: bytes, where: str) -> dict[str, Any]:
    body = b"{" + line[len(_seal(b"{}")) - 1 :].removeprefix(b",")
    if line != _seal(body):
        raise StoreError(f"{where}: damaged line (crc32); `kinject repair` keeps the others")
    row: dict[str, Any] = json.loads(body)
    return row


def _seal(body: bytes) -> bytes:
    """The checksum comes first and has a fixed width, so that it covers the raw bytes of all the rest."""
    comma = b"" if body == b"{}" else b","
    return f'{{"crc32":"{zlib.crc32(body):08x}"'.encode() + comma + body[1:]
