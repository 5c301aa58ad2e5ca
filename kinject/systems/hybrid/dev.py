"""Questions that parts are calibrated on at build, and how a part does on them.

Asked in training phrasings, as test questions are for probes only. So sft has seen them, if not with all of their
words, and looks surer and better here than it is; what is calibrated on them leans towards it.
"""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from kinject.corpus import Corpus
from kinject.errors import PromptTooLongError
from kinject.lm.lockstep import in_step
from kinject.lm.prompts import value_of
from kinject.progress import Progress, Step
from kinject.systems.hybrid.values import SameValue, abstains
from kinject.systems.sft import text
from kinject.types import Answer, Evidence, System, Turn

# Of the questions, about names that nobody has: enough to count, and few enough for answers to be worth giving.
_UNKNOWN = 0.25
_COHORT = 16


@dataclass(frozen=True, slots=True)
class DevQuestion:
    """`gold == ()`: the name is made up, and only an abstention is right."""

    question: str
    gold: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """What a part said to a question: whether it answered at all, and whether what it said or left unsaid was right."""

    answered: bool
    right: bool
    confidence: float


def questions(corpus: Corpus, count: int, rng: random.Random) -> tuple[DevQuestion, ...]:
    """At most `count`, a quarter of them about made-up names; with days where the corpus has any."""
    aliases = {fact.object: fact.aliases for fact in corpus.facts}
    made_up = list(text.unknown(corpus, rng, round(count * _UNKNOWN)))
    known = list(text.asked(corpus, rng, times=1))
    known = rng.sample(known, min(len(known), count - len(made_up)))
    golds = [(value, *aliases.get(value, ())) for value in (value_of(example.answer) for example in known)]
    asked = [DevQuestion(example.question, gold) for example, gold in zip(known, golds, strict=True)]
    return (*asked, *(DevQuestion(example.question, ()) for example in made_up))


def attempt(part: System, question: str, history: Sequence[Turn] = ()) -> Answer:
    """What a part says; nothing where the dialogue is too long for it, since another part may have room."""
    try:
        return part.ask(question, history)
    except PromptTooLongError as error:
        return Answer("", 0.0, (Evidence("error", str(error)),), confidence_method="unavailable")


def put(part: System, asked: Sequence[DevQuestion], same: SameValue, progress: Progress) -> tuple[Tried, ...]:
    """Every question to a part, in cohorts, so that each build ends with the same answers."""
    answers: list[Answer] = []
    with ThreadPoolExecutor(_COHORT) as pool:
        for start in range(0, len(asked), _COHORT):
            progress(Step("calibrate", start, len(asked)))
            cohort = [one.question for one in asked[start : start + _COHORT]]
            answers += [future.result() for future in in_step(pool, lambda said: attempt(part, said), cohort)]
    return tuple(_tried(answer, one, same) for answer, one in zip(answers, asked, strict=True))


def _tried(answer: Answer, asked: DevQuestion, same: SameValue) -> Tried:
    answered = not abstains(answer.text)
    right = any(same(answer.text, gold) for gold in asked.gold) if answered else not asked.gold
    return Tried(answered, right, answer.confidence)
