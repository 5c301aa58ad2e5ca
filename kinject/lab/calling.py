"""Lessons in which a tool is called and its result read, in one step or in several."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from kinject.lab import arguing, marks, names, questions, worlds
from kinject.lab.lesson import Lesson, Level
from kinject.lab.marks import mark
from kinject.lab.questions import Asked
from kinject.lab.worlds import Held, Split, World
from kinject.lm.base import Message, ToolCall
from kinject.lm.prompts import ABSTENTION, dialogue
from kinject.types import Turn

_NOBODY = 0.4  # share of the questions without an answer to a tool that ask who holds a value which nobody does
_SEVERAL = 0.2  # share of the questions to a tool about one relation of an entity to which several facts are the answer
_HEADERS = 0.3  # share of lists of relations whose names are written as a table's header has them
_LOOSELY = 0.25  # share of the questions to a tool that write a relation's name otherwise than the list does
_THREE = 0.2  # share of chains that take three calls
MOST_RELATIONS = 14  # that a list of tools names: a catalog's table has about so many columns

T = TypeVar("T")
Asking = Callable[[World], T | None]


def fact_line(fact: Held) -> str:
    """A fact as the kg system's tools print it."""
    line = f"{fact.named} | {fact.cue()} | {fact.marked}"
    if fact.since is None:
        return line
    days = [f"{d.day} {d.strftime('%B')} {d.year}" if d else "now" for d in (fact.since, fact.until)]
    return f"{line} | {days[0]} to {days[1]}"


def about(rng: random.Random, level: Level, split: Split, ask: Asking[T], succession: bool = False) -> tuple[World, T]:
    """A world behind tools, and what is asked of it; worlds of which it cannot be asked are thrown away."""
    most = 3 if level.attributes == 1 else 6 if level.plain else MOST_RELATIONS
    column = names.header(rng) if split == "train" and rng.random() < _HEADERS else str
    while True:
        exact = (level.attributes + 3, level.entities)
        relations, entities = exact if level.exact else (rng.randint(2, most), rng.randint(1, 4))
        world = worlds.make(rng, entities, relations, split, succession, column)
        if (asked := ask(world)) is not None:
            return world, asked


def listed(rng: random.Random, world: World) -> dict[str, str]:
    """Name of a relation -> its key, in the order in which the tools list them."""
    shuffled = list(world.attributes)
    rng.shuffle(shuffled)
    return {a.name: marks.relation(i) for i, a in enumerate(shuffled)}


def tool_lesson(ability: str, messages: Sequence[Message], learn: Sequence[bool], keys: Mapping[str, str]) -> Lesson:
    return Lesson(ability, tuple(messages), tuple(learn), tuple(mark(name, key) for name, key in keys.items()))


def own(messages: Sequence[Message]) -> list[bool]:
    """What the model says itself; answers in a history are not its own."""
    return [m.role == "assistant" for m in messages]


def _single(rng: random.Random, level: Level, split: Split, ability: str) -> Lesson:
    world, asked = about(
        rng, level, split, lambda world: _tool_question(rng, world, split, ability), ability == "tool_holder"
    )
    keys = listed(rng, world)
    if split == "train" and rng.random() < _LOOSELY:
        asked = replace(asked, question=marks.changed(asked.question, marks.ATTRIBUTE, _otherwise))
    history, question = _before(rng, asked, split) if rng.random() < 0.2 else ((), asked.question)
    system, *turns = dialogue(question, history)
    # Several calls over one list of relations: the list is most of what is read.
    earlier = [] if history or split == "exam" else _earlier(rng, world, split, keys, level)
    steps = (*_call(rng, asked, keys, ability), Message("assistant", asked.answer))
    learn = (False, *own(earlier), *(False for _ in turns), *own(steps))
    return tool_lesson(ability, (system, *earlier, *turns, *steps), learn, keys)


def follow_up(rng: random.Random, level: Level, split: Split) -> Lesson:
    """A question that only the one before it makes whole."""
    world, (before, asked) = about(rng, level, split, lambda world: questions.ask_following(rng, world, split))
    keys = listed(rng, world)
    turns = dialogue(asked.question, [Turn("user", before.question), Turn("assistant", before.answer)])
    steps = (*_call(rng, asked, keys, "tool_follow_up"), Message("assistant", asked.answer))
    return tool_lesson("tool_follow_up", (*turns, *steps), (*(False for _ in turns), *own(steps)), keys)


def turned(rng: random.Random, level: Level, split: Split) -> Lesson:
    """The entity was looked for as if it were the value; the tools then say what it has. The call is not learnt."""
    world, asked = about(rng, level, split, lambda world: _tool_question(rng, world, split, "tool"))
    keys = listed(rng, world)
    relation = mark(asked.attribute.name, keys[asked.attribute.name])
    call = ToolCall("find_by_value", {"relation": relation, "value": asked.subject})
    messages = (
        *dialogue(asked.question),
        Message("assistant", "", (call,)),
        Message("tool", "\n".join(map(fact_line, asked.facts))),
        Message("assistant", asked.answer),
    )
    return tool_lesson("tool_turned", messages, [False] * (len(messages) - 1) + [True], keys)


def chain(rng: random.Random, level: Level, split: Split, calls: int = 0) -> Lesson:
    """What one call returns is what the next asks about; 2 or 3 calls, 0 for either."""
    links = calls - 1 if calls else 2 if rng.random() < _THREE else 1
    world, hops = about(rng, level, split, lambda world: questions.ask_chain(rng, world, split, links))
    keys = listed(rng, world)
    messages = list(dialogue(hops[-1].question))
    for hop in hops:
        messages += _call(rng, hop, keys, "tool_chain")
    messages.append(Message("assistant", hops[-1].answer))
    return tool_lesson("tool_chain", messages, own(messages), keys)


def _otherwise(name: str) -> str:
    """A header's name as it is spoken, and a spoken one as headers have it."""
    spoken = names.spoken(name)
    return spoken if spoken != name else name.upper() if len(name) < 5 else name.title()


def _earlier(rng: random.Random, world: World, split: Split, keys: dict[str, str], level: Level) -> list[Message]:
    """Up to three questions about the same world, each with its call, the result and the answer."""
    kinds = ["tool", "tool", "tool_inverse"]
    if level.attributes > 1:
        kinds += ["tool_dated", "tool_inverse_dated", "tool_missing"]
    messages: list[Message] = []
    for _ in range(rng.randrange(4)):
        ability = rng.choice(kinds)
        if asked := _tool_question(rng, world, split, ability):
            call = _call(rng, asked, keys, ability)
            messages += [Message("user", asked.question), *call, Message("assistant", asked.answer)]
    return messages


def _tool_question(rng: random.Random, world: World, split: Split, ability: str) -> Asked | None:
    if ability == "tool_missing":
        if rng.random() < _NOBODY:
            return questions.ask_nobody(rng, world, split)
        return questions.ask_missing(rng, world, split, world.attributes)
    if ability == "tool_inverse":
        return questions.ask_inverse(rng, world, split)
    if ability == "tool_holder":
        return questions.ask_holder(rng, world, split)
    if ability == "tool_inverse_dated":
        return questions.ask_inverse(rng, world, split, dated=True)
    if ability == "tool" and split == "train" and rng.random() < _SEVERAL:
        return questions.ask_several(rng, world, split)
    return questions.ask_known(rng, world, split, dated=ability == "tool_dated")


def _before(rng: random.Random, asked: Asked, split: Split) -> tuple[tuple[Turn, ...], str]:
    """A dialogue that already had an answer: the last user turn challenges it or asks again."""
    other = worlds.MAKERS[asked.attribute.kind](rng, asked.attribute.unit)
    given = rng.choice([asked.answer, other])
    history = [Turn("user", asked.question), Turn("assistant", given)]
    if rng.random() < 0.5:
        history += [
            Turn("user", arguing.challenge(rng, other, split)),
            Turn("assistant", rng.choice([asked.answer, other])),
        ]
    last = (
        worlds.frame(rng, "again", split).format(q=asked.question)
        if rng.random() < 0.5
        else arguing.challenge(rng, other, split)
    )
    return tuple(history), last


def _call(rng: random.Random, asked: Asked, keys: dict[str, str], ability: str) -> tuple[Message, ...]:
    """The call that a question needs and the line that the tool returns."""
    relation = mark(asked.attribute.name, keys[asked.attribute.name])
    when = {"on": asked.on} if asked.on else {}
    if asked.value:
        call = ToolCall("find_by_value", {"relation": relation, "value": asked.value, **when})
    else:
        call = ToolCall("get_fact", {"entity": asked.subject, "relation": relation, **when})
    result = "\n".join(fact_line(f) for f in asked.facts)
    if asked.value and not asked.facts:
        result = f"nothing has {asked.attribute.name} {marks.plain(asked.value)}"
    elif ability == "tool_missing":
        result = rng.choice(
            [f"no {asked.attribute.name} known for {asked.subject}", f"no entity named {asked.subject}"]
        )
        if rng.random() < 0.15:
            result = f"several entities match {asked.subject}: {'; '.join(names.family(rng, rng.randint(2, 4)))}"
    return (Message("assistant", "", (call,)), Message("tool", result))


def off_list(rng: random.Random, level: Level, split: Split) -> Lesson:
    """No listed relation can answer: abstain without a call."""
    world = worlds.make(rng, 1, rng.randint(2, level.attributes + 3), split)
    stranger = worlds.attribute(rng, split)
    relations = [a.name for a in world.attributes if a.name != stranger.name]
    question = (
        worlds.ask(rng, stranger, world.entities[0], split) if rng.random() < 0.5 else questions.off_topic(rng, split)
    )
    messages = (*dialogue(question), Message("assistant", ABSTENTION))
    return Lesson("tool_off_list", messages, (False, False, True), tuple(relations or ["name"]))


def tool(ability: str) -> Callable[[random.Random, Level, Split], Lesson]:
    return lambda rng, level, split: _single(rng, level, split, ability)
