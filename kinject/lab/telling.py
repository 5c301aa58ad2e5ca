"""How pages tell the facts of a world: sentences, openings, two facts a sentence, pages and guides.

Marks go along, so that training knows which words state which fact (`marks`).
"""

import random
import re
from collections.abc import Callable, Sequence

from kinject.lab import names, worlds
from kinject.lab.worlds import Held, Split, World

_LED = 0.15  # share of facts that open the sentence of the next one
# Shares of sentences that go on with the one before: where both, or the second, say what the entity is or does; else.
_BOTH, _SECOND, _ELSE = 0.17, 0.33, 0.1


def state(rng: random.Random, fact: Held, split: Split, subject: str) -> str:
    """One sentence that states a fact, calling its entity `subject`."""
    say, when = fact.attribute.say, "dated" if fact.until else "current"
    if fact.since is None:
        everyday = say and rng.random() < (0.8 if split == "train" else 0.6)
        said = _everyday(rng, fact) if everyday else worlds.frame(rng, "statements", split)
    elif say and split == "train" and rng.random() < 0.5:
        # Everyday wording with the days around it.
        said = worlds.frame(rng, f"{when}_everyday").replace("{said}", worlds.small(_everyday(rng, fact)[:-1]))
    else:
        said = worlds.frame(rng, f"{when}_statements", split)
    days = {
        "f": names.written(rng, fact.since) if fact.since else "",
        "t": names.written(rng, fact.until) if fact.until else "",
    }
    return _large(said.format(s=subject, o=fact.marked, a=fact.cue(), **days))


def _large(text: str) -> str:
    return text[0].upper() + text[1:]  # a mark in front keeps a name or a value as it is


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
        sentence = lead + worlds.small(told(fact)) if lead else told(fact)
        alike = flowing and last and last.subject == fact.subject
        joined = _joined(rng, sentences[-1], sentence, fact) if alike else ""
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
    if one and two and draw < _BOTH:
        return f"{fact.named}, which {one[:-1]}, {two}"
    if two and draw < _BOTH + _SECOND:
        return first[:-1] + rng.choice([" and ", " and ", ", and ", ", ", " and also ", " but "]) + two
    if draw > 1 - _ELSE:
        return first[:-1] + rng.choice(worlds.frames("joints", "train")) + worlds.small(second)
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
        said = worlds.frame(rng, "leads")
    return _large(said.format(o=fact.marked, a=fact.cue()))


def _with_cue(said: str, fact: Held) -> str:
    """Marked is, of the words before the value, the one that tells most about which attribute is stated."""
    before, value, after = said.partition("{o}")
    words = re.findall(names.WORDS, before)
    if not words:
        return said
    telling = names.telling(fact.attribute.name)
    cue = max(words, key=lambda word: (telling.get(word.casefold(), 0.0), len(word)))
    return before.replace(cue, fact.cue(cue), 1) + value + after


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
            mention = worlds.frame(rng, "mentions").format(s=f.named, o=f.marked, a=f.cue())
            sentences.insert(rng.randint(0, len(sentences)), mention)
    text = " ".join(s for s in sentences if s)
    return f"{title}: {text}" if rng.random() < 0.92 else f"{title} - {text}"


def guide(rng: random.Random, facts: Sequence[Held]) -> str:
    """A page about several entities, which tells something of each in passing."""

    def told(fact: Held) -> str:
        while fact.named not in (sentence := state(rng, fact, "train", fact.named)):
            pass  # a frame that calls its entity "it", which nothing before has named
        return sentence

    opening = worlds.frame(rng, "guides").format(w=names.noun(rng))
    sentences = _tell(rng, facts, told, flowing=True)
    return f"{names.phrase(rng).capitalize()}: {' '.join(filter(None, [opening, *sentences]))}"


def _filler(rng: random.Random, world: World, entity: str) -> str:
    draw = rng.random()
    if draw < 0.5:
        return worlds.frame(rng, "openings").format(s=entity, k=world.kind, w=names.noun(rng))
    j, n, m, v = names.adjective(rng), names.noun(rng), names.noun(rng), names.verb(rng)
    return rng.choice(
        [
            f"The {j} {n} will {v} the {m}.",
            f"It was made to {v} a {n}.",
            f"A {j} {n} and a {m} make it complete.",
            f"Many {v} it for the {n}, others for the {j} {m}.",
        ]
    )
