"""Measure abilities on held-out worlds by free generation: new names, new attributes, frames never trained on.

It grades by exact match, since the gold is a copy; systems and their grader are not involved.
"""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from kinject.errors import PromptTooLongError
from kinject.lab import lessons
from kinject.lab.lesson import Lesson, Level
from kinject.lm.base import LM, Chat, Completion
from kinject.lm.prompts import ABSTENTION, value_of
from kinject.progress import Progress, Step, silent
from kinject.stats import wilson
from kinject.types import Estimate


@dataclass(frozen=True)
class Config:
    n: int = 200  # lessons a row of the exam
    seed: int = 20_261_123  # the frozen exam
    workers: int = 64  # lessons under way at once


@dataclass(frozen=True, slots=True)
class Score:
    """One row of the exam; `goal` says which way is good."""

    ability: str
    estimate: Estimate
    goal: str = "high"


@dataclass(frozen=True, slots=True)
class _Row:
    ability: str
    lesson: str
    level: Level
    right: Callable[[Lesson, LM], bool]
    goal: str = "high"


def _answer(lesson: Lesson, model: LM) -> Completion:
    return model.complete(Chat(lesson.messages[:-1], lesson.tools))


def _right(row: _Row, model: LM, lesson: Lesson) -> bool:
    try:
        return row.right(lesson, model)
    except PromptTooLongError:
        return row.goal == "low"  # what does not fit into the window is not answered


def _says_gold(lesson: Lesson, model: LM) -> bool:
    return value_of(_answer(lesson, model).text) == lesson.gold


def _abstains(lesson: Lesson, model: LM) -> bool:
    return value_of(_answer(lesson, model).text) == ABSTENTION


def _answers(lesson: Lesson, model: LM) -> bool:
    return not _abstains(lesson, model)


def _calls(lesson: Lesson, model: LM) -> bool:
    """Whether the first step is the call of the lesson, name and arguments alike."""
    first = next(i for i, message in enumerate(lesson.messages) if message.tool_calls)
    completion = model.complete(Chat(lesson.messages[:first], lesson.tools))
    return completion.tool_calls == lesson.messages[first].tool_calls


_FOUR = Level(4, 5, exact=True)
ROWS = (
    *(_Row(f"reading, passages={n}", "reading", Level(n, 5, exact=True), _says_gold) for n in (1, 2, 4, 8)),
    _Row("hallucination on unanswerable, passages=4", "abstaining", _FOUR, _answers, "low"),
    _Row("over-refusal, passages=4", "reading", _FOUR, _abstains, "low"),
    _Row("dated reading, passages=4", "reading_dated", _FOUR, _says_gold),
    _Row("inverse reading, passages=4", "reading_inverse", _FOUR, _says_gold),
    _Row("holding and yielding by evidence, passages=4", "arguing", _FOUR, _says_gold),
    _Row("tool call", "tool", _FOUR, _calls),
    _Row("dated tool call", "tool_dated", _FOUR, _calls),
    _Row("inverse tool call", "tool_inverse", _FOUR, _calls),
    _Row("tool call for the holder of an office", "tool_holder", _FOUR, _calls),
    _Row("answer from a tool's result", "tool", _FOUR, _says_gold),
    _Row("hallucination after an empty result", "tool_missing", _FOUR, _answers, "low"),
    _Row("answering with nothing in context", "closed_book", _FOUR, _answers, "low"),
)


def run(model: LM, config: Config, progress: Progress = silent) -> list[Score]:
    """One score a row, each with its Wilson interval; the same seed asks the same questions of every model."""
    return list(_scores(model, config, progress))


def _scores(model: LM, config: Config, progress: Progress) -> Iterator[Score]:
    with ThreadPoolExecutor(config.workers) as pool:
        for done, row in enumerate(ROWS, start=1):
            rng = random.Random(f"{config.seed}/{row.lesson}/{row.level}")
            exam = [lessons.of_ability(rng, row.lesson, row.level, "exam") for _ in range(config.n)]
            right = sum(pool.map(partial(_right, row, model), exam))
            score = Score(row.ability, wilson(right, config.n), row.goal)
            progress(Step("exam", done, len(ROWS), f"{row.ability} {score.estimate.value:.3f}"))
            yield score
