"""Questions about a world, with their answers and the facts that these rest on."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from kinject.lab import names, worlds
from kinject.lab.worlds import Attribute, Held, Split, World
from kinject.lm.prompts import ABSTENTION


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about a world, its answer, and the facts that the answer rests on."""

    question: str
    answer: str
    subject: str
    attribute: Attribute | None
    facts: tuple[Held, ...] = ()
    on: str = ""
    value: str = ""

    def stated(self, answer: str = "") -> str:
        """The answer as a reader gives it: entity and attribute first, then the value.

        Saying what is looked for right before the value turns reading into one look back from there. Without it a
        small model has to carry the question to the passages and back.
        """
        answer = answer or self.answer
        if answer == ABSTENTION or not self.subject or self.attribute is None:
            return answer
        return f"{self.subject}, {self.attribute.name}: {answer}"


def ask_known(rng: random.Random, world: World, split: Split, dated: bool = False) -> Asked | None:
    """A question about what holds now or, `dated`, about what held on some day; None where the draw found no fact."""
    subject, held = rng.choice(world.entities), rng.choice(world.attributes)
    if dated:
        past = [f for f in world.facts if f.since is not None]
        return ask_dated(rng, rng.choice(past), split) if past else None
    now = world.current(subject, held)
    if now is None:
        return None
    return Asked(worlds.ask(rng, held, subject, split), now.value, subject, held, (now,))


def ask_dated(rng: random.Random, fact: Held, split: Split) -> Asked:
    assert fact.since is not None
    until = fact.until or fact.since + timedelta(days=600)
    when = fact.since + timedelta(days=rng.randrange((until - fact.since).days))
    on = names.written(rng, when)
    if on.isdigit() and (fact.since.year == when.year or until.year == when.year):
        on = f"{when.day} {when.strftime('%B')} {when.year}"
    question = rng.choice(worlds.frames("dated", split)).format(s=fact.subject, a=fact.attribute.name, d=on)
    return Asked(question, fact.value, fact.subject, fact.attribute, (fact,), on)


def ask_missing(rng: random.Random, world: World, split: Split, attributes: Sequence[Attribute]) -> Asked:
    """A question that the world cannot answer: an absent attribute, or a look-alike that does not exist."""
    absent = [(e, a) for e in world.entities for a in attributes if not world.of(e, a)]
    if absent and rng.random() < 0.5:
        subject, held = rng.choice(absent)
    else:
        held = rng.choice(world.attributes)
        subject = _stranger(rng, world)
    return Asked(worlds.ask(rng, held, subject, split), ABSTENTION, subject, held)


def _stranger(rng: random.Random, world: World) -> str:
    """A name that is close to one of the world's, and not in it."""
    name = rng.choice(world.entities)
    places = [i for i, c in enumerate(name) if c.isdigit()]
    if places and rng.random() < 0.6:
        i = rng.choice(places)
        name = name[:i] + rng.choice("0123456789") + name[i + 1 :]
    elif " " in name and rng.random() < 0.6:
        parts = name.split(" ")
        parts[rng.randrange(len(parts))] = rng.choice([names.coin(rng), rng.choice(names.SUFFIXES)])
        name = " ".join(parts)
    else:
        name = names.family(rng, 1)[0]
    return name if name not in world.entities else names.coin(rng)


def ask_inverse(rng: random.Random, world: World, split: Split, dated: bool = False) -> Asked | None:
    facts = [f for f in world.facts if f.attribute.kind != "flag" and (f.since is not None) == dated]
    if not facts:
        return None
    fact = rng.choice(facts)
    if dated:
        known = ask_dated(rng, fact, split)
        question = rng.choice(worlds.frames("dated_inverse", split)).format(
            o=fact.value, a=fact.attribute.name, d=known.on
        )
        inverse = [f"{q[:-1]} {rng.choice(['on', 'in'])} {known.on}?" for q in fact.attribute.inverse]
        question = rng.choice(inverse) if inverse and rng.random() < 0.6 else question
        same = [
            f for f in world.facts if f.attribute == fact.attribute and f.value == fact.value and f.since is not None
        ]
        return (
            Asked(question, fact.subject, "", fact.attribute, (fact,), known.on, fact.value) if len(same) == 1 else None
        )
    holders = [f for f in world.facts if f.attribute == fact.attribute and f.value == fact.value and f.until is None]
    inverse = list(fact.attribute.inverse)
    generic = rng.choice(worlds.frames("inverse", split)).format(o=fact.value, a=fact.attribute.name)
    question = rng.choice(inverse).format(o=fact.value) if inverse and rng.random() < 0.6 else generic
    return Asked(question, ", ".join(f.subject for f in holders), "", fact.attribute, tuple(holders), "", fact.value)
