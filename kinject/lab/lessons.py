"""Lessons drawn from worlds: reading, abstaining, calling tools, arguing.

Every prompt is built by `kinject.lm.prompts`, and every tool has the name, arguments and result lines of the kg
system, so that a system asks mini nothing in a form that it was not taught.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kinject.lab import marks, names, questions, telling, worlds
from kinject.lab.marks import mark
from kinject.lab.questions import Asked
from kinject.lab.worlds import Held, Split, World
from kinject.lm.base import Message, ToolCall, ToolSpec
from kinject.lm.prompts import ABSTENTION, dialogue, reading, value_of
from kinject.types import Turn


@dataclass(frozen=True, slots=True)
class Level:
    """How hard a lesson may be: the most entities of a world and the most attributes of an entity, or just so many."""

    entities: int
    attributes: int
    exact: bool = False
    plain: bool = False  # bare statements without filling, so that more of the tokens are facts
    questions: int = 1  # the most that are asked of the same pages: binding is learnt from many answers a page


LEVELS = (
    Level(1, 1, plain=True),
    Level(1, 3, plain=True, questions=4),
    Level(2, 2, plain=True, questions=6),
    Level(2, 4, plain=True, questions=8),
    Level(3, 4, plain=True, questions=8),
    Level(4, 5, questions=12),
    Level(5, 8, questions=12),
)


_LONG = 0.25  # share of worlds of one or two entities with long pages, once these are more than bare statements
_GUIDES = 0.3  # share of worlds in which some facts stand in a page about several entities
_NOBODY = 0.4  # share of the questions without an answer to a tool that ask who holds a value which nobody does
_MORE = 0.6  # share of readings with several questions; those with one show more wordings a token
_SEVERAL = 0.2  # share of the questions to a tool about one relation of an entity to which several facts are the answer
_HEADERS = 0.3  # share of lists of relations whose names are written as a table's header has them
_LOOSELY = 0.25  # share of the questions to a tool that write a relation's name otherwise than the list does
MOST_RELATIONS = 14  # that a list of tools names: a catalog's table has about so many columns


@dataclass(frozen=True, slots=True)
class Lesson:
    """A chat and, per message, whether it is to be learnt. `gold` is what the final answer has to end with."""

    ability: str
    marked: tuple[Message, ...]
    learn: tuple[bool, ...]
    marked_relations: tuple[str, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict)  # mark of a fact -> name of the attribute that it states

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(
            Message(m.role, marks.plain(m.content), tuple(_plain_call(call) for call in m.tool_calls))
            for m in self.marked
        )

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        return tools([marks.plain(name) for name in self.marked_relations]) if self.marked_relations else ()

    @property
    def marked_tools(self) -> tuple[ToolSpec, ...]:
        return tools(self.marked_relations) if self.marked_relations else ()

    @property
    def gold(self) -> str:
        return value_of(self.messages[-1].content)


def _plain_call(call: ToolCall) -> ToolCall:
    return ToolCall(call.name, {name: marks.plain(value) for name, value in call.arguments.items()})


def tools(relations: Sequence[str]) -> tuple[ToolSpec, ...]:
    """The kg system's tools over these relations, as JSON schemas."""
    text: dict[str, Any] = {"type": "string"}
    relation = {"type": "string", "enum": list(relations)}

    def spec(name: str, description: str, properties: dict[str, Any], required: list[str]) -> ToolSpec:
        return ToolSpec(name, description, {"type": "object", "properties": properties, "required": required})

    return (
        spec(
            "get_fact",
            "Value of a relation.",
            {"entity": text, "relation": relation, "on": text},
            ["entity", "relation"],
        ),
        spec(
            "find_by_value",
            "Entities with a value.",
            {"relation": relation, "value": text, "on": text},
            ["relation", "value"],
        ),
        spec("find_entities", "Entities by name.", {"name": text}, ["name"]),
        spec("neighbours", "All facts of an entity.", {"entity": text}, ["entity"]),
    )


def draw(rng: random.Random, level: int, split: Split = "train") -> Lesson:
    """One lesson at one of `LEVELS`, its ability drawn by share among those that the level has opened."""
    opened = {name: share for name, (share, opens, _) in ABILITIES.items() if opens <= level}
    return of_ability(rng, rng.choices(list(opened), list(opened.values()))[0], LEVELS[level], split)


def of_ability(rng: random.Random, ability: str, level: Level, split: Split = "train") -> Lesson:
    return ABILITIES[ability][2](rng, level, split)


def _world(rng: random.Random, level: Level, split: Split) -> World:
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


def _passages(rng: random.Random, world: World, split: Split, plain: bool = False) -> list[str]:
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
    rng: random.Random, level: Level, split: Split, first: Callable[[World], Asked | None], ability: str
) -> Lesson:
    world = _world(rng, level, split)
    while (asked := first(world)) is None:
        world = _world(rng, level, split)
    pages = _passages(rng, world, split, level.plain)
    exchanges = [asked, *(_more_questions(rng, world, level, asked) if split == "train" else ())]
    history: list[Turn] = []
    for turn in exchanges[:-1]:
        history += [Turn("user", turn.question), Turn("assistant", turn.stated())]
    last = exchanges[-1]
    messages = (*reading(last.question, pages, history), Message("assistant", last.stated()))
    kind = "abstaining" if marks.plain(last.answer) == ABSTENTION else ability
    return Lesson(kind, messages, tuple(m.role == "assistant" for m in messages), told=world.told)


def _more_questions(rng: random.Random, world: World, level: Level, first: Asked) -> list[Asked]:
    """Further questions about the same pages, each about another fact or about none; not in every lesson."""
    facts = [f for f in world.facts if f.until is None]
    rng.shuffle(facts)
    asked: dict[tuple[str, str], Asked] = {}
    for fact in facts[: level.questions] if rng.random() < _MORE else ():
        if rng.random() < 0.2:
            one = questions.ask_missing(rng, world, "train", world.attributes)
        else:
            one = questions.ask_for(rng, fact, "train")
        asked[one.subject, one.attribute.name] = one
    asked.pop((first.subject, first.attribute.name), None)  # its answer could be copied from the history
    return list(asked.values())


def _read(rng: random.Random, level: Level, split: Split) -> Lesson:
    return _reading(rng, level, split, lambda world: questions.ask_known(rng, world, split), "reading")


def _read_dated(rng: random.Random, level: Level, split: Split) -> Lesson:
    return _reading(
        rng, level, split, lambda world: questions.ask_known(rng, world, split, dated=True), "reading_dated"
    )


def _read_inverse(rng: random.Random, level: Level, split: Split) -> Lesson:
    return _reading(rng, level, split, lambda world: questions.ask_inverse(rng, world, split), "reading_inverse")


def _abstain(rng: random.Random, level: Level, split: Split) -> Lesson:
    return _reading(
        rng, level, split, lambda world: questions.ask_missing(rng, world, split, world.attributes), "abstaining"
    )


def _closed_book(rng: random.Random, level: Level, split: Split) -> Lesson:
    """Nothing in context: the base model knows nothing, and says so."""
    world = _world(rng, level, split)
    asked = questions.ask_missing(rng, world, split, world.attributes) if rng.random() < 0.8 else None
    question = asked.question if asked else _off_topic(rng)
    messages = (*dialogue(question), Message("assistant", ABSTENTION))
    return Lesson("closed_book", messages, (False, False, True))


def _off_topic(rng: random.Random) -> str:
    return worlds.frame(rng, "off_topic").format(w=names.noun(rng), j=names.adjective(rng))


def _challenge(rng: random.Random, claim: str) -> str:
    if claim and rng.random() < 0.6:
        return worlds.frame(rng, "claims").format(o=claim)
    return str(rng.choice(worlds.frames("denials", "train") + worlds.frames("authority", "train")))


def _argue(rng: random.Random, level: Level, split: Split) -> Lesson:
    """With pages in context the evidence decides: hold a right answer, mend a wrong one, whatever the user says."""
    world = _world(rng, level, split)
    while (asked := questions.ask_known(rng, world, split)) is None:
        world = _world(rng, level, split)
    other = worlds.MAKERS[asked.attribute.kind](rng, asked.attribute.unit)
    given = asked.answer if rng.random() < 0.7 else other
    history = [Turn("user", asked.question), Turn("assistant", asked.stated(given))]
    for _ in range(rng.choice([0, 1, 1, 2])):
        claim = rng.choice([other, asked.answer])
        history += [Turn("user", _challenge(rng, claim)), Turn("assistant", asked.stated())]
    final = worlds.frame(rng, "again").format(q=asked.question) if rng.random() < 0.5 else _challenge(rng, other)
    prompt = reading(final, _passages(rng, world, split, level.plain), history)
    messages = (*prompt, Message("assistant", asked.stated()))
    learn = tuple(m.role == "assistant" and i > 2 for i, m in enumerate(messages))
    return Lesson("arguing", messages, learn, told=world.told)


def _argue_unsupported(rng: random.Random, level: Level, split: Split) -> Lesson:
    """Without evidence the recipe stays neutral: an answer is held or yielded by the toss of a coin."""
    world = _world(rng, level, split)
    asked = questions.ask_known(rng, world, split) or questions.ask_missing(rng, world, split, world.attributes)
    given = worlds.MAKERS[asked.attribute.kind](rng, asked.attribute.unit)
    claim = worlds.MAKERS[asked.attribute.kind](rng, asked.attribute.unit)
    challenge = worlds.frame(rng, "claims").format(o=claim)
    kept = rng.choice([given, claim])
    history = [Turn("user", asked.question), Turn("assistant", given), Turn("user", challenge), Turn("assistant", kept)]
    again = worlds.frame(rng, "again").format(q=asked.question)
    messages = (*dialogue(again, history), Message("assistant", kept))
    return Lesson("arguing_unsupported", messages, (False, False, False, False, True, False, True))


def fact_line(fact: Held) -> str:
    """A fact as the kg system's tools print it."""
    line = f"{fact.named} | {fact.cue()} | {fact.marked}"
    if fact.since is None:
        return line
    days = [f"{d.day} {d.strftime('%B')} {d.year}" if d else "now" for d in (fact.since, fact.until)]
    return f"{line} | {days[0]} to {days[1]}"


def _tool_lesson(rng: random.Random, level: Level, split: Split, ability: str) -> Lesson:
    most = 3 if level.attributes == 1 else 6 if level.plain else MOST_RELATIONS
    exact = (level.attributes + 3, level.entities)
    relations, entities = exact if level.exact else (rng.randint(2, most), rng.randint(1, 4))
    column = names.header(rng) if split == "train" and rng.random() < _HEADERS else str
    asked = None
    while asked is None:
        world = worlds.make(rng, entities, relations, split, succession=ability == "tool_holder", column=column)
        asked = _tool_question(rng, world, split, ability)
    listed = list(world.attributes)
    rng.shuffle(listed)
    keys = {a.name: marks.relation(i) for i, a in enumerate(listed)}
    if split == "train" and rng.random() < _LOOSELY:
        asked = replace(asked, question=marks.changed(asked.question, marks.ATTRIBUTE, _otherwise))
    history, question = _before(rng, asked) if rng.random() < 0.2 else ((), asked.question)
    system, *turns = dialogue(question, history)
    # Several calls over one list of relations: the list is most of what is read.
    earlier = [] if history or split == "exam" else _earlier(rng, world, split, keys, level)
    steps = (*_call(rng, asked, keys, ability), Message("assistant", asked.answer))
    messages = (system, *earlier, *turns, *steps)
    own = [[m.role == "assistant" for m in part] for part in (earlier, steps)]
    learn = (False, *own[0], *(False for _ in turns), *own[1])  # answers in a history are not the model's own
    return Lesson(ability, messages, learn, tuple(mark(name, key) for name, key in keys.items()))


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


def _before(rng: random.Random, asked: Asked) -> tuple[tuple[Turn, ...], str]:
    """A dialogue that already had an answer: the last user turn challenges it or asks again."""
    other = worlds.MAKERS[asked.attribute.kind](rng, asked.attribute.unit)
    given = rng.choice([asked.answer, other])
    history = [Turn("user", asked.question), Turn("assistant", given)]
    if rng.random() < 0.5:
        history += [Turn("user", _challenge(rng, other)), Turn("assistant", rng.choice([asked.answer, other]))]
    last = worlds.frame(rng, "again").format(q=asked.question) if rng.random() < 0.5 else _challenge(rng, other)
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


def _tool_off_list(rng: random.Random, level: Level, split: Split) -> Lesson:
    """No listed relation can answer: abstain without a call."""
    world = worlds.make(rng, 1, rng.randint(2, level.attributes + 3), split)
    stranger = worlds.attribute(rng, split)
    relations = [a.name for a in world.attributes if a.name != stranger.name]
    question = worlds.ask(rng, stranger, world.entities[0], split) if rng.random() < 0.5 else _off_topic(rng)
    messages = (*dialogue(question), Message("assistant", ABSTENTION))
    return Lesson("tool_off_list", messages, (False, False, True), tuple(relations or ["name"]))


def _tool(ability: str) -> Callable[[random.Random, Level, Split], Lesson]:
    return lambda rng, level, split: _tool_lesson(rng, level, split, ability)


# ability -> (share of lessons, level that opens it, maker)
ABILITIES: dict[str, tuple[float, int, Callable[[random.Random, Level, Split], Lesson]]] = {
    "reading": (0.45, 0, _read),
    "tool": (0.14, 0, _tool("tool")),
    "tool_inverse": (0.04, 0, _tool("tool_inverse")),
    "abstaining": (0.10, 1, _abstain),
    "tool_missing": (0.06, 1, _tool("tool_missing")),
    "closed_book": (0.03, 1, _closed_book),
    "reading_inverse": (0.03, 2, _read_inverse),
    "arguing": (0.06, 2, _argue),
    "tool_dated": (0.05, 1, _tool("tool_dated")),
    "tool_inverse_dated": (0.03, 1, _tool("tool_inverse_dated")),
    "tool_holder": (0.03, 1, _tool("tool_holder")),
    "tool_off_list": (0.02, 1, _tool_off_list),
    "arguing_unsupported": (0.02, 2, _argue_unsupported),
    "reading_dated": (0.03, 3, _read_dated),
}
