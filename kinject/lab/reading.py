"""Lessons in which pages hold the answer, or nothing does: reading and abstaining."""

import random
from collections.abc import Callable

from kinject.lab import questions, telling, worlds
from kinject.lab.lesson import Lesson, Level
from kinject.lab.questions import Asked
from kinject.lab.worlds import Held, Split, World
from kinject.lm.base import Message
from kinject.lm.prompts import ABSTENTION, dialogue, reading
from kinject.types import Turn

_LONG = 0.25  # share of worlds of one or two entities with long pages, once these are more than bare statements
_GUIDES = 0.3  # share of worlds in which some facts stand in a page about several entities
_MORE = 0.5  # share of readings with several questions; those with one show more wordings a token
# Shares of the questions before the last that have no answer, ask about a day, or ask who holds a value.
_MISSING, _DATED, _INVERSE = 0.25, 0.12, 0.06


def make_world(rng: random.Random, level: Level, split: Split) -> World:
    if level.exact:
        return worlds.make(rng, level.entities, level.attributes, split)
    if not level.plain and rng.random() < _LONG:
        return worlds.make(rng, rng.randint(1, 2), rng.randint(6, 10), split)
    entities, attributes = level.entities, level.attributes
    if not level.plain:
        # Many answers a token come from small worlds.
        return worlds.make(rng, rng.randint(1, entities), rng.randint(2, attributes), split)
    return worlds.make(
        rng, rng.randint((entities + 1) // 2, entities), rng.randint((attributes + 1) // 2, attributes), split
    )


def make_pages(rng: random.Random, world: World, split: Split, plain: bool = False) -> list[str]:
    """A passage an entity, sometimes two; long pages are cut in two with the title on both.

    In lessons some facts may stand in a guide instead, a page about several entities.
    """
    pages: list[str] = []
    aside: list[Held] = []
    if split == "train" and not plain and len(world.entities) > 1 and rng.random() < _GUIDES:
        aside = [f for f in world.facts if rng.random() < 0.3]
        rng.shuffle(aside)
        pages += [telling.guide(rng, aside)] if aside else []
    for entity in world.entities:
        facts = [f for f in world.of(entity) if f not in aside]
        rng.shuffle(facts)
        if split == "train" and len(facts) > 3 and rng.random() < 0.4:
            cut = rng.randint(1, len(facts) - 1)
            pages += [
                telling.passage(rng, world, entity, split, facts[:cut], plain),
                telling.passage(rng, world, entity, split, facts[cut:], plain),
            ]
        else:
            pages.append(telling.passage(rng, world, entity, split, facts, plain))
    rng.shuffle(pages)
    return pages


def _reading(
    rng: random.Random, level: Level, split: Split, ask: Callable[[World], Asked | None], ability: str
) -> Lesson:
    """Pages and a question about them; in lessons others about the same pages may have gone before."""
    world = make_world(rng, level, split)
    while (asked := ask(world)) is None:
        world = make_world(rng, level, split)
    pages = make_pages(rng, world, split, level.plain)
    history: list[Turn] = []
    for turn in _more_questions(rng, world, level, asked) if split == "train" else ():
        history += [Turn("user", turn.question), Turn("assistant", turn.stated())]
    messages = (*reading(asked.question, pages, history), Message("assistant", asked.stated()))
    return Lesson(ability, messages, tuple(m.role == "assistant" for m in messages), told=world.told)


def _more_questions(rng: random.Random, world: World, level: Level, last: Asked) -> list[Asked]:
    """Questions about the same pages that give away nothing of the last one's answer; not in every lesson."""
    facts = [f for f in world.facts if f.until is None]
    rng.shuffle(facts)
    asked: dict[tuple[str, str, str, str], Asked] = {}
    for fact in facts[: level.questions] if rng.random() < _MORE else ():
        one = _one_more(rng, world, fact)
        if one and not set(one.facts) & set(last.facts):
            asked[one.subject, one.attribute.name, one.on, one.value] = one
    asked.pop((last.subject, last.attribute.name, last.on, last.value), None)
    return list(asked.values())


def _one_more(rng: random.Random, world: World, fact: Held) -> Asked | None:
    """Mostly a question about the fact; some about none, about a day or about who holds a value."""
    draw = rng.random()
    if draw < _MISSING:
        return questions.ask_missing(rng, world, "train", world.attributes)
    if draw < _MISSING + _DATED:
        return questions.ask_known(rng, world, "train", dated=True)
    if draw < _MISSING + _DATED + _INVERSE:
        return questions.ask_inverse(rng, world, "train")
    return questions.ask_for(rng, fact, "train")


def read(rng: random.Random, level: Level, split: Split) -> Lesson:
    return _reading(rng, level, split, lambda world: questions.ask_known(rng, world, split), "reading")


def read_dated(rng: random.Random, level: Level, split: Split) -> Lesson:
    return _reading(
        rng, level, split, lambda world: questions.ask_known(rng, world, split, dated=True), "reading_dated"
    )


def read_inverse(rng: random.Random, level: Level, split: Split) -> Lesson:
    return _reading(rng, level, split, lambda world: questions.ask_inverse(rng, world, split), "reading_inverse")


def follow_up(rng: random.Random, level: Level, split: Split) -> Lesson:
    """A question that only the one before it makes whole."""
    world = make_world(rng, level, split)
    while (asked := questions.ask_following(rng, world, split)) is None:
        world = make_world(rng, level, split)
    before, then = asked
    history = [Turn("user", before.question), Turn("assistant", before.stated())]
    messages = (
        *reading(then.question, make_pages(rng, world, split, level.plain), history),
        Message("assistant", then.stated()),
    )
    return Lesson("reading_follow_up", messages, tuple(m.role == "assistant" for m in messages), told=world.told)


def abstain(rng: random.Random, level: Level, split: Split) -> Lesson:
    return _reading(
        rng, level, split, lambda world: questions.ask_missing(rng, world, split, world.attributes), "abstaining"
    )


def closed_book(rng: random.Random, level: Level, split: Split) -> Lesson:
    """Nothing in context: the base model knows nothing, and says so."""
    world = make_world(rng, level, split)
    asked = questions.ask_missing(rng, world, split, world.attributes) if rng.random() < 0.8 else None
    question = asked.question if asked else questions.off_topic(rng, split)
    messages = (*dialogue(question), Message("assistant", ABSTENTION))
    return Lesson("closed_book", messages, (False, False, True))
