"""Marks in a lesson's text that tie together what is the same thing in two places.

A value in a passage and the same value in the answer carry one key, so that training can say not only what comes next
but also where it stands (`pointers`). Marks are private-use characters; they never reach a tokenizer or a model.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

_OPEN, _CLOSE, NOBODY = "\ue000", "\ue001", "\ue002"
_MARK = re.compile(f"[{_OPEN}-{_CLOSE}]")
_FACTS, _RELATIONS, _ENTITIES, _LOOSE = 0xE100, 0xE800, 0xF000, 0xF800

# Beside facts, relations and entities: what a question gives and an answer repeats; the answer that there is none; and
# the word of a sentence that tells which attribute it states, whose owner is the fact.
ATTRIBUTE, DAY, VALUE, STRANGER, NOTHING, CUE = (chr(_LOOSE + i) for i in range(6))


@dataclass(frozen=True, slots=True)
class Span:
    """Characters [start, end) of a plain text, what they name, and what that belongs to."""

    start: int
    end: int
    key: str
    owner: str


def fact(index: int) -> str:
    return chr(_FACTS + index)


def relation(index: int) -> str:
    return chr(_RELATIONS + index)


def is_relation(key: str) -> bool:
    return _RELATIONS <= ord(key) < _ENTITIES


def entity(index: int) -> str:
    return chr(_ENTITIES + index)


def mark(text: str, key: str, owner: str = NOBODY) -> str:
    return f"{_OPEN}{key}{owner}{text}{_CLOSE}"


def changed(text: str, key: str, change: Callable[[str], str]) -> str:
    """The text with what is marked by a key written in another way."""
    own = re.compile(f"({_OPEN}{key}.)([^{_OPEN}{_CLOSE}]*)")
    return own.sub(lambda found: found[1] + change(found[2]), text)


def plain(text: str) -> str:
    return text if _OPEN not in text else read(text)[0]


def read(text: str) -> tuple[str, list[Span]]:
    """The plain text and its spans, in the order in which they end; marks may nest."""
    pieces: list[str] = []
    spans: list[Span] = []
    open_at: list[tuple[int, str, str]] = []
    at = length = 0
    for found in _MARK.finditer(text):
        pieces.append(text[at : found.start()])
        length += len(pieces[-1])
        at = found.end()
        if found[0] == _OPEN:
            open_at.append((length, text[at], text[at + 1]))
            at += 2
        else:
            start, key, owner = open_at.pop()
            spans.append(Span(start, length, key, owner))
    return "".join([*pieces, text[at:]]), spans
