"""Claims become relations and facts: equal ones merge, those that contradict each other are settled and counted.

Values are read as the columns of a table are, so that kinds, units and days are decided for an attribute as a whole.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from kinject.corpus.checks import MULTI_VALUED_KINDS
from kinject.corpus.importing import relations_of
from kinject.corpus.schema import Inferred, Settings, infer
from kinject.corpus.table import Row, Table
from kinject.extraction.claims import Claim
from kinject.extraction.sources import Sources
from kinject.types import Fact, Relation

_ENTITY = "name"


@dataclass(frozen=True)
class Assembled:
    """`evidence` has the passage of every new fact by its id; `dropped` counts claims by the reason."""

    relations: tuple[Relation, ...]
    facts: tuple[Fact, ...]
    evidence: dict[str, str]
    dropped: dict[str, int]
    notes: tuple[str, ...]


def assemble(claims: Sequence[Claim], sources: Sources, min_facts: int) -> Assembled:
    """The facts of the sources come first, and a claim that contradicts one of them is dropped."""
    merged = _merged(claims, sources)
    known = {relation.name: relation for relation in sources.relations}
    counts = Counter(claim.attribute for claim, _ in merged)
    frequent = [(c, votes) for c, votes in merged if c.attribute in known or counts[c.attribute] >= min_facts]
    columns = _columns([claim for claim, _ in frequent if claim.attribute not in known])
    read = [_Read(c, votes, *_value(c, known, columns, row)) for row, (c, votes) in _numbered(frequent, known)]
    valued = [one for one in read if one.text]
    relations = {**known, **{relation.name: relation for relation in relations_of(tuple(columns.values()))}}
    kept = _settled([one for one in valued if one.relation in relations], relations, sources.facts)
    facts = tuple(_fact(one, number) for number, one in enumerate(kept, start=1))
    used = {fact.relation for fact in (*sources.facts, *facts)}
    return Assembled(
        relations=tuple(relation for relation in relations.values() if relation.name in used),
        facts=(*sources.facts, *facts),
        evidence={fact.id: one.claim.quote for fact, one in zip(facts, kept, strict=True)},
        dropped={
            "of an attribute that is too rare": len(merged) - len(frequent),
            "whose value is of no fitting kind": len(frequent) - len(valued),
            "that repeat or contradict what stands already": len(valued) - len(kept),
        },
        notes=tuple(f"{one.column.name}: {note}" for one in columns.values() for note in one.column.notes),
    )


@dataclass(frozen=True)
class _Read:
    claim: Claim
    votes: int
    relation: str
    text: str
    aliases: tuple[str, ...]


def _merged(claims: Sequence[Claim], sources: Sources) -> list[tuple[Claim, int]]:
    """One claim for all that say the same, with their number; subjects are spelled as titles are."""
    names = (*(f.subject for f in sources.facts), *(d.title for d in sources.documents))
    spelled: dict[str, str] = {}
    for name in (*names, *(claim.subject for claim in claims)):
        spelled.setdefault(_folded(name), name)
    votes: Counter[tuple[object, ...]] = Counter()
    first: dict[tuple[object, ...], Claim] = {}
    for claim in [part for whole in claims for part in _apart(whole, spelled)]:
        subject = spelled[_folded(claim.subject)]
        key = (subject, claim.attribute, claim.value.casefold(), claim.valid_from, claim.valid_to)
        votes[key] += 1
        first.setdefault(key, replace(claim, subject=subject))
    return [(claim, votes[key]) for key, claim in first.items() if claim.attribute != _ENTITY]


def _apart(claim: Claim, names: Mapping[str, str]) -> list[Claim]:
    """Where "Ava and Bo" are two entities they are two values, and else one."""
    parts = [part for part in re.split(r", (?:and )?| and ", claim.value) if part]
    if len(parts) > 1 and all(_folded(part) in names for part in parts):
        return [replace(claim, value=part) for part in parts]
    return [claim]


def _folded(name: str) -> str:
    return " ".join(name.casefold().removeprefix("the ").split())


def _columns(claims: Sequence[Claim]) -> dict[str, Inferred]:
    """Each attribute as a column with one row a claim. Empty where there are no claims."""
    if not claims:
        return {}
    names = dict.fromkeys(claim.attribute for claim in claims)
    rows = tuple(Row(c.document_id, {_ENTITY: c.subject, c.attribute: c.value}) for c in claims)
    found = infer(Table((_ENTITY, *names), rows), _ENTITY, Settings())
    return {one.column.name: one for one in found}


def _numbered(
    merged: Sequence[tuple[Claim, int]], known: dict[str, Relation]
) -> Iterable[tuple[int, tuple[Claim, int]]]:
    """With the row of each claim in the columns; known relations have none."""
    row = 0
    for claim, votes in merged:
        yield row, (claim, votes)
        row += claim.attribute not in known


def _value(
    claim: Claim, known: dict[str, Relation], columns: dict[str, Inferred], row: int
) -> tuple[str, str, tuple[str, ...]]:
    """Relation, text and aliases; a text "" is no value."""
    if claim.attribute in known:
        is_list = known[claim.attribute].kind == "list"
        return claim.attribute, re.sub(r",? and ", ", ", claim.value) if is_list else claim.value, ()
    one = columns[claim.attribute]
    value = one.values[row] if one.column.role == "fact" else None
    return one.column.label, value.text if value else "", value.aliases if value else ()


def _settled(read: Sequence[_Read], relations: dict[str, Relation], facts: Sequence[Fact]) -> list[_Read]:
    """What can hold together: of two values on one day that with more passages stays, then the first one."""
    held: dict[tuple[str, str], list[tuple[str, date | None, date | None]]] = defaultdict(list)
    for fact in facts:
        held[fact.subject, fact.relation].append((fact.object, fact.valid_from, fact.valid_to))
    # Those with days know more than those without; sorting is stable, so that the text decides a draw.
    order = sorted(read, key=lambda one: (one.claim.valid_from is None and one.claim.valid_to is None, -one.votes))
    kept: dict[int, _Read] = {}
    for one in order:
        others = held[one.claim.subject, one.relation]
        several = relations[one.relation].kind in MULTI_VALUED_KINDS
        start, end = one.claim.valid_from, one.claim.valid_to
        ends = [o[2] for o in others if o[2]]
        if start is None and end is None and others and len(ends) == len(others) and not several:
            start = max(ends)  # "it costs 40 EUR", where other prices are over: this one holds since
        if not any(_overlap(start, end, o[1], o[2]) and (not several or o[0] == one.text) for o in others):
            others.append((one.text, start, end))
            kept[id(one)] = replace(one, claim=replace(one.claim, valid_from=start, valid_to=end))
    return [kept[id(one)] for one in read if id(one) in kept]


def _overlap(start: date | None, end: date | None, other_start: date | None, other_end: date | None) -> bool:
    return (start or date.min) < (other_end or date.max) and (other_start or date.min) < (end or date.max)


def _fact(one: _Read, number: int) -> Fact:
    claim = one.claim
    slug = re.sub(r"\W+", "-", one.relation).strip("-")
    id_ = f"{claim.document_id}/{slug}/x{number}"
    return Fact(
        id_, claim.subject, one.relation, one.text, claim.document_id, one.aliases, claim.valid_from, claim.valid_to
    )
