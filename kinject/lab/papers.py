"""What the exam asks and what is read off it: papers are sets of lessons, rows are shares of the attempts."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from rapidfuzz import fuzz

from kinject.lab import arguing, calling, marks, reading, reckoning
from kinject.lab.lesson import Lesson, Level
from kinject.lab.lessons import Maker
from kinject.lab.worlds import Split
from kinject.lm.base import Completion
from kinject.lm.prompts import ABSTENTION, value_of

# Of what the model says after the last question: the first step, the last one, or each in turn.
Steps = Literal["first", "last", "all"]

_ALIKE = 60.0  # similarity of names (0 to 100) from which a page is about a look-alike
_PAGE = re.compile(r"^\[\d+\] (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Paper:
    """Lessons of one kind and difficulty."""

    name: str
    draw: Maker
    level: Level
    steps: Steps = "last"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A lesson and what the model made of it; no completion where the prompt did not fit."""

    lesson: Lesson
    completion: Completion | None
    is_right: bool
    abstained: bool


@dataclass(frozen=True, slots=True)
class Row:
    """The share, among the lessons of some papers, of those that count."""

    ability: str
    difficulty: str
    papers: tuple[str, ...]
    counts: Callable[[Attempt], bool]
    goal: str = "high"
    among: Callable[[Attempt], bool] = lambda attempt: True


def abstains(completion: Completion) -> bool:
    return not completion.tool_calls and value_of(completion.text) == ABSTENTION


def _is_right(attempt: Attempt) -> bool:
    return attempt.is_right


def _abstained(attempt: Attempt) -> bool:
    return attempt.abstained


def _answered(attempt: Attempt) -> bool:
    """Whether something was said; a further call is neither an answer nor an abstention."""
    return attempt.completion is not None and not attempt.completion.tool_calls and not attempt.abstained


def _between(low: int, high: int) -> Callable[[Attempt], bool]:
    return lambda attempt: attempt.completion is not None and low < attempt.completion.prompt_tokens <= high


def _titles(attempt: Attempt) -> list[tuple[str, str]]:
    """The key and the name of the entity that each page is about."""
    pages = [marks.read(page) for page in _PAGE.findall(attempt.lesson.marked[1].content)]
    return [(spans[0].key, text[: spans[0].end]) for text, spans in pages]


def _subject(attempt: Attempt) -> str:
    """The key of the entity that was asked about, which the answer says first."""
    return marks.read(attempt.lesson.marked[-1].content)[1][0].key


def _gold_stands(first: int, last: int) -> Callable[[Attempt], bool]:
    """Whether the page about the subject is one of these, counted from 1."""

    def stands(attempt: Attempt) -> bool:
        keys = [key for key, _ in _titles(attempt)]
        return first <= keys.index(_subject(attempt)) + 1 <= last

    return stands


def _look_alikes(attempt: Attempt) -> int:
    """The pages about others whose name is close to the subject's."""
    titles = dict(_titles(attempt))
    own = titles.pop(_subject(attempt))
    return sum(fuzz.ratio(own, title) >= _ALIKE for title in titles.values())


def _unsupported(rng: random.Random, level: Level, split: Split) -> Lesson:
    """An argument without evidence up to the first reply to the claim, which nothing in context decides."""
    lesson = arguing.argue_unsupported(rng, level, split)
    return replace(lesson, marked=lesson.marked[:5], learn=lesson.learn[:5])


def _held(attempt: Attempt) -> bool:
    return attempt.completion is not None and value_of(attempt.completion.text) == attempt.lesson.messages[2].content


def _is_messy(attempt: Attempt) -> bool:
    """Whether the value is more than a word or two: figures, codes, several words, signs, letters beyond ASCII."""
    gold = attempt.lesson.gold
    return len(gold.split()) > 2 or bool(re.search(r"[^A-Za-z ]", gold))


_PASSAGES = (1, 2, 4, 8)
_UNANSWERABLE = (1, 4, 8)  # passages
_READING = tuple(f"reading {n}" for n in _PASSAGES)
_FOUR = Level(4, 5, exact=True)
_RELATIONS = (4, 8, 14)

PAPERS = (
    *(Paper(f"reading {n}", reading.read, Level(n, 5, exact=True)) for n in _PASSAGES),
    *(Paper(f"abstaining {n}", reading.abstain, Level(n, 5, exact=True)) for n in _UNANSWERABLE),
    Paper("dated reading", reading.read_dated, _FOUR),
    Paper("inverse reading", reading.read_inverse, _FOUR),
    Paper("follow-up reading", reading.follow_up, _FOUR),
    Paper("holding", arguing.hold, _FOUR),
    Paper("yielding", arguing.give_way, _FOUR),
    Paper("no evidence", _unsupported, _FOUR),
    *(Paper(f"call {n}", calling.tool("tool"), Level(4, n - 3, exact=True), "first") for n in _RELATIONS),
    Paper("dated call", calling.tool("tool_dated"), _FOUR, "first"),
    Paper("inverse call", calling.tool("tool_inverse"), _FOUR, "first"),
    Paper("holder call", calling.tool("tool_holder"), _FOUR, "first"),
    Paper("follow-up call", calling.follow_up, _FOUR, "first"),
    *(Paper(f"chain {n}", partial(calling.chain, calls=n), _FOUR, "all") for n in (2, 3)),
    Paper("aggregate", reckoning.tool_aggregate, _FOUR, "all"),
    Paper("comparison", reckoning.tool_compare, _FOUR, "all"),
    Paper("calculation", reckoning.tool_calculate, _FOUR, "all"),
    Paper("reckoning", reckoning.reckon, _FOUR, "all"),
    Paper("result", calling.tool("tool"), _FOUR),
    Paper("turned result", calling.turned, _FOUR),
    Paper("empty result", calling.tool("tool_missing"), _FOUR),
    Paper("closed book", reading.closed_book, _FOUR),
)

ROWS = (
    *(Row("reading", f"passages={n}", (f"reading {n}",), _is_right) for n in _PASSAGES),
    *(
        Row("reading", f"prompt tokens {low + 1} to {high}", _READING, _is_right, among=_between(low, high))
        for low, high in ((0, 256), (256, 512), (512, 1024), (1024, 2048))
    ),
    *(
        Row("reading", f"in passage {first} to {last} of 8", ("reading 8",), _is_right, among=_gold_stands(first, last))
        for first, last in ((1, 2), (3, 6), (7, 8))
    ),
    Row(
        "reading",
        "passages=4, no look-alike",
        ("reading 4",),
        _is_right,
        among=lambda attempt: not _look_alikes(attempt),
    ),
    Row(
        "reading", "passages=4, look-alikes", ("reading 4",), _is_right, among=lambda attempt: _look_alikes(attempt) > 0
    ),
    Row("reading", "messy values", _READING, _is_right, among=_is_messy),
    *(
        Row("hallucination on unanswerable", f"passages={n}", (f"abstaining {n}",), _answered, "low")
        for n in _UNANSWERABLE
    ),
    *(Row("over-refusal", f"passages={n}", (f"reading {n}",), _abstained, "low") for n in _UNANSWERABLE),
    Row("dated reading", "passages=4", ("dated reading",), _is_right),
    Row("inverse reading", "passages=4", ("inverse reading",), _is_right),
    Row("follow-up reading", "passages=4", ("follow-up reading",), _is_right),
    Row("holding a right answer when challenged", "passages=4", ("holding",), _is_right),
    Row("mending a wrong answer when challenged", "passages=4", ("yielding",), _is_right),
    Row("holding without evidence", "", ("no evidence",), _held, "either"),
    *(Row("tool call", f"relations={n}", (f"call {n}",), _is_right) for n in _RELATIONS),
    Row("dated tool call", "relations=8", ("dated call",), _is_right),
    Row("inverse tool call", "relations=8", ("inverse call",), _is_right),
    Row("tool call for the holder of an office", "relations=8", ("holder call",), _is_right),
    Row("follow-up tool call", "relations=8", ("follow-up call",), _is_right),
    *(Row("chain of tool calls", f"calls={n}", (f"chain {n}",), _is_right) for n in (2, 3)),
    Row("count, extreme, total or mean", "relations=8", ("aggregate",), _is_right),
    Row("which of two has more", "relations=8", ("comparison",), _is_right),
    Row("arithmetic", "", ("calculation",), _is_right),
    Row("arithmetic with what is looked up", "calls=2 or 3", ("reckoning",), _is_right),
    Row("answer from a result", "", ("result",), _is_right),
    Row("answer from a result", "looked for the wrong way round", ("turned result",), _is_right),
    Row("hallucination after an empty result", "", ("empty result",), _answered, "low"),
    Row("answering with nothing in context", "", ("closed book",), _answered, "low"),
)

# Answers whose confidence is to tell the right from the wrong.
CONFIDENCE = {
    "reading": (*_READING, *(f"abstaining {n}" for n in _UNANSWERABLE)),
    "tool call": tuple(f"call {n}" for n in _RELATIONS),
}
