"""Read JSON-LD as Turtle is read; contexts from elsewhere are not fetched."""

from pathlib import Path

from kinject.corpus.graphs.parsing import parse_jsonld
from kinject.corpus.graphs.rows import rdf_table
from kinject.corpus.table import DEFAULT, ReadOptions, Table


def read(path: Path, options: ReadOptions = DEFAULT) -> Table:
    """Raises CorpusError, with file:line for what is no JSON. It has no use for the options."""
    return rdf_table(path, parse_jsonld(path))
