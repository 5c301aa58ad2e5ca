"""A corpus as RDF and back: whatever it holds but the order of things survives.

A fact is an rdf:Statement of RDF's standard reification, which carries its days, its words and its document. One that
holds now is stated as a plain triple too, for those who know nothing of reification. RDF-star is not used: rdflib
does not read it.
"""

from collections.abc import Iterator
from datetime import date
from typing import get_args

from rdflib import DCTERMS, RDF, RDFS, SKOS, XSD, Graph, Literal, URIRef
from rdflib.term import Node

from kinject.corpus.core import Corpus
from kinject.corpus.graphs.stated import Stated
from kinject.corpus.graphs.vocabulary import KINJECT, decoded, encoded, literal
from kinject.errors import CorpusError
from kinject.types import Document, Fact, Kind, Relation

_PHRASINGS = {
    "statements": KINJECT.statement,
    "train_questions": KINJECT.trainQuestion,
    "test_questions": KINJECT.testQuestion,
    "inverse_questions": KINJECT.inverseQuestion,
}


def to_rdf(corpus: Corpus, base: str) -> Graph:
    """`base` is a checked IRI: entities are <base>entity/NAME, and so on, percent-encoded."""
    graph = Graph()
    for prefix, namespace in (("kinject", KINJECT), ("dcterms", DCTERMS), ("skos", SKOS)):
        graph.bind(prefix, namespace)
    graph.bind("r", f"{base}relation/")
    whole = URIRef(f"{base}corpus")
    graph.add((whole, RDF.type, KINJECT.Corpus))
    graph.add((whole, RDFS.label, Literal(corpus.name)))
    graph.add((whole, DCTERMS.description, Literal(corpus.description)))
    _add_day(graph, whole, KINJECT.day, corpus.day)
    for document in corpus.documents:
        node = URIRef(f"{base}document/{encoded(document.id)}")
        graph.add((node, RDF.type, KINJECT.Document))
        for predicate, text in (
            (DCTERMS.identifier, document.id),
            (DCTERMS.title, document.title),
            (KINJECT.text, document.text),
        ):
            graph.add((node, predicate, Literal(text)))
    for relation in corpus.relations:
        _add_relation(graph, relation, base)
    now = {fact.id for fact in corpus.current().facts}
    for fact in corpus.facts:
        _add_fact(graph, fact, corpus.relation(fact.relation), base, is_now=fact.id in now)
    return graph


def from_rdf(graph: Graph) -> Stated:
    """Every rdf:Statement as a fact, ordered by id. Raises CorpusError naming the node that lacks something."""
    whole = graph.value(predicate=RDF.type, object=KINJECT.Corpus)
    documents = [_document(graph, node) for node in graph.subjects(RDF.type, KINJECT.Document)]
    facts = [_fact(graph, node) for node in graph.subjects(RDF.type, RDF.Statement)]
    predicates = set(graph.objects(predicate=RDF.predicate))
    relations = [_relation(graph, node) for node in {*predicates, *graph.subjects(RDF.type, KINJECT.Relation)}]
    return Stated(
        facts=tuple(sorted(facts, key=lambda fact: fact.id)),
        relations=tuple(sorted(relations, key=lambda relation: relation.name)),
        documents=tuple(sorted(documents, key=lambda document: document.id)),
        day=_day(graph, whole, KINJECT.day) if whole else None,
        description=_text(graph, whole, DCTERMS.description) if whole else "",
    )


def _add_relation(graph: Graph, relation: Relation, base: str) -> None:
    node = URIRef(f"{base}relation/{encoded(relation.name)}")
    graph.add((node, RDF.type, RDF.Property))
    graph.add((node, RDF.type, KINJECT.Relation))
    graph.add((node, RDFS.label, Literal(relation.name)))
    graph.add((node, KINJECT.kind, Literal(relation.kind)))
    if relation.unit:
        graph.add((node, KINJECT.unit, Literal(relation.unit)))
    for field, predicate in _PHRASINGS.items():
        for template in getattr(relation, field):
            graph.add((node, predicate, Literal(template)))


def _add_fact(graph: Graph, fact: Fact, relation: Relation, base: str, *, is_now: bool) -> None:
    subject = _entity(graph, fact.subject, base)
    predicate = URIRef(f"{base}relation/{encoded(fact.relation)}")
    value: Node = (
        _entity(graph, fact.object, base)
        if relation.kind == "entity"
        else literal(fact.object, relation.kind, relation.unit)
    )
    if is_now:
        graph.add((subject, predicate, value))
    node = URIRef(f"{base}fact/{encoded(fact.id)}")
    for term, object_ in (
        (RDF.type, RDF.Statement),
        (RDF.type, KINJECT.Fact),
        (RDF.subject, subject),
        (RDF.predicate, predicate),
        (RDF.object, value),
        (DCTERMS.identifier, Literal(fact.id)),
        (DCTERMS.source, URIRef(f"{base}document/{encoded(fact.document_id)}")),
        (KINJECT.text, Literal(fact.object)),
        *((SKOS.altLabel, Literal(alias)) for alias in fact.aliases),
    ):
        graph.add((node, term, object_))
    _add_day(graph, node, KINJECT.validFrom, fact.valid_from)
    _add_day(graph, node, KINJECT.validTo, fact.valid_to)


def _entity(graph: Graph, name: str, base: str) -> URIRef:
    node = URIRef(f"{base}entity/{encoded(name)}")
    graph.add((node, RDFS.label, Literal(name)))
    return node


def _add_day(graph: Graph, node: Node, predicate: Node, day: date | None) -> None:
    if day:
        graph.add((node, predicate, Literal(day.isoformat(), datatype=XSD.date)))


def _document(graph: Graph, node: Node) -> Document:
    id_ = _text(graph, node, DCTERMS.identifier) or decoded(str(node))
    return Document(id_, _text(graph, node, KINJECT.text), _text(graph, node, DCTERMS.title))


def _relation(graph: Graph, node: Node) -> Relation:
    kind: Kind = next((k for k in get_args(Kind) if k == _text(graph, node, KINJECT.kind)), "text")
    templates = {field: tuple(sorted(_texts(graph, node, term))) for field, term in _PHRASINGS.items()}
    return Relation(_name(graph, node), kind, unit=_text(graph, node, KINJECT.unit), **templates)


def _fact(graph: Graph, node: Node) -> Fact:
    parts = {}
    for term in (RDF.subject, RDF.predicate, RDF.object):
        found = graph.value(node, term)
        if found is None:
            raise CorpusError(f"statement {node.n3()} has no rdf:{decoded(str(term))}; give it one")
        parts[term] = _name(graph, found)
    source = graph.value(node, DCTERMS.source)
    return Fact(
        id=_text(graph, node, DCTERMS.identifier) or decoded(str(node)),
        subject=parts[RDF.subject],
        relation=parts[RDF.predicate],
        object=_text(graph, node, KINJECT.text) or parts[RDF.object],
        document_id=(_text(graph, source, DCTERMS.identifier) or decoded(str(source))) if source else "",
        aliases=tuple(sorted(_texts(graph, node, SKOS.altLabel))),
        valid_from=_day(graph, node, KINJECT.validFrom),
        valid_to=_day(graph, node, KINJECT.validTo),
    )


def _name(graph: Graph, node: Node) -> str:
    return str(node) if isinstance(node, Literal) else _text(graph, node, RDFS.label) or decoded(str(node))


def _text(graph: Graph, node: Node, predicate: Node) -> str:
    return next(_texts(graph, node, predicate), "")


def _texts(graph: Graph, node: Node, predicate: Node) -> Iterator[str]:
    return (str(found) for found in graph.objects(node, predicate))


def _day(graph: Graph, node: Node, predicate: Node) -> date | None:
    text = _text(graph, node, predicate)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise CorpusError(f"{node.n3()} has the day {text!r}; write it as 2024-05-03") from error
