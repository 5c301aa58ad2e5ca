"""Read Parquet through DuckDB; structs and lists are flattened as in JSON. Rows have numbers, not lines."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from kinject.corpus.formats.csv import glob_safe
from kinject.corpus.nested import Flattener
from kinject.corpus.table import DEFAULT, ReadOptions, Row, Table, table_of
from kinject.errors import CorpusError


def read(path: Path, options: ReadOptions = DEFAULT) -> Table:
    """Raises CorpusError for a file that is no Parquet or is damaged. It has no use for the options."""
    flattener = Flattener()
    rows = []
    for number, record in enumerate(_records(path), start=1):
        location = f"{path} row {number}"
        try:
            rows.append(Row(location, flattener.cells(record)))
        except ValueError as error:
            raise CorpusError(f"{location}: {error}") from error
    return replace(table_of(path, flattener.columns, rows, []), notes=flattener.notes)


def _records(path: Path) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        try:
            relation = connection.read_parquet(glob_safe(path))
            names = relation.columns
            # A 32-bit 27.12 comes back as 27.1200008; as text it comes as it was meant.
            chosen = ", ".join(
                f"cast({_quoted(name)} as varchar)" if str(kind) == "FLOAT" else _quoted(name)
                for name, kind in zip(names, relation.types, strict=True)
            )
            found = relation.project(chosen).fetchall()
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise CorpusError(f"{path}: cannot be read as Parquet: {reason}") from error
    return [dict(zip(names, record, strict=True)) for record in found]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
