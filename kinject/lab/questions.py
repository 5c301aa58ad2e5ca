"""Questions about a world, with their answers and the facts that these rest on."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from kinject.corpus import parse_day
from kinject.lab import marks, names, worlds
from kinject.lab.marks import mark
from kinject.lab.worlds import Attribute, Held, Split, World
from kinject.lm.prompts import ABSTENTION, stated

_BY_VALUE = 0.3  # share of chains that begin with a value
_LINKS = ("name", "person")  # kinds of attributes whose values may be entities
_OPEN_ENDED = (" of", " with", " by", " in", " to", " for")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about a world, its answer, and the facts that the answer rests on; texts are marked."""

    question: str
    answer: str
    subject: str
    attribute: Attribute
    facts: tuple[Held, ...] = ()
    on: str = ""
    value: str = ""

    def stated(self, answer: str = "") -> str:
        """The answer as a reader gives it: what is looked for first, then what was found.

        Saying what is looked for right before the value turns reading into one look back from there. Without it a
        small model has to carry the question to the passages and back. The same holds for finding nothing.
        """
        attribute = mark(self.attribute.name, marks.ATTRIBUTE)
        sought = attribute if self.subject else f"{attribute} {self.value}"
        return stated(self.subject, sought, answer or self.answer, self.on)


def ask_known(rng: random.Random, world: World, split: Split, dated: bool = False) -> Asked | None:
    """A question about what holds now or, `dated`, about what held on some day; None where the draw found no fact."""
    subject, held = rng.choice(world.entities), rng.choice(world.attributes)
    if dated:
        past = [f for f in world.facts if f.since is not None]
        return ask_dated(rng, rng.choice(past), split) if past else None
    now = world.current(subject, held)
    return None if now is None else ask_for(rng, now, split)


def ask_for(rng: random.Random, now: Held, split: Split) -> Asked:
    """A question about a fact that holds now."""
    return Asked(worlds.ask(rng, now.attribute, now.named, split), now.marked, now.named, now.attribute, (now,))


def ask_several(rng: random.Random, world: World, split: Split) -> Asked | None:
    """A question about a fact of which there are several at once; None where the draw found none that could be."""
    subject, held = rng.choice(world.entities), rng.choice(world.attributes)
    first = world.current(subject, held)
    if first is None or held.kind == "flag":
        return None
    make = worlds.MAKERS["phrase" if held.kind == "list" else held.kind]
    values = dict.fromkeys(make(rng, held.unit) for _ in range(rng.randint(2, 5)))
    facts = tuple(
        replace(first, value=value, key=marks.fact(len(world.facts) + n), since=None) for n, value in enumerate(values)
    )
    return replace(ask_for(rng, first, split), answer=", ".join(fact.marked for fact in facts), facts=facts)


def ask_dated(rng: random.Random, fact: Held, split: Split) -> Asked:
    on = mark(_day_within(rng, fact), marks.DAY)
    attribute = mark(fact.attribute.name, marks.ATTRIBUTE)
    if split == "train" and fact.attribute.ask and rng.random() < 0.3:
        question = _on(rng, names.filled(rng, rng.choice(fact.attribute.ask)).format(s=fact.named), on)
    else:
        question = worlds.frame(rng, "dated", split).format(s=fact.named, a=attribute, d=on)
    return Asked(question, fact.marked, fact.named, fact.attribute, (fact,), on)


def _day_within(rng: random.Random, fact: Held) -> str:
    """A day on which the fact holds, written so that it cannot be taken for a day on which it does not."""
    assert fact.since is not None
    until = fact.until or fact.since + timedelta(days=600)
    when = fact.since + timedelta(days=rng.randrange((until - fact.since).days))
    on = names.written(rng, when)
    if on.isdigit() and (fact.since.year == when.year or until.year == when.year):
        on = f"{when.day} {when.strftime('%B')} {when.year}"
    return on


def ask_missing(rng: random.Random, world: World, split: Split, attributes: Sequence[Attribute]) -> Asked:
    """A question that the world cannot answer: an absent attribute, or a look-alike that does not exist."""
    absent = [(e, a) for e in world.entities for a in attributes if not world.of(e, a)]
    if absent and rng.random() < 0.5:
        subject, held = rng.choice(absent)
    else:
        held = rng.choice(world.attributes)
        subject = _stranger(rng, world)
    named, nothing = world.named(subject), mark(ABSTENTION, marks.NOTHING, world.key(subject))
    return Asked(worlds.ask(rng, held, named, split), nothing, named, held)


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
    """A question about who holds a value, now or on a day; None where the draw found no such fact."""
    facts = [f for f in world.facts if f.attribute.kind != "flag" and (f.since is not None) == dated]
    if not facts:
        return None
    fact = rng.choice(facts)
    same = [f for f in facts if f.attribute == fact.attribute and f.value == fact.value and (dated or f.until is None)]
    if dated and len(same) > 1:
        return None
    on = mark(_day_within(rng, fact), marks.DAY) if dated else ""
    value = mark(fact.value, marks.VALUE)
    question = _inverse(rng, fact.attribute, value, split, on)
    return Asked(question, ", ".join(f.named for f in same), "", fact.attribute, tuple(same), on, value)


def ask_nobody(rng: random.Random, world: World, split: Split) -> Asked | None:
    """A question about who holds a value that nobody does; None where the draw found somebody."""
    held = rng.choice(world.attributes)
    nobodys = worlds.MAKERS[held.kind](rng, held.unit)
    if any(f.attribute == held and f.value == nobodys for f in world.facts):
        return None
    value = mark(nobodys, marks.VALUE)
    return Asked(_inverse(rng, held, value, split), mark(ABSTENTION, marks.NOTHING), "", held, value=value)


def _inverse(rng: random.Random, held: Attribute, value: str, split: Split, on: str = "") -> str:
    if held.inverse and rng.random() < 0.6:
        return _on(rng, names.filled(rng, rng.choice(held.inverse)).format(o=value), on)
    frame = worlds.frame(rng, "dated_inverse" if on else "inverse", split)
    return frame.format(o=value, a=mark(held.name, marks.ATTRIBUTE), d=on)


def _on(rng: random.Random, question: str, on: str) -> str:
    """The question about a day. The day comes first: after the question it would be a corpus's own, dated, phrasing."""
    return f"{rng.choice(['On', 'In', 'As of', 'Back in'])} {on}, {worlds.small(question)}" if on else question


def ask_holder(rng: random.Random, world: World, split: Split) -> Asked | None:
    """A question about who held an office on a day, which does not say of what; None where not just one did."""
    terms = [f for f in world.facts if f.attribute.name.endswith(" of") and f.since is not None]
    if not terms:
        return None
    held = rng.choice(terms)
    on = _day_within(rng, held)
    day = parse_day(on)
    same = [f for f in terms if f.attribute == held.attribute and f.holds_on(day)]
    if len(same) != 1:
        return None
    value, marked = mark(held.attribute.name.removesuffix(" of"), marks.VALUE), mark(on, marks.DAY)
    question = worlds.frame(rng, "holder", split).format(r=value, d=marked)
    return Asked(question, same[0].named, "", held.attribute, tuple(same), marked, value)


def ask_following(rng: random.Random, world: World, split: Split) -> tuple[Asked, Asked] | None:
    """A question and one that goes on from it: another attribute of its subject, or its attribute of another.

    None where the draw found no two facts like that.
    """
    now = [f for f in world.facts if f.until is None]
    if not now:
        return None
    first, then = rng.choice(now), rng.choice(now)
    if first.subject == then.subject and first.attribute != then.attribute:
        question = worlds.frame(rng, "its", split).format(a=mark(then.attribute.name, marks.ATTRIBUTE))
    elif first.subject != then.subject and first.attribute == then.attribute:
        question = worlds.frame(rng, "another", split).format(s=then.named)
    else:
        return None
    return ask_for(rng, first, split), replace(ask_for(rng, then, split), question=question)


def ask_chain(rng: random.Random, world: World, split: Split, links: int) -> list[Asked] | None:
    """Hops to an answer: each finds an entity, which the next asks about; the last has the whole question.

    An entity is found as what another one has (`links` times), or by a value that only it has. None where the draw
    found no such facts.
    """
    by_value = links == 1 and rng.random() < _BY_VALUE
    needed = 1 if by_value else links + 1
    if len(world.entities) < needed:
        return None
    path = rng.sample(world.entities, needed)
    wanted = [f for f in world.of(path[-1]) if f.until is None]
    if not wanted:
        return None
    last = rng.choice(wanted)
    if by_value:
        found = _by_value(rng, world, split, last)
        hops = [found] if found else []
    else:
        hops = _linked(rng, world, split, path, last.attribute)
    if not hops:
        return None
    named = hops[-1].answer
    question = worlds.ask(rng, last.attribute, hops[-1].question, split)
    return [*hops, Asked(question, last.marked, named, last.attribute, (last,))]


def _linked(rng: random.Random, world: World, split: Split, path: Sequence[str], other: Attribute) -> list[Asked]:
    """Hops along the path; what each is asked with names the entity that it leads to. Empty where there are none."""
    kinds = [a for a in world.attributes if a.kind in _LINKS and a != other]
    if len(kinds) < len(path) - 1:
        return []
    hops: list[Asked] = []
    named = phrase = world.named(path[0])
    for n, (one, held) in enumerate(zip(path[1:], rng.sample(kinds, len(path) - 1), strict=True)):
        key = marks.fact(len(world.facts) + n)
        fact = Held(path[n], held, one, key=key, owner=world.key(path[n]))
        sort = "what" if held.name.endswith(_OPEN_ENDED) else "links"
        phrase = worlds.frame(rng, sort, split).format(s=phrase, a=mark(held.name, marks.ATTRIBUTE))
        hops.append(Asked(phrase, fact.marked, named, held, (fact,)))
        named = fact.marked
    return hops


def _by_value(rng: random.Random, world: World, split: Split, last: Held) -> Asked | None:
    fact = rng.choice(world.of(last.subject))
    same = [f for f in world.facts if f.attribute == fact.attribute and f.value == fact.value]
    if fact.attribute == last.attribute or fact.attribute.kind == "flag" or fact.since is not None or len(same) > 1:
        return None
    value = mark(fact.value, marks.VALUE)
    phrase = worlds.frame(rng, "bearers", split).format(o=value, a=mark(fact.attribute.name, marks.ATTRIBUTE))
    return Asked(phrase, fact.named, "", fact.attribute, (fact,), value=value)


def off_topic(rng: random.Random, split: Split) -> str:
    """A question about nothing in particular."""
    return worlds.frame(rng, "off_topic", split).format(w=names.noun(rng), j=names.adjective(rng))
