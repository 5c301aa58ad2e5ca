"""Lessons as token ids with a loss weight a token.

The text is what mini's chat template renders (a test holds the two equal); it is written here again because rendering
millions of lessons through Jinja would cost more than learning from them.
"""

import json
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter

from tokenizers import Tokenizer

from kinject.lab import marks
from kinject.lab.lesson import Lesson
from kinject.lab.marks import Span
from kinject.lm.base import Message, ToolSpec

_LATER = 4  # tokens of a value that are told apart from its first
DECISIVE = 5.0  # weight of the first token of a copy: which one it is decides, the others follow


@dataclass(frozen=True, slots=True)
class Link:
    """At `position` the model should look at one of `targets`, which stand at or before it; how much that matters."""

    position: int
    targets: tuple[int, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Name:
    """At `position` the model should know that what comes is the value of the attribute whose name has these `ids`."""

    position: int
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids, and per token whether it is learnt as the assistant's own.

    `copies` say where the next token of an answer stands in the context; `ahead` and `beyond` where the two after it
    stand, which tell whether what is copied goes on; `owners` and `cues` where the name stands of the entity that a
    value belongs to, and the word that tells which of its attributes the value is; `names` what that attribute is
    called.
    """

    ids: list[int]
    learnt: list[bool]
    ability: str
    copies: list[Link] = field(default_factory=list)
    ahead: list[Link] = field(default_factory=list)
    beyond: list[Link] = field(default_factory=list)
    owners: list[Link] = field(default_factory=list)
    cues: list[Link] = field(default_factory=list)
    names: list[Name] = field(default_factory=list)
    calls: bool = False  # whether a call before the final answer is learnt


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a chat between special tokens: its plain text, whether it is learnt, and what it names."""

    text: str
    learnt: bool = False
    evidence: bool = False  # whether an answer may be copied from here
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """The token positions of a span."""

    positions: tuple[int, ...]
    key: str
    owner: str


def signatures(tools: Sequence[ToolSpec]) -> list[str]:
    """A line a tool: its name and arguments, optional ones with a question mark. Choices are listed once."""
    listed: list[list[str]] = []
    lines = []
    for tool in tools:
        arguments = []
        for name, schema in tool.parameters["properties"].items():
            optional = "" if name in tool.parameters.get("required", []) else "?"
            choices = schema.get("enum", [])
            new = choices and choices not in listed
            listed.append(choices)
            arguments.append(f"{name}{optional}{': ' + '|'.join(choices) if new else ''}")
        lines.append(f"{tool.name}({', '.join(arguments)})")
    return lines


def content(message: Message) -> str:
    """A message's text with its calls, up to and including its end token."""
    calls = []
    for call in message.tool_calls:
        name, arguments = json.dumps(call.name), json.dumps(call.arguments, ensure_ascii=False)
        calls.append(f'<tool_call>\n{{"name": {name}, "arguments": {arguments}}}\n</tool_call>')
    return message.content + "\n".join(calls) + "<|im_end|>"


def render(lesson: Lesson) -> list[_Piece]:
    """What the chat template makes of the lesson."""
    pieces: list[_Piece] = []
    for i, (message, learn) in enumerate(zip(lesson.marked, lesson.learn, strict=True)):
        text = content(message)
        if i == 0 and lesson.marked_relations:
            text = "\n".join([message.content, *signatures(lesson.marked_tools)]) + "<|im_end|>"
        plain, spans = marks.read(text)
        pieces += [
            _Piece(f"<|im_start|>{message.role}\n"),
            _Piece(plain, learn, message.role != "assistant", tuple(spans)),
            _Piece("\n"),
        ]
    return pieces


def encode(tokenizer: Tokenizer, batch: list[Lesson]) -> list[Encoded]:
    rendered = [render(lesson) for lesson in batch]
    # The pieces meet at special tokens and newlines, so cutting there gives the ids of the whole text.
    flat = iter(tokenizer.encode_batch([piece.text for piece in chain(*rendered)], add_special_tokens=False))
    found = []
    for lesson, pieces in zip(batch, rendered, strict=True):
        called = _called(tokenizer, lesson)
        encoded = Encoded([], [], lesson.ability, calls=_learns_a_call(lesson))
        sources: dict[str, list[_Place]] = {}
        for piece in pieces:
            tokens, start = next(flat), len(encoded.ids)
            encoded.ids.extend(tokens.ids)
            encoded.learnt.extend([piece.learnt] * len(tokens.ids))
            offsets = tokens.offsets
            places = [_Place(_tokens(offsets, span, start), span.key, span.owner) for span in piece.spans]
            if piece.learnt:
                for place in places:
                    # A call names a relation of the list, or says after the question what the question calls by name.
                    asked = sources.get(marks.ATTRIBUTE, []) if marks.is_relation(place.key) else []
                    copied = _copied(encoded.ids, place, sources.get(place.key, []) + asked)
                    encoded.copies.extend(_copies(place, copied))
                    encoded.ahead.extend(_after(copied, 2))
                    encoded.beyond.extend(_after(copied, 3))
            if piece.learnt or piece.evidence:
                encoded.owners.extend(_owners(places, piece.learnt))
                encoded.cues.extend(_cues(places, piece.learnt))
                encoded.names.extend(_names(places, piece.learnt, called))
            if piece.evidence:
                for place in places:
                    sources.setdefault(place.key, []).append(place)
        found.append(encoded)
    return found


def _learns_a_call(lesson: Lesson) -> bool:
    return any(message.tool_calls and learn for message, learn in zip(lesson.marked, lesson.learn, strict=True))


def _tokens(offsets: list[tuple[int, int]], span: Span, start: int) -> tuple[int, ...]:
    """The tokens that share a letter with the span: they stand one after the other."""
    first = bisect_right(offsets, span.start, key=itemgetter(1))
    return tuple(range(start + first, start + bisect_left(offsets, span.end, lo=first, key=itemgetter(0))))


def _copied(ids: list[int], place: _Place, sources: list[_Place]) -> list[Link]:
    """One link for each token that the sources spell alike, from that token to theirs."""
    links = []
    for n, position in enumerate(place.positions):
        spelled = [ids[p] for p in place.positions[: n + 1]]
        alike = [s.positions[n] for s in sources if [ids[p] for p in s.positions[: n + 1]] == spelled]
        if alike:
            links.append(Link(position, tuple(alike)))
    return links


def _copies(place: _Place, copied: list[Link]) -> list[Link]:
    """Each token of a copy is found from the one before it.

    Having found nothing, or having copied all of it, is looking at the very first token.
    """
    first, last = place.positions[0], place.positions[-1]
    if place.key == marks.NOTHING:
        return [Link(first - 1, (0,), DECISIVE)]
    links = [Link(c.position - 1, c.targets, DECISIVE if c.position == first else 1.0) for c in copied]
    return [*links, Link(last, (0,))] if links else []


def _after(copied: list[Link], distance: int) -> list[Link]:
    """From each copied token to what stands `distance` tokens after it where it was copied from.

    One token after it there is mostly a space, whatever comes.
    """
    return [Link(c.position, tuple(target + distance for target in c.targets)) for c in copied]


def _owners(places: list[_Place], is_answer: bool) -> list[Link]:
    """From each value to the names of its owner: any of them will do."""
    known = _by_key(places)
    return [link for value in places for link in _link(value, known.get(value.owner, []), is_answer)]


def _cues(places: list[_Place], is_answer: bool) -> list[Link]:
    """From each value to the word that tells its attribute, or to the attribute's name that an answer says first.

    Later tokens of a value look at the very first token of all: only where a value begins is there something to find.
    """
    values = [] if is_answer else [p for p in places if p.key != marks.CUE and p.owner != marks.NOBODY]
    later = [Link(position, (0,)) for value in values for position in value.positions[1:_LATER]]
    return [*(link for _, link in _told(places, is_answer)), *later]


def _told(places: list[_Place], is_answer: bool) -> Iterator[tuple[_Place, Link]]:
    """Each value with its link to what tells which attribute it is of."""
    known = _by_key(places)
    said_first = known.get(marks.ATTRIBUTE, []) if is_answer else []
    for value in places:
        for link in _link(value, known.get(marks.CUE + value.key, []) + said_first, is_answer):
            yield value, link


def _by_key(places: list[_Place]) -> dict[str, list[_Place]]:
    """The places of each key; cues by the fact that they tell."""
    known: dict[str, list[_Place]] = defaultdict(list)
    for place in places:
        known[marks.CUE + place.owner if place.key == marks.CUE else place.key].append(place)
    return known


def _called(tokenizer: Tokenizer, lesson: Lesson) -> dict[str, tuple[int, ...]]:
    """Mark of a fact -> the name of its attribute, as tokens within a sentence."""
    return {key: tuple(tokenizer.encode(f" {name}", add_special_tokens=False).ids) for key, name in lesson.told.items()}


def _names(places: list[_Place], is_answer: bool, called: Mapping[str, tuple[int, ...]]) -> list[Name]:
    """What each value is of, where a word before it tells."""
    values = _told(places, is_answer)
    return [Name(link.position, called[value.key]) for value, link in values if value.key in called]


def _link(value: _Place, places: list[_Place], is_answer: bool) -> list[Link]:
    """From a value's first token, in an answer from the one that predicts it, to the ends of places before it."""
    at = value.positions[0] - is_answer
    ends = [p.positions[-1] for p in places if p.positions[-1] <= at and p is not value]
    return [Link(at, tuple(ends))] if ends and value.key != marks.CUE else []
