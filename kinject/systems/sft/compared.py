"""Questions about two subjects, answered after both facts have been stated: in one step, weights compare at chance.

Manipulation of what is known needs its steps written out (arXiv:2309.14402). Only values in one unit are compared.
"""

import random
from collections.abc import Iterator
from decimal import Decimal

from kinject.corpus import Corpus, parse_day
from kinject.corpus.numbers import parse_quantity
from kinject.errors import CorpusError
from kinject.lm.prompts import stated
from kinject.systems.sft.text import Example
from kinject.types import Fact, Relation

_MORE = {"number": ("higher", "lower"), "date": ("later", "earlier")}


def asked(corpus: Corpus, rng: random.Random) -> Iterator[Example]:
    """Each subject beside another, by one relation of which both have one value that can be ordered, now."""
    rows = [(relation, _sizes(corpus, relation)) for relation in corpus.relations if relation.kind in _MORE]
    for entity in corpus.entities():
        known = [(relation, sizes) for relation, sizes in rows if entity in sizes]
        if not known:
            continue
        relation, sizes = rng.choice(known)
        other = rng.choice(list(sizes))
        (size, unit, value), (other_size, other_unit, other_value) = sizes[entity], sizes[other]
        if unit == other_unit and size != other_size:
            more, less = _MORE[relation.kind]
            word = rng.choice((more, less))
            winner = entity if (size > other_size) == (word == more) else other
            facts = f"{stated(entity, relation.name, value)}; {stated(other, relation.name, other_value)}\n"
            question = f"Which has the {word} {relation.name}, {entity} or {other}?"
            yield Example(facts + stated("", f"{word} {relation.name}", winner), question)


def _sizes(corpus: Corpus, relation: Relation) -> dict[str, tuple[Decimal, str, str]]:
    """By subject: the value as a number, its unit, and as it is written."""
    found: dict[str, list[Fact]] = {}
    for fact in corpus.current().facts:
        if fact.relation == relation.name:
            found.setdefault(fact.subject, []).append(fact)
    sizes = {}
    for subject, facts in found.items():
        size = _day(facts[0].object) if relation.kind == "date" else _number(facts[0].object)
        if size and len(facts) == 1:
            sizes[subject] = (*size, facts[0].object)
    return sizes


def _number(text: str) -> tuple[Decimal, str] | None:
    quantity = parse_quantity(text)
    return (Decimal(quantity.amount), quantity.unit) if quantity else None


def _day(text: str) -> tuple[Decimal, str] | None:
    try:
        return Decimal(parse_day(text).toordinal()), ""
    except CorpusError:
        return None
