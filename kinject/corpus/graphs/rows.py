"""An RDF graph of any vocabulary as a table: a row for each thing with a name or an IRI, a column for each property.

Nodes without either are part of the thing that points to them, as nested objects are in JSON. Classes, properties and
reified statements are no rows.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from rdflib import DC, DCTERMS, FOAF, OWL, RDF, RDFS, SDO, SKOS, BNode, Graph, Literal, URIRef
from rdflib.collection import Collection
from rdflib.namespace import Namespace
from rdflib.term import Node

from kinject.corpus.graphs.vocabulary import decoded
from kinject.corpus.nested import Flattener
from kinject.corpus.table import Row, Table, table_of
from kinject.errors import CorpusError

NAME = "name"
_LABELS = (
    RDFS.label,
    SKOS.prefLabel,
    SDO.name,
    Namespace("http://schema.org/").name,
    FOAF.name,
    DCTERMS.title,
    DC.title,
)
_LIKE_LABELS = ("name", "label", "title")  # of any vocabulary, where none of those above is given
_NO_ROWS = frozenset(
    (RDF.Statement, RDF.Property, RDFS.Class, OWL.Class, OWL.Ontology, OWL.ObjectProperty, OWL.DatatypeProperty)
)
_MAX_DEPTH = 8


def rdf_table(path: Path, graph: Graph) -> Table:
    """Rows are named by their label or the end of their IRI. Raises CorpusError where nothing has properties."""
    things = _Things(graph)
    flattener = Flattener({NAME: None})
    rows = []
    for node in things.roots():
        location = f"{path} {node.n3()}"
        try:
            cells = flattener.cells({NAME: things.label(node), **things.record(node, (node,))})
        except ValueError as error:
            raise CorpusError(f"{location}: {error}") from error
        rows.append(Row(location, cells))
    if len(flattener.columns) < 2:
        raise CorpusError(f"{path}: nothing but names; there is no property to make a fact of")
    notes = {**flattener.notes, **things.notes}
    return replace(table_of(path, flattener.columns, rows, []), notes=notes, entity=NAME)


class _Things:
    """Names and properties of the nodes of one graph; `notes` fills with what was left out."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.notes: dict[str, str] = {}
        self._columns: dict[Node, str] = {}
        named = {p for p in graph.predicates() if decoded(str(p)).casefold() in _LIKE_LABELS}
        self._labels = (*_LABELS, *sorted(named.difference(_LABELS), key=str))

    def roots(self) -> list[Node]:
        """In order of their names, as a graph has no order of its own."""
        owned = {node for node in self.graph.objects() if isinstance(node, BNode)}
        found = [
            node
            for node in set(self.graph.subjects())
            if node not in owned and not _NO_ROWS & set(self.graph.objects(node, RDF.type))
        ]
        if statements := sum(1 for _ in self.graph.subjects(RDF.type, RDF.Statement)):
            self.notes[""] = f"{statements} reified statements are left out, and what they say about days"
        return sorted(found, key=lambda node: (self.label(node).casefold(), str(node)))

    def label(self, node: Node) -> str:
        for predicate in self._labels:
            if texts := self._texts(node, predicate):
                return " ".join(texts[0].split())
        return decoded(str(node)) or str(node) if isinstance(node, URIRef) else ""

    def record(self, node: Node, path: tuple[Node, ...]) -> dict[str, Any]:
        """The properties of a node as JSON would hold them."""
        found: dict[str, Any] = {}
        for predicate in sorted(set(self.graph.predicates(node)), key=str):
            texts = self._texts(node, predicate)
            if predicate in self._labels and texts and " ".join(texts[0].split()) == self.label(node):
                continue
            others = [o for o in self.graph.objects(node, predicate) if not isinstance(o, Literal)]
            values: list[Any] = [*texts, *self._values(others, path)]
            if values:
                found[self._column(predicate)] = values[0] if len(values) == 1 else values
        return found

    def _values(self, nodes: Iterable[Node], path: tuple[Node, ...]) -> list[Any]:
        values: list[Any] = []
        for node in sorted(nodes, key=lambda node: (self.label(node), str(node))):
            if (node, RDF.first, None) in self.graph:
                for item in Collection(self.graph, node):
                    values += [str(item)] if isinstance(item, Literal) else self._values([item], path)
            elif isinstance(node, URIRef) or self.label(node):
                values.append(self.label(node))
            elif node not in path and len(path) < _MAX_DEPTH:
                values.append(self.record(node, (*path, node)))
        return values

    def _texts(self, node: Node, predicate: Node) -> list[str]:
        """The literals in English or in no language, or else those of the first language there is."""
        literals = sorted(o for o in self.graph.objects(node, predicate) if isinstance(o, Literal))
        languages = {_language(literal) for literal in literals}
        if len(languages) < 2:
            return [str(literal) for literal in literals]
        chosen = next((language for language in ("en", "") if language in languages), min(languages))
        column = NAME if predicate in self._labels else self._column(predicate)
        self.notes[column] = f"texts in another language than {chosen or 'none'!r} are left out"
        return [str(literal) for literal in literals if _language(literal) == chosen]

    def _column(self, predicate: Node) -> str:
        """A property's label or the end of its IRI; where two would be the same, the later one gets its prefix too."""
        if predicate not in self._columns:
            name = next((str(label) for label in self.graph.objects(predicate, RDFS.label)), "")
            name = re.sub(r"[.\s]+", " ", name or decoded(str(predicate))).strip()
            if name in {NAME, *self._columns.values()}:
                prefix = self.graph.compute_qname(str(predicate))[0] or "other"
                name = f"{prefix} {name}"
            self._columns[predicate] = name
        return self._columns[predicate]


def _language(literal: Literal) -> str:
    return (literal.language or "").partition("-")[0].lower()
