"""What disqualifies a task by its form: the heuristics of Self-Instruct (arXiv:2212.10560, section 2.2 and its code).

Each rule has a reason, which is what a report counts. Novelty and dependence on context are judged elsewhere.
"""

import re
from collections.abc import Callable

from kinject.instructions.alpaca import Task
from kinject.instructions.novelty import words
from kinject.lm.prompts import ABSTENTION

FEWEST_WORDS, MOST_WORDS = 3, 150  # of an instruction
MOST_ANSWER_WORDS = 600
# What a model of text cannot look at or make. Some are false alarms, a graph of nodes say, and cost little.
_UNSEEN = re.compile(
    r"\b(images?|graphs?|pictures?|photos?|photographs?|files?|maps?|draw|drawings?|plot|go to|videos?|audio|music"
    r"|flow ?charts?|diagrams?|screenshots?|attach(ed|ments?)|website|url|links?|browse)\b",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"\W*(as an ai\b|i['\u2019]m sorry\b|i am sorry\b|sorry,|i (cannot|can['\u2019]t|am unable|am not able)\b)",
    re.IGNORECASE,
)

Rule = tuple[str, Callable[[Task], bool]]

_INSTRUCTION: tuple[Rule, ...] = (
    ("too short", lambda task: len(words(task.instruction)) < FEWEST_WORDS),
    ("too long", lambda task: len(words(task.instruction)) > MOST_WORDS),
    ("begins with no letter", lambda task: not task.instruction[0].isalpha()),
    ("needs more than text", lambda task: bool(_UNSEEN.search(task.instruction))),
)
_ANSWER: tuple[Rule, ...] = (
    ("empty answer", lambda task: not task.output.strip()),
    ("answer repeats the input", lambda task: words(task.output) == words(task.input)),
    ("answer repeats the instruction", lambda task: words(task.output) == words(task.instruction)),
    ("answer too long", lambda task: len(words(task.output)) > MOST_ANSWER_WORDS),
    ("refusal", lambda task: bool(_REFUSAL.match(task.output))),
    ("no answer", lambda task: task.output.endswith(ABSTENTION) and not task.input),
)


def against_instruction(instruction: str) -> str:
    """The first reason against an instruction by itself, "" where there is none."""
    return _first(_INSTRUCTION, Task(instruction, "")) if instruction else "too short"


def against_answer(task: Task) -> str:
    """The first reason against what a task's answer looks like, "" where there is none."""
    return _first(_ANSWER, task)


def _first(rules: tuple[Rule, ...], task: Task) -> str:
    return next((reason for reason, holds in rules if holds(task)), "")
