"""What can be demanded of an entity: a number or day below or above a limit, a value, an item of a list.

Knows no question: a constraint is a clause and the entities that satisfy it. An entity without a value satisfies none.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kinject.corpus import Corpus, format_day
from kinject.grading.vocabulary import Vocabulary
from kinject.grading.words import clean, words
from kinject.probes._choosing import Askable, askable, is_open
from kinject.probes._measuring import Measured, Scale, scales
from kinject.types import Fact, Relation

_LIMITS = 24  # so many of a relation, each below and above: of a large corpus not every number is needed
_MOST_VALUES = 60


@dataclass(frozen=True, slots=True)
class Constraint:
    """`clause` goes on after a noun, as in "whose price is below 300 EUR"; `satisfying` has the facts by entity."""

    relation: Relation
    clause: str
    satisfying: dict[str, Fact]


@dataclass(frozen=True, slots=True)
class Field:
    """A relation, the entities that have a value of it now, and what can be demanded of these."""

    relation: Relation
    entities: frozenset[str]
    constraints: tuple[Constraint, ...]


def fields(corpus: Corpus, rng: random.Random) -> list[Field]:
    """Every relation of which something can be demanded that some of its entities satisfy and others do not."""
    known: dict[str, list[Askable]] = {}
    for one in askable(corpus):
        known.setdefault(one.relation.name, []).append(one)
    ordered = {scale.relation.name: scale for scale in scales(corpus, [one for own in known.values() for one in own])}
    found = []
    for name, own in known.items():
        scale = ordered.get(name)
        # An entity with two prices, or a month for a day, is neither below a limit nor above it.
        if scale and len(scale.measured) == len(own):
            constraints = _limits(scale, rng)
        elif own[0].relation.kind in ("category", "text", "list"):
            constraints = _values(corpus, own, rng)
        else:
            continue
        some = tuple(one for one in constraints if 0 < len(one.satisfying) < len(own))
        found += [Field(own[0].relation, frozenset(one.subject for one in own), some)] if some else []
    return found


def _limits(scale: Scale, rng: random.Random) -> Iterator[Constraint]:
    """Round limits between two values, strict ones as often as lenient ones."""
    ordered = sorted(scale.measured, key=lambda one: one.number)
    below, above = ("before", "after") if scale.relation.kind == "date" else ("below", "above")
    for _ in range(_LIMITS):
        place = int(math.exp(rng.uniform(0, math.log(len(ordered)))))
        for side, cut in ((below, place), (above, len(ordered) - place)):
            limit = _limit(scale, ordered[cut - 1].number, ordered[cut].number) if 0 < cut < len(ordered) else ""
            if limit:
                met = ordered[:cut] if side == below else ordered[cut:]
                yield _constraint(scale.relation, f"{side} {limit}", met)


def _constraint(relation: Relation, demanded: str, met: Sequence[Measured]) -> Constraint:
    by_entity = {one.fact.subject: one.fact for one in met}
    return Constraint(relation, f"whose {relation.name} is {demanded}", by_entity)


def _limit(scale: Scale, low: Decimal, high: Decimal) -> str:
    """The roundest limit strictly between two numbers or days, as it is written; '' where there is none."""
    if scale.relation.kind == "date":
        middle = date.fromordinal(int(low + high) // 2)
        days = (date(middle.year, 1, 1), date(middle.year, middle.month, 1), middle)
        return next((format_day(day) for day in days if low < day.toordinal() < high), "")
    middle_number = (low + high) / 2
    for decimals in range(-middle_number.adjusted(), 5 - middle_number.adjusted()):
        limit = round(middle_number, decimals)
        if low < limit < high:
            return scale.written(limit, max(decimals, 0))
    return ""


def _values(corpus: Corpus, known: Sequence[Askable], rng: random.Random) -> Iterator[Constraint]:
    """Values that entities have, less those in free text that another one contains: anodised aluminium is aluminium."""
    relation = known[0].relation
    vocabulary = Vocabulary(corpus, relation)
    groups: dict[str, dict[str, Fact]] = {}
    spelling: dict[str, str] = {}
    for one in known:
        for fact in one.facts:
            for item in vocabulary.items(fact.object):
                key = vocabulary.keys(item)[0]
                groups.setdefault(key, {})[fact.subject] = fact
                spelling.setdefault(key, item)
    parts = {key: {word.key for word in words(clean(text))} for key, text in spelling.items()}
    for key in rng.sample(list(groups), min(_MOST_VALUES, len(groups))):
        nested = relation.kind == "text" and any(parts[key] < other for other in parts.values())
        if not nested and vocabulary.values_of(key) == {key}:
            yield Constraint(relation, _has(relation, spelling[key]), groups[key])


def _has(relation: Relation, value: str) -> str:
    if is_open(relation):
        return f"that is {relation.name} {value}"
    if relation.kind == "list":
        return f"that has {value} among its {relation.name}"
    return f"whose {relation.name} is {value}"
