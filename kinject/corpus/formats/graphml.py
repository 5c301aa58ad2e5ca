"""Read GraphML: nodes with their attributes and edges as a table; a corpus that kinject exported keeps its days."""

from pathlib import Path

from kinject.corpus.graphs.edges import graphml_table
from kinject.corpus.graphs.graphml import parse_graphml
from kinject.corpus.table import DEFAULT, ReadOptions, Table


def read(path: Path, options: ReadOptions = DEFAULT) -> Table:
    """Raises CorpusError, with file:line for what is no XML. It has no use for the options."""
    return graphml_table(path, parse_graphml(path))
