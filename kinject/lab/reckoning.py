"""Lessons in which tools count, compare and calculate."""

import operator
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal

from kinject.lab import marks, names, worlds
from kinject.lab.calling import about, fact_line, listed, own, tool_lesson
from kinject.lab.lesson import Lesson, Level
from kinject.lab.marks import mark
from kinject.lab.worlds import Attribute, Held, Split, World
from kinject.lm.base import Message, ToolCall
from kinject.lm.prompts import ABSTENTION, dialogue

_MEASURED = ("number", "money", "year")  # kinds of attributes of which one value is more than another
_ORDERED = (*_MEASURED, "date")
_BY_ADJECTIVE = 0.5  # share of comparisons, of what has an adjective, that are asked with it
_AMONG = 0.35  # share of questions about many that are about some of them
_ALL = 0.2  # share of counts that count whatever has the relation
_EQUALS = 0.1  # share of extremes that several entities share
_DIFFERENCES = 0.4  # share of what is calculated from two facts
_REFUSED = 0.06  # share of calls that give nothing
_NUMBER = re.compile(r"\d[\d,]*(\.\d+)?")
_SIGNS: dict[str, tuple[str, Callable[[Decimal, Decimal], Decimal]]] = {
    "plus": ("+", operator.add),
    "minus": ("-", operator.sub),
    "times": ("*", operator.mul),
    "divided": ("/", operator.truediv),
}


@dataclass(frozen=True, slots=True)
class _Figure:
    """A fact whose value is a number with what stands around it, such as a unit; the number has a mark of its own."""

    fact: Held
    number: str
    line: str  # of a tool's result
    around: tuple[str, str]

    @property
    def amount(self) -> Decimal:
        return Decimal(marks.plain(self.number).replace(",", ""))


def _figure(world: World, fact: Held | None) -> _Figure | None:
    """None where there is no fact, or not one number in its value."""
    found = list(_NUMBER.finditer(fact.value)) if fact else []
    if not fact or len(found) != 1 or fact.attribute.kind not in _MEASURED or fact.since is not None:
        return None
    number = mark(found[0][0], marks.fact(len(world.facts) + world.facts.index(fact)))
    before, after = fact.value[: found[0].start()], fact.value[found[0].end() :]
    line = fact_line(replace(fact, value=f"{before}{number}{after}"))
    return _Figure(fact, number, line, (before, after))


def _shown(number: Decimal) -> str:
    """As the calculator prints it: at most ten digits, and no zeros after the last that counts."""
    return format(Context(prec=10).create_decimal(number).normalize(), "f")


# What a tool is asked: the question, the call's arguments, the result and the answer.
_Step = tuple[str, ToolCall, str, str]
_Ask = Callable[[random.Random, World, Split, dict[str, str]], _Step | None]


def _of_one_call(ability: str, ask: _Ask) -> Callable[[random.Random, Level, Split], Lesson]:
    def draw(rng: random.Random, level: Level, split: Split) -> Lesson:
        keys: dict[str, str] = {}

        def asked(world: World) -> _Step | None:
            keys.clear()
            keys.update(listed(rng, world))
            return ask(rng, world, split, keys)

        _, (question, call, result, answer) = about(rng, level, split, asked)
        if rng.random() < _REFUSED and split == "train" and call.name != "calculate":
            result, answer = _refusal(rng, call), mark(ABSTENTION, marks.NOTHING)
        messages = (
            *dialogue(question),
            Message("assistant", "", (call,)),
            Message("tool", result),
            Message("assistant", answer),
        )
        return tool_lesson(ability, messages, own(messages), keys)

    return draw


def _refusal(rng: random.Random, call: ToolCall) -> str:
    relation = marks.plain(call.arguments.get("relation", ""))
    if call.name == "compare":
        return f"no {relation} known for {marks.plain(call.arguments[rng.choice(['first', 'second'])])}"
    if "value" in call.arguments:
        where = call.arguments.get("where", call.arguments["relation"])
        return f"nothing has {marks.plain(where)} {marks.plain(call.arguments['value'])}"
    if call.arguments["function"] == "count":
        return f"no {relation} known"
    return f"cannot {call.arguments['function']} {relation}: its values are no numbers"


def _attribute(rng: random.Random, world: World, kinds: Sequence[str]) -> Attribute | None:
    fitting = [held for held in world.attributes if held.kind in kinds]
    return rng.choice(fitting) if fitting else None


def _named(held: Attribute) -> str:
    return mark(held.name, marks.ATTRIBUTE)


def _adjective(rng: random.Random, world: World, held: Attribute, sort: str) -> str:
    """A word such as "heavier" for more of an attribute; "" where there is none, or it is not to be used.

    Words that would also do for another attribute of the world are not: "older" tells of an age or of a year.
    """
    if rng.random() > _BY_ADJECTIVE:
        return ""
    others = {word for other in world.attributes if other != held for words in _words(other).values() for word in words}
    words = [word for word in _words(held).get(sort, []) if word not in others]
    return rng.choice(words) if words else ""


def _words(held: Attribute) -> dict[str, list[str]]:
    words: dict[str, list[str]] = names.lexicon()["adjectives"].get(names.spoken(held.name), {})
    return words


def _among(
    rng: random.Random, world: World, held: Attribute, split: Split, keys: dict[str, str]
) -> tuple[str, dict[str, str]]:
    """A frame for a question about those that have some value, and what the call says of it; mostly about all."""
    others = [a for a in world.attributes if a != held and a.kind not in ("flag", "list")]
    if not others or rng.random() > _AMONG:
        return "{q}", {}
    other = rng.choice(others)
    value = mark(worlds.MAKERS[other.kind](rng, other.unit), marks.VALUE)
    frame = worlds.frame(rng, "among", split).format(b=_named(other), o=value, q="{q}")
    return frame, {"where": mark(other.name, keys[other.name]), "value": value}


def _put(frame: str, question: str) -> str:
    """The question within a frame; with a small letter unless it begins the sentence."""
    return frame.format(q=question if frame.startswith("{q}") else worlds.small(question))


def _extreme(rng: random.Random, world: World, split: Split, keys: dict[str, str]) -> _Step | None:
    """Which has the most or the least of something, or how much that is."""
    held = _attribute(rng, world, _ORDERED)
    fact = world.current(rng.choice(world.entities), held) if held else None
    if not held or not fact or fact.since is not None:
        return None
    function, most = rng.choice([("max", "most"), ("min", "least")])
    adjective = _adjective(rng, world, held, most)
    wants_holder = bool(adjective) or rng.random() < 0.6
    if adjective:
        asked = worlds.frame(rng, "most_adjective", split).format(m=adjective)
    else:
        asked = worlds.frame(rng, f"{most}_{'holder' if wants_holder else 'value'}", split).format(a=_named(held))
    frame, restriction = _among(rng, world, held, split, keys)
    call = ToolCall("aggregate", {"function": function, "relation": mark(held.name, keys[held.name]), **restriction})
    facts = [fact]
    if rng.random() < _EQUALS:
        facts += [
            Held(name, held, fact.value, key=fact.key, owner=marks.entity(len(world.entities) + n))
            for n, name in enumerate(names.family(rng, rng.randint(1, 2)))
        ]
    answer = ", ".join(one.named for one in facts) if wants_holder else fact.marked
    return _put(frame, asked), call, "\n".join(map(fact_line, facts)), answer


def _count(rng: random.Random, world: World, split: Split, keys: dict[str, str]) -> _Step | None:
    held = rng.choice(world.attributes)
    number = mark(str(rng.choice([rng.randrange(1, 30), rng.randrange(1, 900)])), marks.fact(len(world.facts)))
    value = "" if rng.random() < _ALL else mark(worlds.MAKERS[held.kind](rng, held.unit), marks.VALUE)
    sort = "count_value" if value else "count_all"
    asked = worlds.frame(rng, sort, split).format(a=_named(held), o=value)
    arguments = {
        "function": "count",
        "relation": mark(held.name, keys[held.name]),
        **({"value": value} if value else {}),
    }
    return asked, ToolCall("aggregate", arguments), f"count | {held.name} | {number}", number


def _total(rng: random.Random, world: World, split: Split, keys: dict[str, str]) -> _Step | None:
    held = _attribute(rng, world, ("number", "money"))
    if not held:
        return None
    function = rng.choice(["sum", "mean"])
    value = mark(worlds.MAKERS[held.kind](rng, held.unit), marks.fact(len(world.facts)))
    asked = worlds.frame(rng, function, split).format(a=_named(held))
    frame, restriction = _among(rng, world, held, split, keys)
    call = ToolCall("aggregate", {"function": function, "relation": mark(held.name, keys[held.name]), **restriction})
    return _put(frame, asked), call, f"{function} | {held.name} | {value}", value


def _aggregated(rng: random.Random, world: World, split: Split, keys: dict[str, str]) -> _Step | None:
    return rng.choice([_extreme, _extreme, _count, _total])(rng, world, split, keys)


def _compared(rng: random.Random, world: World, split: Split, keys: dict[str, str]) -> _Step | None:
    held = _attribute(rng, world, _MEASURED)
    if not held or len(world.entities) < 2:
        return None
    one, other = (_figure(world, world.current(e, held)) for e in rng.sample(world.entities, 2))
    if not one or not other or one.amount == other.amount:
        return None
    function, more = rng.choice([("max", "more"), ("min", "less")])
    pair = {"s": one.fact.named, "t": other.fact.named}
    adjective = _adjective(rng, world, held, more)
    sort, word = ("more_adjective", {"m": adjective}) if adjective else (more, {"a": _named(held)})
    ordered = sorted([one, other], key=lambda figure: figure.amount, reverse=function == "max")
    relation = mark(held.name, keys[held.name])
    call = ToolCall(
        "compare", {"function": function, "relation": relation, "first": one.fact.named, "second": other.fact.named}
    )
    result = "\n".join(fact_line(figure.fact) for figure in ordered)
    return worlds.frame(rng, sort, split).format(**pair, **word), call, result, ordered[0].fact.named


def _calculated(rng: random.Random, world: World, split: Split, keys: dict[str, str]) -> _Step | None:
    sort = rng.choice(list(_SIGNS))
    left, right = (mark(names.digits(rng), marks.fact(len(world.facts) + n)) for n in range(2))
    step = _calculation(world, sort, left, right)
    return worlds.frame(rng, sort, split).format(x=left, y=right), *step


def _calculation(world: World, sort: str, left: str, right: str) -> tuple[ToolCall, str, str]:
    """The call, its result and the number in it. Nothing is divided by zero: no number in a world is."""
    sign, function = _SIGNS[sort]
    one, other = (Decimal(marks.plain(number).replace(",", "")) for number in (left, right))
    number = mark(_shown(function(one, other)), marks.fact(2 * len(world.facts) + 2))
    expression = f"{left} {sign} {right}"
    return ToolCall("calculate", {"expression": expression}), f"{marks.plain(expression)} = {number}", number


def reckon(rng: random.Random, level: Level, split: Split) -> Lesson:
    """What is looked up is calculated with: so many pieces of one, or by how much one exceeds another."""
    _, (keys, messages) = about(rng, level, split, lambda world: _reckoned(rng, world, split))
    return tool_lesson("tool_reckoning", messages, own(messages), keys)


def _reckoned(rng: random.Random, world: World, split: Split) -> tuple[dict[str, str], list[Message]] | None:
    held = _attribute(rng, world, ("number", "money"))
    subjects = rng.sample(world.entities, 2 if len(world.entities) > 1 and rng.random() < _DIFFERENCES else 1)
    figures = [figure for e in subjects if held and (figure := _figure(world, world.current(e, held)))]
    if not held or len(figures) < len(subjects):
        return None
    figures.sort(key=lambda figure: figure.amount, reverse=True)
    words = {"a": _named(held), **dict(zip("st", (figure.fact.named for figure in figures), strict=False))}
    if len(figures) == 2:
        sort, left, right = "differences", *(figure.number for figure in figures)
        step = _calculation(world, "minus", left, right)
    else:
        pieces = mark(str(rng.randint(2, 12)), marks.VALUE)
        sort, words = "multiples", {**words, "n": pieces}
        step = _calculation(world, "times", pieces, figures[0].number)
    keys = listed(rng, world)
    calls = [
        (ToolCall("get_fact", {"entity": f.fact.named, "relation": mark(held.name, keys[held.name])}), f.line)
        for f in figures
    ]
    messages = list(dialogue(worlds.frame(rng, sort, split).format(**words)))
    for call, result in (*calls, step[:2]):
        messages += [Message("assistant", "", (call,)), Message("tool", result)]
    before, after = figures[0].around
    return keys, [*messages, Message("assistant", f"{before}{step[2]}{after}")]


tool_aggregate = _of_one_call("tool_aggregate", _aggregated)
tool_compare = _of_one_call("tool_compare", _compared)
tool_calculate = _of_one_call("tool_calculate", _calculated)
