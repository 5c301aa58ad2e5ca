"""Procedural worlds: a few entities, their attributes, dated facts and the passages that state them.

A world is thrown away after one lesson, so nothing in it is worth remembering: what can be learnt is how to read.
"""

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from itertools import accumulate

from kinject.lab import marks, names
from kinject.lab.marks import mark

Split = str  # "train" or "exam"

_COMPOSED = 0.6  # share of frames, where a sort has them, that are put together from slots
_OFFICES = 0.04  # share of attributes that are an invented office
_WORDS = r"(?<![{\w])[A-Za-z]{3,}"
_LED = 0.15  # share of facts that open the sentence of the next one
_JOINED = 0.5  # share of sentences that go on with the one before, where both are about what the entity does or is


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
    rng: random.Random, n_entities: int, n_attributes: int, split: Split = "train", succession: bool = False
) -> World:
    """A world of look-alikes: every attribute is missing for some entities and dated for some.

    With `succession` the first attribute is an office that the entities held one after the other.
    """
    first = office(rng, split) if succession else None
    attributes: dict[str, Attribute] = {first.name: first} if first else {}
    while len(attributes) < n_attributes:
        new = attribute(rng, split)
        attributes[new.name] = new
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


def state(rng: random.Random, fact: Held, split: Split, subject: str) -> str:
    """One sentence that states a fact, calling its entity `subject`."""
    say, when = fact.attribute.say, "dated" if fact.until else "current"
    if fact.since is None:
        everyday = say and rng.random() < (0.8 if split == "train" else 0.6)
        said = _everyday(rng, fact) if everyday else frame(rng, "statements", split)
    elif say and split == "train" and rng.random() < 0.5:
        # Everyday wording with the days around it.
        said = frame(rng, f"{when}_everyday").replace("{said}", _small(_everyday(rng, fact)[:-1]))
    else:
        said = frame(rng, f"{when}_statements", split)
    days = {
        "f": names.written(rng, fact.since) if fact.since else "",
        "t": names.written(rng, fact.until) if fact.until else "",
    }
    return _large(said.format(s=subject, o=fact.marked, a=fact.cue(), **days))


def _large(text: str) -> str:
    return text[0].upper() + text[1:]  # a mark in front keeps a name or a value as it is


def _small(text: str) -> str:
    return text[0].lower() + text[1:]


def _everyday(rng: random.Random, fact: Held) -> str:
    return _with_cue(names.filled(rng, rng.choice(fact.attribute.say)), fact)


def _tell(rng: random.Random, facts: Sequence[Held], told: Callable[[Held], str], flowing: bool) -> list[str]:
    """The sentences that tell the facts in turn; in flowing text some state two of them."""
    sentences: list[str] = []
    lead, last = "", None
    for n, fact in enumerate(facts):
        goes_on = n + 1 < len(facts) and facts[n + 1].subject == fact.subject
        if flowing and goes_on and fact.since is None and not lead and rng.random() < _LED:
            lead, last = _lead(rng, fact), None
            continue
        sentence = lead + _small(told(fact)) if lead else told(fact)
        joined = (
            _joined(rng, sentences[-1], sentence, fact) if flowing and last and last.subject == fact.subject else ""
        )
        if joined:
            sentences[-1] = joined
        else:
            sentences.append(sentence)
        lead, last = "", None if lead or joined else fact  # no more than two facts a sentence
    return sentences


def _joined(rng: random.Random, first: str, second: str, fact: Held) -> str:
    """One sentence of two about one entity; "" where they stay apart."""
    if not (first.endswith(".") and second.endswith(".")):
        return ""
    one, two = _predicate(first, fact), _predicate(second, fact)
    draw = rng.random()
    if one and two and draw < _JOINED / 3:
        return f"{fact.named}, which {one[:-1]}, {two}"
    if two and draw < _JOINED:
        return first[:-1] + rng.choice([" and ", " and ", ", and ", ", ", " and also ", " but "]) + two
    if draw > 1 - _JOINED / 5:
        return first[:-1] + rng.choice(frames("joints", "train")) + _small(second)
    return ""


def _predicate(sentence: str, fact: Held) -> str:
    """What a sentence says of its entity, where it begins with it."""
    for subject in (fact.named, "It"):
        rest = sentence.removeprefix(f"{subject} ")
        if rest != sentence and rest[0].islower():
            return rest
    return ""


def _lead(rng: random.Random, fact: Held) -> str:
    """An opening that states a fact of what the sentence goes on about."""
    if fact.attribute.lead and rng.random() < 0.7:
        said = _with_cue(names.filled(rng, rng.choice(fact.attribute.lead)), fact)
    else:
        said = frame(rng, "leads")
    return _large(said.format(o=fact.marked, a=fact.cue()))


def _with_cue(said: str, fact: Held) -> str:
    """Marked is, of the words before the value, the one that tells most about which attribute is stated."""
    before, value, after = said.partition("{o}")
    words = re.findall(_WORDS, before)
    if not words:
        return said
    telling = _telling(fact.attribute.name)
    cue = max(words, key=lambda word: (telling.get(word.casefold(), 0.0), len(word)))
    return before.replace(cue, fact.cue(cue), 1) + value + after


@cache
def _telling(name: str) -> dict[str, float]:
    """How much a word tells of a concept: its count in the concept's frames times its rarity in those of others."""
    concepts = names.lexicon()["concepts"]
    if name not in concepts:
        return dict.fromkeys(name.casefold().split(), 1.0)
    own = _counts(name)
    shared = Counter(word for other in concepts for word in _counts(other))
    return {word: count * math.log((1 + len(concepts)) / shared[word]) for word, count in own.items()}


@cache
def _counts(name: str) -> Counter[str]:
    entry = names.lexicon()["concepts"][name]
    texts = [name, *(text for sort in ("say", "ask", "lead") for text in entry.get(sort, ()))]
    return Counter(word.casefold() for text in texts for word in re.findall(_WORDS, text))


def passage(
    rng: random.Random, world: World, entity: str, split: Split, facts: list[Held] | None = None, plain: bool = False
) -> str:
    """A page about one entity: prose, a list or a row, titled with its name."""
    facts = list(world.of(entity) if facts is None else facts)
    title = world.named(entity)
    rng.shuffle(facts)
    form = rng.random()
    undated = all(f.since is None for f in facts)
    if form < 0.12 and undated:
        return f"{title}: " + "; ".join(f"{f.cue()}: {f.marked}" for f in facts)
    if form < 0.2 and undated:
        return f"{title}: " + " ".join(f"- {f.cue()}: {f.marked}" for f in facts)

    def told(fact: Held) -> str:
        subject = title if rng.random() < 0.45 else rng.choice(["It", "it", f"the {world.kind}", title])
        return state(rng, fact, split, subject)

    sentences = _tell(rng, facts, told, flowing=split == "train" and not plain)
    if plain:
        return f"{title}: {' '.join(sentences)}"
    if rng.random() < 0.7:
        sentences.insert(0, _filler(rng, world, title))
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        sentences.insert(rng.randint(1, len(sentences)) if sentences else 0, _filler(rng, world, title))
    others = [e for e in world.entities if e != entity]
    if others and rng.random() < 0.25:
        other = rng.choice(others)
        known = [f for f in world.of(other) if f.since is None]
        if known:
            f = rng.choice(known)
            mention = frame(rng, "mentions").format(s=f.named, o=f.marked, a=f.cue())
            sentences.insert(rng.randint(0, len(sentences)), mention)
    text = " ".join(s for s in sentences if s)
    return f"{title}: {text}" if rng.random() < 0.92 else f"{title} - {text}"


def guide(rng: random.Random, facts: Sequence[Held]) -> str:
    """A page about several entities, which tells something of each in passing."""

    def told(fact: Held) -> str:
        while fact.named not in (sentence := state(rng, fact, "train", fact.named)):
            pass  # a frame that calls its entity "it", which nothing before has named
        return sentence

    opening = frame(rng, "guides").format(w=names.noun(rng))
    sentences = _tell(rng, facts, told, flowing=True)
    return f"{names.phrase(rng).capitalize()}: {' '.join(filter(None, [opening, *sentences]))}"


def _filler(rng: random.Random, world: World, entity: str) -> str:
    draw = rng.random()
    if draw < 0.5:
        return frame(rng, "openings").format(s=entity, k=world.kind, w=names.noun(rng))
    j, n, m, v = names.adjective(rng), names.noun(rng), names.noun(rng), names.verb(rng)
    return rng.choice(
        [
            f"The {j} {n} will {v} the {m}.",
            f"It was made to {v} a {n}.",
            f"A {j} {n} and a {m} make it complete.",
            f"Many {v} it for the {n}, others for the {j} {m}.",
        ]
    )


def ask(rng: random.Random, held: Attribute, subject: str, split: Split) -> str:
    if held.ask and rng.random() < (0.7 if split == "train" else 0.5):
        question = names.filled(rng, rng.choice(held.ask)).format(s=subject)
    else:
        question = frame(rng, "questions", split).format(s=subject, a=mark(held.name, marks.ATTRIBUTE))
    if rng.random() < 0.2:
        question = _small(question) if rng.random() < 0.5 else question
        return frame(rng, "wraps").format(q=question, s=subject)
    return question
