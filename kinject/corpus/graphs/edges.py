"""A GraphML graph of any origin as a table: a row for each node, a column for each attribute and each kind of edge."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx

from kinject.corpus.nested import Flattener
from kinject.corpus.table import Row, Table, table_of
from kinject.errors import CorpusError

NAME = "name"
_NAMES = ("label", "name", "title", "Label", "Name", "Title")
_RELATIONS = ("relation", "label", "type", "name", "predicate")
_ANY = "linked to"  # the column of edges that do not say what they are


def graphml_table(path: Path, graph: "nx.MultiDiGraph[str]") -> Table:
    """An edge gives the node that it leaves a value: the name of the node that it leads to."""
    names = {node: _first(attributes, _NAMES) or str(node) for node, attributes in graph.nodes(data=True)}
    flattener = Flattener({NAME: None})
    lost: set[str] = set()
    rows = []
    for node, attributes in graph.nodes(data=True):
        record: dict[str, Any] = {NAME: names[node]}
        record |= {key: value for key, value in attributes.items() if key not in _NAMES}
        for _, target, edge in graph.out_edges(node, data=True):
            relation = _first(edge, _RELATIONS) or _ANY
            if relation in attributes or relation == NAME:
                relation = f"{relation} (edge)"
            record.setdefault(relation, []).append(names[target])
            lost |= edge.keys() - {*_RELATIONS, "id"}
        for key, value in record.items():
            record[key] = value[0] if isinstance(value, list) and len(value) == 1 else value
        location = f"{path} node {node!r}"
        try:
            rows.append(Row(location, flattener.cells(record)))
        except ValueError as error:
            raise CorpusError(f"{location}: {error}") from error
    notes = dict(flattener.notes)
    if lost:
        notes[""] = f"what edges say but their kind is left out: {', '.join(sorted(map(str, lost)))}"
    return replace(table_of(path, flattener.columns, rows, []), notes=notes, entity=NAME)


def _first(attributes: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return next((text for key in keys if (text := str(attributes.get(key, "")).strip())), "")
