"""What must hold of a corpus before anything is built from it.

Each check names the fact, document or template at fault and what to do. Whether facts are true is not checked.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import get_args

from kinject.errors import CorpusError
from kinject.types import Document, Fact, Kind, Relation

# An entity may have several values of these kinds at once: colours, or the products it is compatible with.
MULTI_VALUED_KINDS = ("list", "entity")

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NEEDED = {
    "statements": ({"subject", "object"}, {"subject", "object", "date"}),
    "train_questions": ({"subject"}, {"subject", "date"}),
    "test_questions": ({"subject"}, {"subject", "date"}),
    "inverse_questions": ({"object"}, {"object", "date"}),
}


def check_references(documents: Sequence[Document], facts: Sequence[Fact], relations: Sequence[Relation]) -> None:
    """Ids are unique, and every fact points to a relation and a document that exist."""
    _unique("document id", (d.id for d in documents))
    _unique("relation", (r.name for r in relations))
    _unique("fact id", (f.id for f in facts))
    names, ids = {r.name for r in relations}, {d.id for d in documents}
    for fact in facts:
        if fact.relation not in names:
            known = ", ".join(sorted(names)) or "none"
            raise CorpusError(f"fact {fact.id!r} has the unknown relation {fact.relation!r}; known: {known}")
        if fact.document_id not in ids:
            raise CorpusError(f"fact {fact.id!r} points to document {fact.document_id!r}, which does not exist")


def check_facts(facts: Sequence[Fact], relations: Sequence[Relation]) -> None:
    """Facts are stated in full, on ranges that are not empty and overlap only where several values may hold."""
    if not facts:
        raise CorpusError("the corpus has no facts; there is nothing to inject or to ask")
    for fact in facts:
        if not fact.subject.strip() or not fact.object.strip():
            raise CorpusError(f"fact {fact.id!r} has an empty {'object' if fact.subject.strip() else 'subject'}")
        if fact.valid_from and fact.valid_to and fact.valid_from >= fact.valid_to:
            span = f"{fact.valid_from} to {fact.valid_to}"
            raise CorpusError(f"fact {fact.id!r} never holds: {span} is empty, as the last day is not included")
    kinds = {r.name: r.kind for r in relations}
    groups: dict[tuple[str, str], list[Fact]] = defaultdict(list)
    for fact in facts:
        value = fact.object if kinds[fact.relation] in MULTI_VALUED_KINDS else ""
        groups[fact.subject, f"{fact.relation}\0{value}"].append(fact)
    for group in groups.values():
        _disjoint(group)


def check_relations(relations: Sequence[Relation]) -> None:
    """Templates have their placeholders, each relation can be asked for, and no test question is a training one."""
    for relation in relations:
        if relation.kind not in get_args(Kind):
            known = ", ".join(get_args(Kind))
            raise CorpusError(f"relation {relation.name!r} has the unknown kind {relation.kind!r}; known: {known}")
        for field in _NEEDED:
            _check_templates(relation, field)
    trained = {normalise(t): r.name for r in relations for t in r.train_questions}
    for relation in relations:
        for template in (*relation.test_questions, *relation.inverse_questions):
            if normalise(template) in trained:
                where = trained[normalise(template)]
                raise CorpusError(
                    f"relation {relation.name!r} tests with {template!r}, "
                    f"which relation {where!r} trains on; reword one of them"
                )


def normalise(text: str) -> str:
    """Lower case, words only: two phrasings that differ in case or punctuation are the same phrasing."""
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


def _check_templates(relation: Relation, field: str) -> None:
    templates: tuple[str, ...] = getattr(relation, field)
    needed, allowed = _NEEDED[field]
    for template in templates:
        found = set(_PLACEHOLDER.findall(template))
        where = f"relation {relation.name!r}, {field}: {template!r}"
        if missing := needed - found:
            raise CorpusError(f"{where} lacks {{{min(missing)}}}")
        if unknown := found - allowed:
            known = ", ".join(f"{{{name}}}" for name in sorted(allowed))
            raise CorpusError(f"{where} holds {{{min(unknown)}}}; it may hold {known}")
    if field != "inverse_questions" and not any("{date}" not in t for t in templates):
        raise CorpusError(f"relation {relation.name!r} has no {field} without a date; give at least one")


def _disjoint(group: list[Fact]) -> None:
    ordered = sorted(group, key=lambda f: f.valid_from or date.min)
    for one, two in pairwise(ordered):
        if one.valid_to is None or two.valid_from is None or two.valid_from < one.valid_to:
            raise CorpusError(
                f"facts {one.id!r} ({one.object}) and {two.id!r} ({two.object}) both give the {one.relation} of "
                f"{one.subject!r} on the same day; end one before the other begins"
            )


def _unique(what: str, values: Iterable[str]) -> None:
    value, times = next(iter(Counter(values).most_common(1)), ("", 0))
    if times > 1:
        raise CorpusError(f"{what} {value!r} occurs {times} times; each must be unique")
    if times == 1 and not value.strip():
        raise CorpusError(f"empty {what}")
