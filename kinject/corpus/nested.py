"""Flatten an object into cells: {"size": {"height": 3}} is the column size.height.

Knows nothing of files; what cannot become a cell is left out with a note, never silently.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from kinject.corpus.table import Cell

MAX_DEPTH = 8


@dataclass
class Flattener:
    """Flattens one object after another and gathers the columns, in order, and the notes by column."""

    columns: dict[str, None] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def cells(self, record: Mapping[str, Any]) -> dict[str, Cell]:
        found: dict[str, Cell] = {}
        self._object(record, "", 1, found)
        return found

    def _object(self, record: Mapping[str, Any], prefix: str, depth: int, found: dict[str, Cell]) -> None:
        for key, value in record.items():
            column = f"{prefix}{key}".strip() or "(no name)"
            if not isinstance(value, Mapping) or depth == MAX_DEPTH:
                self.columns.setdefault(column)
            if isinstance(value, Mapping):
                if depth == MAX_DEPTH:
                    self.notes[column] = f"objects more than {MAX_DEPTH} deep are left out"
                    continue
                self._object(value, f"{column}.", depth + 1, found)
            elif cell := self._list(column, value) if isinstance(value, list) else self._scalar(column, value):
                if column in found:
                    raise ValueError(f"two values for column {column!r}")
                found[column] = cell

    def _list(self, column: str, items: list[Any]) -> Cell:
        items = [item for item in items if item is not None]
        if items and all(isinstance(item, Mapping) and _is_text(item.get("name")) for item in items):
            lost = sorted({key for item in items for key in item} - {"name"})
            self.notes[column] = "the names of its objects" + (f"; left out: {', '.join(lost)}" if lost else "")
            items = [item["name"] for item in items]
        if any(isinstance(item, Mapping | list) for item in items):
            self.notes[column] = "lists of objects without a name are left out"
            return ()
        return tuple(text for item in items if (text := self._scalar(column, item)))

    def _scalar(self, column: str, value: Any) -> str:
        if isinstance(value, bytes | bytearray):
            self.notes[column] = "binary values are left out"
            return ""
        return scalar_text(value)


def scalar_text(value: Any) -> str:
    """A number, day, truth value or text as text; "" for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, float):
        return "" if value != value else repr(value).removesuffix(".0")
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value).strip()


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
