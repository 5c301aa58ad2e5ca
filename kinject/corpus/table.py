"""A table as every format gives it: named columns, rows that know where they stood, lines that were rejected.

Cells are text as the source wrote it; what a column means is inferred elsewhere.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kinject.errors import CorpusError

MAX_CELL_CHARS = 1_000_000

Cell = str | tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """`location` is "file:line", or "file row 3" where a format has no lines. Absent and empty cells are left out."""

    location: str
    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class Rejected:
    location: str
    reason: str
    text: str


@dataclass(frozen=True)
class Table:
    """`notes` says what reading did to a column, or to all (""); `entity` is the column of names, where known."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    rejected: tuple[Rejected, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    entity: str = ""


@dataclass(frozen=True)
class ReadOptions:
    delimiter: str = ""  # of a CSV file; "" lets it be guessed
    records: str = ""  # the key of a JSON object that holds the list; "" where there is only one list
    skip_malformed: bool = False  # reject a malformed JSON line instead of stopping at it


DEFAULT = ReadOptions()


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, without a byte order mark. Raises CorpusError with the offset of a bad byte."""
    content = path.read_bytes()
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise CorpusError(f"{path}: not utf-8 at byte 0 (it looks like utf-16); save it as utf-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # utf-8-sig counts from behind the mark.
        offset = error.start + (3 if content.startswith(b"\xef\xbb\xbf") else 0)
        line = content.count(b"\n", 0, offset) + 1
        raise CorpusError(
            f"{path}: not utf-8 at byte {offset} (line {line}, 0x{content[offset]:02x}); save it as utf-8"
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise CorpusError(f"{path}:{line}: holds a NUL byte; this is no text table")
    if not text.strip():
        raise CorpusError(f"{path} is empty; nothing to import")
    return text


def table_of(path: Path, columns: Iterable[str], rows: list[Row], rejected: list[Rejected]) -> Table:
    """Check every cell. Raises CorpusError for one too large or no text, and for a table without rows or columns."""
    for row in rows:
        for column, cell in row.cells.items():
            for text in (cell,) if isinstance(cell, str) else cell:
                _check(row.location, column, text)
    if not rows and not rejected:
        raise CorpusError(f"{path}: no rows; nothing to import")
    names = tuple(columns)
    if not names:
        reason = f" ({rejected[0].location}: {rejected[0].reason})" if rejected else ""
        raise CorpusError(f"{path}: no row has a key{reason}; nothing to import")
    return Table(names, tuple(rows), tuple(rejected))


def _check(location: str, column: str, text: str) -> None:
    if len(text) > MAX_CELL_CHARS:
        raise CorpusError(too_large(location, column, len(text)))
    if "\0" in text:
        raise CorpusError(f"{location}: column {column!r} holds a NUL character; remove it")
    if found := re.search("[\ud800-\udfff]", text):
        raise CorpusError(f"{location}: column {column!r} holds half a surrogate pair (\\u{ord(found[0]):04x})")


def too_large(location: str, column: str, chars: int) -> str:
    """The message of a cell above the limit."""
    found = f"column {column!r} holds {chars / 1e6:.1f} MB" if column else "a cell holds more than 1 MB"
    return f"{location}: {found}; the most is 1 MB a cell; shorten it, or close its quote"
