"""Measure abilities on held-out worlds by free generation: new names, new attributes, held-out frames of questions.

It grades by exact match, since the gold is a copy; systems and their grader are not involved.
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from kinject.errors import PromptTooLongError
from kinject.lab import papers
from kinject.lab.lesson import Lesson
from kinject.lab.papers import PAPERS, Attempt, Paper
from kinject.lm.base import LM, Chat
from kinject.lm.prompts import value_of
from kinject.progress import Progress, Step, silent
from kinject.stats import auroc, wilson
from kinject.types import Estimate


@dataclass(frozen=True)
class Config:
    n: int = 200  # lessons a paper
    seed: int = 20_261_123  # the frozen exam
    workers: int = 64  # lessons under way at once


@dataclass(frozen=True, slots=True)
class Score:
    """One row of the exam: a share of lessons, or an area under a curve; `goal` says which way is good."""

    ability: str
    difficulty: str
    estimate: Estimate
    goal: str = "high"
    is_area: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """The rows, and the fingerprint of the lessons: tables with the same one are of the same exam."""

    scores: tuple[Score, ...]
    fingerprint: str


def run(model: LM, config: Config, progress: Progress = silent) -> Result:
    """Every paper sat once and all that is read off it; the same seed asks the same questions of every model."""
    sat: dict[str, list[Attempt]] = {}
    digest = hashlib.sha256()
    with ThreadPoolExecutor(config.workers) as pool:
        for done, paper in enumerate(PAPERS, start=1):
            lessons = list(draw(paper, config))
            digest.update("".join(repr((lesson.messages, lesson.tools)) for lesson in lessons).encode())
            sat[paper.name] = list(pool.map(partial(_sit, model, paper), lessons))
            right = sum(one.is_right for one in sat[paper.name])
            progress(Step("exam", done, len(PAPERS), f"{paper.name}: {right} of {config.n} right"))
    scores = [Score(row.ability, row.difficulty, _share(row, sat), row.goal) for row in papers.ROWS]
    return Result((*scores, *_confidence(sat)), digest.hexdigest()[:12])


def draw(paper: Paper, config: Config) -> Iterator[Lesson]:
    rng = random.Random(f"{config.seed}/{paper.name}")
    return (paper.draw(rng, paper.level, "exam") for _ in range(config.n))


def _share(row: papers.Row, sat: dict[str, list[Attempt]]) -> Estimate:
    taken = [one for paper in row.papers for one in sat[paper] if row.among(one)]
    return wilson(sum(map(row.counts, taken)), len(taken))


def _confidence(sat: dict[str, list[Attempt]]) -> Iterator[Score]:
    """Whether the probability of all of an answer's tokens, which is what systems report, tells right from wrong."""
    for ability, names in papers.CONFIDENCE.items():
        said = [(one.completion, one.is_right) for name in names for one in sat[name] if one.completion]
        area = auroc([completion.log_probability for completion, _ in said], [is_right for _, is_right in said])
        yield Score("AUROC of confidence", ability, area, is_area=True)


def _sit(model: LM, paper: Paper, lesson: Lesson) -> Attempt:
    """A prompt that does not fit into the model's window is answered by nobody, and wrong."""
    try:
        return _steps(model, paper.steps, lesson)
    except PromptTooLongError:
        return Attempt(lesson, None, False, False)


def _steps(model: LM, steps: papers.Steps, lesson: Lesson) -> Attempt:
    """Calls are compared name and arguments alike, one step at a time, each after what went before as it should."""
    own = _own_steps(lesson)
    wanted: Sequence[int] = {"first": own[:1], "last": own[-1:], "all": own}[steps]
    for at in wanted:
        completion = model.complete(Chat(lesson.messages[:at], lesson.tools))
        message = lesson.messages[at]
        if message.tool_calls:
            is_right = completion.tool_calls == message.tool_calls
        else:
            is_right = not completion.tool_calls and value_of(completion.text) == lesson.gold
        if not is_right:
            break
    return Attempt(lesson, completion, is_right, papers.abstains(completion))


def _own_steps(lesson: Lesson) -> list[int]:
    """Where the model speaks after the last question."""
    asked = max(i for i, message in enumerate(lesson.messages) if message.role == "user")
    return [i for i, message in enumerate(lesson.messages) if i > asked and message.role == "assistant"]
