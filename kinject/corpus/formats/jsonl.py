"""Read one JSON object a line. A malformed line stops, unless it may be rejected."""

from dataclasses import replace
from pathlib import Path

from kinject.corpus.nested import Flattener
from kinject.corpus.strict_json import decode
from kinject.corpus.table import DEFAULT, ReadOptions, Rejected, Row, Table, read_text, table_of
from kinject.errors import CorpusError


def read(path: Path, options: ReadOptions = DEFAULT) -> Table:
    """Raises CorpusError with file:line."""
    rows, rejected, flattener = [], [], Flattener()
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not (text := line.strip(" \t\r")):
            continue
        try:
            rows.append(_row(path, number, text, flattener))
        except CorpusError as error:
            if not options.skip_malformed:
                raise
            location = f"{path}:{number}"
            rejected.append(Rejected(location, str(error).removeprefix(f"{location}: "), text[:120]))
    return replace(table_of(path, flattener.columns, rows, rejected), notes=flattener.notes)


def _row(path: Path, number: int, text: str, flattener: Flattener) -> Row:
    value, end = decode(text, 0, path, number)
    if text[end:].strip():
        raise CorpusError(f"{path}:{number}: more than one JSON value on the line")
    if not isinstance(value, dict):
        raise CorpusError(f"{path}:{number}: expected an object, found {text[:40]!r}")
    try:
        return Row(f"{path}:{number}", flattener.cells(value))
    except ValueError as error:
        raise CorpusError(f"{path}:{number}: {error}") from error
