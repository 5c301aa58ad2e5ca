"""Read tab-separated text: CSV whose delimiter is known. Adds no other rule."""

from dataclasses import replace
from pathlib import Path

from kinject.corpus.formats import csv
from kinject.corpus.table import DEFAULT, ReadOptions, Table


def read(path: Path, options: ReadOptions = DEFAULT) -> Table:
    """Raises CorpusError as CSV does."""
    return csv.read(path, replace(options, delimiter=options.delimiter or "\t"))
