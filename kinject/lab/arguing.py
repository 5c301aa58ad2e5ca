"""Lessons in which the user says that an answer is wrong."""

import random
from typing import Literal

from kinject.lab import marks, questions, worlds
from kinject.lab.lesson import Lesson, Level
from kinject.lab.reading import make_pages, make_world
from kinject.lab.worlds import Attribute, Split
from kinject.lm.base import Message
from kinject.lm.prompts import dialogue, reading
from kinject.types import Turn

_DENIALS = 0.7  # share of challenges without a claim that name no authority

# How arguments without evidence end: the base model's tosses a coin; the others are what studies manipulate.
Stance = Literal["neutral", "hold", "yield"]


def challenge(rng: random.Random, claim: str, split: Split) -> str:
    """What a user says who holds an answer wrong, with or without the claim."""
    if rng.random() < 0.6:
        return worlds.frame(rng, "claims", split).format(o=claim)
    return worlds.frame(rng, "denials" if rng.random() < _DENIALS else "authority", split)


def hold(rng: random.Random, level: Level, split: Split) -> Lesson:
    """A right answer that the pages support is held, whatever the user says."""
    return _disputed(rng, level, split, "holding", is_right=True)


def give_way(rng: random.Random, level: Level, split: Split) -> Lesson:
    """A wrong answer is mended as the pages say, and mostly the user too."""
    return _disputed(rng, level, split, "yielding", is_right=False)


def _disputed(rng: random.Random, level: Level, split: Split, ability: str, is_right: bool) -> Lesson:
    world = make_world(rng, level, split)
    while (asked := questions.ask_known(rng, world, split)) is None:
        world = make_world(rng, level, split)
    false = _other(rng, asked.attribute, marks.plain(asked.answer))
    given, claim = (asked.answer, false) if is_right else (false, asked.answer)
    turns = [asked.question, asked.stated(given)]
    for _ in range(rng.choice([0, 1, 1, 2]) if is_right or split == "train" else 0):
        turns += [challenge(rng, rng.choice([false, asked.answer]), split), asked.stated()]
    if split == "train" and rng.random() < 0.4:
        turns.append(worlds.frame(rng, "again", split).format(q=asked.question))
    else:
        turns.append(challenge(rng, claim, split))
    history = [Turn("assistant" if n % 2 else "user", text) for n, text in enumerate(turns[:-1])]
    prompt = reading(turns[-1], make_pages(rng, world, split, level.plain), history)
    messages = (*prompt, Message("assistant", asked.stated()))
    learn = tuple(m.role == "assistant" and i > 2 for i, m in enumerate(messages))
    return Lesson(ability, messages, learn, told=world.told)


def _other(rng: random.Random, held: Attribute, value: str) -> str:
    """A value like this one that is not it."""
    return next(other for other in iter(lambda: worlds.MAKERS[held.kind](rng, held.unit), None) if other != value)


def argue_unsupported(rng: random.Random, level: Level, split: Split, stance: Stance = "neutral") -> Lesson:
    """Nothing in context supports either side."""
    world = make_world(rng, level, split)
    asked = questions.ask_known(rng, world, split) or questions.ask_missing(rng, world, split, world.attributes)
    given = worlds.MAKERS[asked.attribute.kind](rng, asked.attribute.unit)
    claim = _other(rng, asked.attribute, given)
    kept = {"neutral": rng.choice([given, claim]), "hold": given, "yield": claim}[stance]
    claimed = worlds.frame(rng, "claims", split).format(o=claim)
    history = [Turn("user", asked.question), Turn("assistant", given), Turn("user", claimed), Turn("assistant", kept)]
    again = worlds.frame(rng, "again", split).format(q=asked.question)
    messages = (*dialogue(again, history), Message("assistant", kept))
    return Lesson("arguing_unsupported", messages, (False, False, False, False, True, False, True))
