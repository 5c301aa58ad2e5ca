"""Procedural worlds: a few entities, their attributes and dated facts, and the frames in which these are worded.

A world is thrown away after one lesson, so nothing in it is worth remembering: what can be learnt is how to read.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import accumulate

from kinject.lab import marks, names
from kinject.lab.marks import mark

Split = str  # "train" or "exam"

_COMPOSED = 0.6  # share of frames, where a sort has them, that are put together from slots
_KEYWORDS = 0.5  # share of everyday questions with words left out: each word has to say by itself what is meant
_OFFICES = 0.04  # share of attributes that are an invented office


@dataclass(frozen=True, slots=True)
class Attribute:
    name: str
    kind: str
    unit: str
    say: tuple[str, ...]
    ask: tuple[str, ...]
    inverse: tuple[str, ...]
    lead: tuple[str, ...] = ()  # openings of a sentence that states another fact


@dataclass(frozen=True, slots=True)
class Held:
    """A value held by an entity, on the half-open range [since, until) where it is dated."""

    subject: str
    attribute: Attribute
    value: str
    since: date | None = None
    until: date | None = None
    key: str = ""
    owner: str = ""

    @property
    def marked(self) -> str:
        """The value, marked as what this fact says of its owner."""
        return mark(self.value, self.key, self.owner)

    @property
    def named(self) -> str:
        return mark(self.subject, self.owner)

    def holds_on(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)

    def cue(self, words: str = "") -> str:
        """The words, or the attribute's name, marked as what tells that a sentence states this fact."""
        return mark(words or self.attribute.name, marks.CUE, self.key)


@dataclass(frozen=True, slots=True)
class World:
    kind: str
    entities: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    facts: tuple[Held, ...]

    @property
    def told(self) -> dict[str, str]:
        """Mark of a fact -> the name of the attribute that it states."""
        return {fact.key: fact.attribute.name for fact in self.facts}

    def of(self, subject: str, attribute: Attribute | None = None) -> list[Held]:
        return [f for f in self.facts if f.subject == subject and (attribute is None or f.attribute == attribute)]

    def key(self, entity: str) -> str:
        """The key of one of the entities, or of a stranger."""
        return marks.entity(self.entities.index(entity)) if entity in self.entities else marks.STRANGER

    def named(self, entity: str) -> str:
        return mark(entity, self.key(entity))

    def current(self, subject: str, attribute: Attribute) -> Held | None:
        return next((f for f in self.of(subject, attribute) if f.until is None), None)


def frames(name: str, split: Split) -> list[str]:
    """Sentence frames of one sort; the exam has its own, which no lesson uses."""
    table: dict[str, list[str]] = names.lexicon()["frames"]
    return table.get(f"exam_{name}", table[name]) if split == "exam" else table[name]


def frame(rng: random.Random, name: str, split: Split = "train") -> str:
    """One of the frames, or one put together from slots, which the exam does not use."""
    composed: list[str] = names.lexicon()["composed"].get(name, [])
    if composed and split == "train" and rng.random() < _COMPOSED:
        return names.filled(rng, rng.choice(composed))
    return names.filled(rng, rng.choice(frames(name, split)))


MAKERS: dict[str, Callable[[random.Random, str], str]] = {
    "number": names.quantity,
    "money": names.money,
    "date": lambda rng, _: names.written(rng, names.day(rng)),
    "year": lambda rng, _: str(rng.randrange(1500, 2030)),
    "word": lambda rng, _: names.phrase(rng, 1, 1),
    "phrase": lambda rng, _: names.phrase(rng, 1, 4),
    "person": lambda rng, _: names.person(rng),
    "name": lambda rng, _: names.family(rng, 1)[0],
    "place": lambda rng, _: names.place(rng),
    "list": lambda rng, _: names.several(rng),
    "code": lambda rng, _: names.code(rng),
    "flag": lambda rng, _: rng.choice(["yes", "no"]),
}


def attribute(rng: random.Random, split: Split) -> Attribute:
    """A common concept with its everyday wording, or an invented attribute known by its name alone."""
    if split == "train" and rng.random() < _OFFICES:
        return office(rng, split)
    concepts = names.lexicon()["concepts"]
    if rng.random() < (0.8 if split == "train" else 0.55):
        name = rng.choice(list(concepts))
        entry = concepts[name]
        unit = rng.choice(entry.get("units", [""])) if entry["kind"] == "number" else ""
        if entry["kind"] == "money":
            unit = rng.choice(names.CURRENCIES)
        ask, held_out = entry["ask"], max(0, min(1, len(entry["ask"]) - 2))
        asks = ask[-held_out:] if split == "exam" and held_out else ask[: len(ask) - held_out]
        wordings = (entry["say"], asks, entry.get("inverse", ()), entry.get("lead", ()))
        return Attribute(name, entry["kind"], unit, *map(tuple, wordings))
    kind = rng.choice(list(MAKERS))
    unit = names.noun(rng) + "s" if rng.random() < 0.3 else rng.choice(["", "kg", "cm", "h", "%", "W", "days", "m"])
    if kind == "money":
        unit = rng.choice(names.CURRENCIES)
    words = [names.noun(rng)]
    if rng.random() < 0.5:
        words.insert(0, names.adjective(rng) if rng.random() < 0.5 else names.noun(rng))
    if rng.random() < (0.2 if split == "train" else 0.1):
        words += ["of", names.noun(rng)]
    return Attribute(" ".join(words), kind, unit, (), (), ())


def office(rng: random.Random, split: Split) -> Attribute:
    """An invented office that is held of some place or house, such as "captain of"."""
    name = names.noun(rng) if rng.random() < 0.7 else f"{names.adjective(rng)} {names.noun(rng)}"

    def wording(sort: str) -> tuple[str, ...]:
        return tuple(text.replace("{r}", name) for text in frames(f"office_{sort}", split))

    return Attribute(f"{name} of", rng.choice(["place", "name"]), "", *map(wording, ("say", "ask", "inverse")))


def make(
    rng: random.Random,
    n_entities: int,
    n_attributes: int,
    split: Split = "train",
    succession: bool = False,
    column: Callable[[str], str] = str,
) -> World:
    """A world of look-alikes: every attribute is missing for some entities and dated for some.

    With `succession` the first attribute is an office that the entities held one after the other. The names of the
    others are written as `column` has it.
    """
    first = office(rng, split) if succession else None
    attributes: dict[str, Attribute] = {first.name: first} if first else {}
    while len(attributes) < n_attributes:
        new = attribute(rng, split)
        attributes.setdefault(new.name, new if new.name.endswith(" of") else replace(new, name=column(new.name)))
    entities = _entities(rng, n_entities)
    facts: list[Held] = []
    for held in attributes.values():
        if held is first:
            facts.extend(_in_turn(rng, entities, held))
            continue
        shared = [MAKERS[held.kind](rng, held.unit) for _ in range(2)]
        for entity in entities:
            draw = rng.random()
            if draw < 0.12 and n_attributes > 1:
                continue
            value = rng.choice(shared) if draw > 0.93 else MAKERS[held.kind](rng, held.unit)
            facts.extend(_dated(rng, entity, held) if draw < 0.2 else [Held(entity, held, value)])
    keyed = [replace(f, key=marks.fact(i), owner=marks.entity(entities.index(f.subject))) for i, f in enumerate(facts)]
    return World(names.noun(rng), tuple(entities), tuple(attributes.values()), tuple(keyed))


def _entities(rng: random.Random, n: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < n:
        size = rng.randint(1, n)
        found.update(dict.fromkeys(names.family(rng, size)))
    entities = list(found)[:n]
    rng.shuffle(entities)
    return entities


def _dated(rng: random.Random, entity: str, held: Attribute) -> list[Held]:
    cuts = _cuts(rng, rng.randint(2, 3))
    values = [MAKERS[held.kind](rng, held.unit) for _ in cuts]
    ends: list[date | None] = [*cuts[1:], None]
    return [Held(entity, held, v, f, t) for v, f, t in zip(values, cuts, ends, strict=True)]


def _cuts(rng: random.Random, count: int) -> list[date]:
    """Days in order on which something changed."""
    start = names.day(rng, 1990, 2022) if rng.random() < 0.7 else names.day(rng, 1750, 1980)
    gaps = [0, *(rng.randrange(90, 1500) for _ in range(count - 1))]
    return [start + timedelta(days=days) for days in accumulate(gaps)]


def _in_turn(rng: random.Random, entities: list[str], held: Attribute) -> list[Held]:
    """The same place led by one entity after the other."""
    place = MAKERS[held.kind](rng, held.unit)
    cuts = _cuts(rng, len(entities))
    ends: list[date | None] = [*cuts[1:], None if rng.random() < 0.8 else cuts[-1] + timedelta(days=1000)]
    order = rng.sample(entities, len(entities))
    return [Held(e, held, place, since, until) for e, since, until in zip(order, cuts, ends, strict=True)]


def small(text: str) -> str:
    """With a small first letter, unless the first word is "I" or an acronym."""
    return text if re.match(r"I\b|[A-Z]{2}", text) else text[0].lower() + text[1:]


def keywords(rng: random.Random, question: str, name: str) -> str:
    """The question with some of its words left out, never its subject and the word that tells most."""
    telling = names.telling(name)
    said = {word: telling.get(word.casefold(), 0.0) for word in re.findall(names.WORDS, question)}
    kept = max(said, key=lambda word: said[word], default="")
    words = [w for w in question.split(" ") if "{" in w or (kept and kept in w) or rng.random() < 0.65]
    return " ".join(words)


def ask(rng: random.Random, held: Attribute, subject: str, split: Split) -> str:
    if held.ask and rng.random() < (0.7 if split == "train" else 0.5):
        question = names.filled(rng, rng.choice(held.ask))
        if split == "train" and rng.random() < _KEYWORDS:
            question = keywords(rng, question, held.name)
        question = question.format(s=subject)
    else:
        question = frame(rng, "questions", split).format(s=subject, a=mark(held.name, marks.ATTRIBUTE))
    if rng.random() < 0.2:
        question = small(question) if rng.random() < 0.5 else question
        return frame(rng, "wraps").format(q=question, s=subject)
    return question
