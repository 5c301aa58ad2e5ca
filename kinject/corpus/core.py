"""A corpus: the documents that a reader would find, the facts that they state and how to ask for them.

Reads and writes no files, and builds nothing from what it holds.
"""

import hashlib
import json
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import cached_property
from typing import Any

from kinject.corpus.checks import check_facts, check_references, check_relations
from kinject.errors import UnknownNameError
from kinject.types import Document, Fact, Relation

_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in (Document, Fact, Relation)}


@dataclass(frozen=True)
class Corpus:
    """Facts are the single source of truth: documents state them, probes are made from them.

    `day` is the day that "now" means: questions without a date are about that day. None: facts without
    an end hold now. Making one checks ids and references; `check` looks at everything.
    """

    name: str
    documents: tuple[Document, ...]
    facts: tuple[Fact, ...]
    relations: tuple[Relation, ...]
    day: date | None = None
    description: str = ""

    def __post_init__(self) -> None:
        check_references(self.documents, self.facts, self.relations)

    def check(self) -> None:
        """Raises CorpusError at the first thing that is wrong, naming it; saying nothing means sound."""
        check_references(self.documents, self.facts, self.relations)
        check_relations(self.relations)
        check_facts(self.facts, self.relations)

    def as_of(self, day: date) -> "Corpus":
        """The same corpus with only the facts that hold on that day, which is its new now."""
        return replace(self, facts=tuple(f for f in self.facts if f.holds_on(day)), day=day)

    def current(self) -> "Corpus":
        """The facts that hold now."""
        if self.day is not None:
            return self.as_of(self.day)
        return replace(self, facts=tuple(f for f in self.facts if f.valid_to is None))

    def fingerprint(self) -> str:
        """16 hex digits over documents, facts, relations and day; name and description do not count."""
        content = [[values(row) for row in rows] for rows in (self.documents, self.facts, self.relations)]
        canonical = json.dumps([*content, self.day], default=str, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def entities(self) -> tuple[str, ...]:
        """The subjects of facts, in the order of first appearance."""
        return tuple(self._by_subject)

    def relation(self, name: str) -> Relation:
        """Raises UnknownNameError with the known relations."""
        if name not in self._relations:
            known = ", ".join(self._relations)
            raise UnknownNameError(f"no relation {name!r} in corpus {self.name!r}; choose one of: {known}")
        return self._relations[name]

    def document(self, id: str) -> Document:
        """Raises UnknownNameError."""
        if id not in self._documents:
            raise UnknownNameError(f"no document {id!r} among the {len(self.documents)} of corpus {self.name!r}")
        return self._documents[id]

    def facts_of(self, subject: str, relation: str | None = None) -> tuple[Fact, ...]:
        """Every fact of a subject, past ones too; () for a subject that the corpus does not know."""
        return tuple(f for f in self._by_subject.get(subject, ()) if relation in (None, f.relation))

    @cached_property
    def _by_subject(self) -> dict[str, list[Fact]]:
        groups: dict[str, list[Fact]] = {}
        for fact in self.facts:
            groups.setdefault(fact.subject, []).append(fact)
        return groups

    @cached_property
    def _documents(self) -> dict[str, Document]:
        return {document.id: document for document in self.documents}

    @cached_property
    def _relations(self) -> dict[str, Relation]:
        return {relation.name: relation for relation in self.relations}


def values(row: Document | Fact | Relation) -> dict[str, Any]:
    """The fields of a row by name. dataclasses.asdict would copy each value, and take several times as long."""
    return {name: getattr(row, name) for name in _FIELDS[type(row)]}
