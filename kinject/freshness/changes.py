"""Changes of facts as a file states them: one a row, with the day from which it holds.

Reads and checks the shape of rows; whether a subject or a relation exists is not known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rapidfuzz import process

from kinject.corpus import parse_day
from kinject.corpus.importing import read_table
from kinject.corpus.table import Row
from kinject.errors import CorpusError

NEEDED = ("subject", "relation", "object")
COLUMNS = (*NEEDED, "old", "on", "document")
SHOWN_FAULTS = 5


@dataclass(frozen=True, slots=True)
class Change:
    """`object` holds from the day `on`; "" ends the fact. `old` says which of several values it replaces.

    `on` None: from now on. `document` is the new text of the fact's document; "": its sentences are rewritten.
    """

    where: str
    subject: str
    relation: str
    object: str
    old: str = ""
    on: date | None = None
    document: str = ""


def read(path: Path) -> tuple[Change, ...]:
    """The changes of a CSV, JSON, JSONL or Parquet file. Raises CorpusError that names up to five faults by line."""
    table = read_table(path)
    missing = [name for name in NEEDED if name not in table.columns]
    unknown = [name for name in table.columns if name not in COLUMNS]
    if missing or unknown:
        fault = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(map(_hinted, unknown))}"
        raise CorpusError(
            f"{path} {fault}: the columns of a change are {', '.join(NEEDED)}, and old, on, document if need be"
        )
    faults = [f"{line.location}: {line.reason}" for line in table.rejected]
    changes = []
    for row in table.rows:
        try:
            changes.append(_change(row))
        except CorpusError as error:
            faults.append(f"{row.location}: {error}")
    refuse(faults)
    return tuple(changes)


def refuse(faults: list[str]) -> None:
    """Raises CorpusError with the first faults and how many more there are; nothing where there is none."""
    if faults:
        more = f"; and {len(faults) - SHOWN_FAULTS} more" if len(faults) > SHOWN_FAULTS else ""
        raise CorpusError("; ".join(faults[:SHOWN_FAULTS]) + more)


def near(name: str, known: Mapping[str, object] | tuple[str, ...] | list[str]) -> str:
    """A hint in brackets, ready to follow a message; nothing where no known name is like this one."""
    found = process.extractOne(name, list(known), score_cutoff=60)
    return f" (did you mean {found[0]!r}?)" if found else ""


def _change(row: Row) -> Change:
    cells = {}
    for name, cell in row.cells.items():
        if isinstance(cell, tuple):
            raise CorpusError(f"{name} is a list; write one value, or one row for each value that changes")
        cells[name] = cell.strip() if name == "document" else " ".join(cell.split())
    for name in ("subject", "relation"):
        if not cells.get(name):
            raise CorpusError(f"{name} is empty")
    day = parse_day(cells["on"]) if cells.get("on") else None
    told = {name: cells.get(name, "") for name in COLUMNS if name != "on"}
    return Change(where=row.location, on=day, **told)


def _hinted(column: str) -> str:
    return f"{column!r}{near(column, COLUMNS)}"
