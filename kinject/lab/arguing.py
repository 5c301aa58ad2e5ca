"""Lessons in which the user says that an answer is wrong."""

import random

from kinject.lab import questions, worlds
from kinject.lab.lesson import Lesson, Level
from kinject.lab.reading import make_pages, make_world
from kinject.lab.worlds import Split
from kinject.lm.base import Message
from kinject.lm.prompts import dialogue, reading
from kinject.types import Turn


def challenge(rng: random.Random, claim: str) -> str:
    if claim and rng.random() < 0.6:
        return worlds.frame(rng, "claims").format(o=claim)
    return str(rng.choice(worlds.frames("denials", "train") + worlds.frames("authority", "train")))


def argue(rng: random.Random, level: Level, split: Split) -> Lesson:
    """With pages in context the evidence decides: hold a right answer, mend a wrong one, whatever the user says."""
    world = make_world(rng, level, split)
    while (asked := questions.ask_known(rng, world, split)) is None:
        world = make_world(rng, level, split)
    other = worlds.MAKERS[asked.attribute.kind](rng, asked.attribute.unit)
    given = asked.answer if rng.random() < 0.7 else other
    history = [Turn("user", asked.question), Turn("assistant", asked.stated(given))]
    for _ in range(rng.choice([0, 1, 1, 2])):
        claim = rng.choice([other, asked.answer])
        history += [Turn("user", challenge(rng, claim)), Turn("assistant", asked.stated())]
    final = worlds.frame(rng, "again").format(q=asked.question) if rng.random() < 0.5 else challenge(rng, other)
    prompt = reading(final, make_pages(rng, world, split, level.plain), history)
    messages = (*prompt, Message("assistant", asked.stated()))
    learn = tuple(m.role == "assistant" and i > 2 for i, m in enumerate(messages))
    return Lesson("arguing", messages, learn, told=world.told)


def argue_unsupported(rng: random.Random, level: Level, split: Split) -> Lesson:
    """Without evidence the recipe stays neutral: an answer is held or yielded by the toss of a coin."""
    world = make_world(rng, level, split)
    asked = questions.ask_known(rng, world, split) or questions.ask_missing(rng, world, split, world.attributes)
    given = worlds.MAKERS[asked.attribute.kind](rng, asked.attribute.unit)
    claim = worlds.MAKERS[asked.attribute.kind](rng, asked.attribute.unit)
    challenge = worlds.frame(rng, "claims").format(o=claim)
    kept = rng.choice([given, claim])
    history = [Turn("user", asked.question), Turn("assistant", given), Turn("user", challenge), Turn("assistant", kept)]
    again = worlds.frame(rng, "again").format(q=asked.question)
    messages = (*dialogue(again, history), Message("assistant", kept))
    return Lesson("arguing_unsupported", messages, (False, False, False, False, True, False, True))
