"""Read Turtle: things with their properties as a table; a corpus that kinject exported comes back whole."""

from pathlib import Path

from kinject.corpus.graphs.parsing import parse_turtle
from kinject.corpus.graphs.rows import rdf_table
from kinject.corpus.table import DEFAULT, ReadOptions, Table


def read(path: Path, options: ReadOptions = DEFAULT) -> Table:
    """Raises CorpusError with file:line. It has no use for the options."""
    return rdf_table(path, parse_turtle(path))
