"""Read delimited text: the dialect is sniffed by DuckDB, the lines are read strictly so that each keeps its number.

Uneven lines are rejected with their reason; a file that looks like one column stops and asks. Infers no types.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from kinject.corpus.table import (
    DEFAULT,
    MAX_CELL_CHARS,
    ReadOptions,
    Rejected,
    Row,
    Table,
    read_text,
    table_of,
    too_large,
)
from kinject.errors import CorpusError

_DECLARED = re.compile(r'"?sep=([^\w"\r\n])"?\r?\n?')  # Excel's first line, which is no row of the table


@dataclass(frozen=True)
class _Dialect:
    delimiter: str
    quote: str = '"'
    skip: int = 0


@dataclass(frozen=True)
class _Record:
    line: int
    fields: list[str]
    error: str = ""


def read(path: Path, options: ReadOptions = DEFAULT) -> Table:
    """Raises CorpusError where the delimiter cannot be told, or where there is no row under the header."""
    lines = list(io.StringIO(read_text(path), newline=""))
    dialect = _Dialect(_one_character(options.delimiter)) if options.delimiter else _sniff(path)
    if declared := _DECLARED.fullmatch(lines[0]):
        dialect = _Dialect(dialect.delimiter if options.delimiter else declared[1], skip=1)
    records = _records(path, lines, dialect)
    first = next(records, None)
    if first is None:
        raise CorpusError(f"{path}: no cell says anything; nothing to import")
    if first.error:
        raise CorpusError(f"{path}:{first.line}: {first.error}")
    header = _names(first.fields)
    if len(header) < 2:
        raise CorpusError(_one_column(path, header[0], options.delimiter))
    rows, rejected = [], []
    for record in records:
        reason = record.error
        if not reason and len(record.fields) != len(header):
            reason = f"expected {len(header)} columns, found {len(record.fields)}"
        if reason:
            rejected.append(Rejected(f"{path}:{record.line}", reason, _short(lines[record.line - 1])))
        else:
            cells = {name: text.strip() for name, text in zip(header, record.fields, strict=True) if text.strip()}
            rows.append(Row(f"{path}:{record.line}", cells))
    if not rows and not rejected:
        raise CorpusError(f"{path}: a header ({', '.join(header)}) but no rows; nothing to import")
    skipped = " / ".join(_short(line) for line in lines[: dialect.skip] if line.strip())
    notes = {"": f"the lines above the table are left out: {skipped}"} if skipped else {}
    return replace(table_of(path, header, rows, rejected), notes=notes)


def _records(path: Path, lines: list[str], dialect: _Dialect) -> Iterator[_Record]:
    # A quote that is never closed swallows the lines behind it: only its own line is rejected.
    start = dialect.skip
    limit = csv.field_size_limit(MAX_CELL_CHARS)
    try:
        while start < len(lines):
            reader = csv.reader(
                (lines[n] for n in range(start, len(lines))),
                delimiter=dialect.delimiter,
                quotechar=dialect.quote,
                strict=True,
            )
            first = start
            try:
                for fields in reader:
                    if any(fields):
                        yield _Record(start + 1, fields)
                    start = first + reader.line_num
            except csv.Error as error:
                if "field limit" in str(error):
                    raise CorpusError(too_large(f"{path}:{start + 1}", "", 0)) from error
                yield _Record(start + 1, [], f"malformed: {_reason(error)}")
                start += 1
    finally:
        csv.field_size_limit(limit)


def _sniff(path: Path) -> _Dialect:
    # store_rejects: without it one uneven line makes the sniffer give up and see one column.
    query = "select Delimiter, Quote, SkipRows from sniff_csv(?, store_rejects=true)"
    with duckdb.connect(config={"threads": 1}) as connection:
        try:
            found = connection.execute(query, [glob_safe(path)]).fetchone()
        except duckdb.Error:
            found = None
    if not found:
        return _Dialect(",")
    delimiter, quote, skip = found
    return _Dialect(delimiter, quote if len(quote) == 1 else '"', skip)


def glob_safe(path: Path) -> str:
    """The path for DuckDB, which reads *, ? and [ as patterns."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))


def _names(fields: list[str]) -> list[str]:
    names: list[str] = []
    for number, field in enumerate(fields, start=1):
        plain = name = " ".join(field.split()) or f"column {number}"
        while name in names:  # of "a", "a 3", "a" the last would be "a 3" too
            name, number = f"{plain} {number}", number + 1
        names.append(name)
    return names


def _one_character(delimiter: str) -> str:
    character = {"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter)
    if len(character) != 1 or character in '"\r\n':
        raise CorpusError(f"--delimiter {delimiter!r} is not one character; say for example --delimiter ';'")
    return character


def _one_column(path: Path, header: str, delimiter: str) -> str:
    inside = [mark for mark in header if not (mark.isalnum() or mark in " _-.()" or mark == delimiter)]
    said = f"with --delimiter {delimiter!r} it has" if delimiter else "it looks like"
    hint = repr(inside[0]) if inside else "followed by the character that splits its columns"
    return f"{path}: {said} one column, {header[:80]!r}; a table needs two or more: say --delimiter {hint}"


def _reason(error: csv.Error) -> str:
    return {"unexpected end of data": "a quote is never closed"}.get(str(error), str(error))


def _short(line: str) -> str:
    return line.strip()[:120]
