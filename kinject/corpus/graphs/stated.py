"""A corpus as a graph states it, and what is missing to make it whole: phrasings and pages.

A graph may hold facts alone. Phrasings are then made from the names of relations, as for the columns of a table, and
pages from the facts.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from kinject.corpus.core import Corpus
from kinject.corpus.phrasing import relation_of
from kinject.corpus.prose import page
from kinject.corpus.schema import Column
from kinject.types import Document, Fact, Relation


@dataclass(frozen=True)
class Stated:
    """Relations may lack phrasings, documents their text, and facts may name documents that are not there."""

    facts: tuple[Fact, ...]
    relations: tuple[Relation, ...]
    documents: tuple[Document, ...] = ()
    day: date | None = None
    description: str = ""


def completed(stated: Stated, name: str, seed: int = 0) -> Corpus:
    """A corpus that can be studied. Raises CorpusError for facts or relations that make none."""
    relations = tuple(one if one.statements else _phrased(one) for one in stated.relations)
    facts = tuple(f if f.document_id else replace(f, document_id=f"about {f.subject}") for f in stated.facts)
    by_document: dict[str, list[Fact]] = {}
    for fact in facts:
        by_document.setdefault(fact.document_id, []).append(fact)
    documents = {document.id: document for document in stated.documents if document.text}
    for id_ in by_document.keys() - documents.keys():
        documents[id_] = _page(id_, by_document[id_], relations, seed)
    pages = tuple(documents[id_] for id_ in sorted(documents))
    corpus = Corpus(name, pages, facts, relations, stated.day, stated.description)
    corpus.check()
    return corpus


def _phrased(relation: Relation) -> Relation:
    column = Column(relation.name, relation.name, "fact", relation.kind, relation.unit)
    return relation_of(column, "item", is_unique=False)


def _page(id_: str, facts: Sequence[Fact], relations: Sequence[Relation], seed: int) -> Document:
    by_name = {relation.name: relation for relation in relations}
    return Document(id_, page(facts, (), by_name, random.Random(f"{seed}/{id_}")), facts[0].subject)
