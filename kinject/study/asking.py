"""Probes put to a system by many callers at once, each record on disk as soon as its dialogue is over.

Many callers, since the model's queue batches those that wait. They go in cohorts of the same probes in every run, so
that a study which was killed ends with the answers of one that was not.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from kinject.errors import PromptTooLongError
from kinject.grading import Grader
from kinject.lm.base import ModelInfo
from kinject.lm.listening import listening
from kinject.lm.lockstep import in_step
from kinject.progress import Progress, Step
from kinject.store import JsonLines, record_to_row
from kinject.study.margins import margin
from kinject.types import Answer, Claimable, Evidence, Outcome, Probe, Record, System, Turn

CALLERS = 32  # in a cohort: so many dialogues are asked again, at the most, where a study was killed
GPU_CALLERS = 128  # a GPU reads so many prompts in the time of one


@dataclass(frozen=True, slots=True)
class Share:
    """Every `of`-th cohort, from the `nth` on."""

    nth: int = 0
    of: int = 1

    def __str__(self) -> str:
        return f" {self.nth + 1}/{self.of}" if self.of > 1 else ""


ALL = Share()


@dataclass(frozen=True)
class Asked:
    """Whom the records are of, and the ids of the probes whose records there are.

    `margins` has the model scored as well wherever a probe has a rival, which reads each prompt twice more. `callers`
    are in a cohort; what a probe is answered may depend a little on them.
    """

    study: str
    system: str
    seed: int
    known: frozenset[str] = frozenset()
    margins: bool = False
    callers: int = CALLERS
    share: Share = ALL


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, and its margin or none (see Record)."""

    answer: Answer
    margins: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """An answer a turn and, where these were wanted, a margin each (see Record)."""

    answers: tuple[Answer, ...]
    margins: tuple[float | None, ...] = ()


def callers(model: ModelInfo) -> int:
    """How many dialogues are a cohort where this model answers."""
    return GPU_CALLERS if model.details.get("device") == "cuda" else CALLERS


def fitting(system: System, probes: Sequence[Probe]) -> list[Probe]:
    """Those that can be put to this system: without a source of its own there is no door for a claim to enter."""
    return [probe for probe in probes if not probe.claim or isinstance(system, Claimable)]


def converse(system: System, probe: Probe, margins: bool = False) -> Dialogue:
    """The answer to the question and to every turn of the user after it, each with the history before it.

    A claim is in the system's own source from its turn on.
    """
    answers: list[Answer] = []
    scored: list[float | None] = []
    history: list[Turn] = []
    for place, text in enumerate((probe.question, *probe.turns)):
        if probe.claim and place == probe.claim.since:
            assert isinstance(system, Claimable)
            system = system.with_claim(probe.claim)
        said = reply(system, text, history, probe if margins and probe.turns and probe.rival else None)
        answers.append(said.answer)
        scored += said.margins
        history += [Turn("user", text), Turn("assistant", said.answer.text)]
    return Dialogue(tuple(answers), tuple(scored))


def reply(system: System, text: str, history: Sequence[Turn], scored: Probe | None = None) -> Reply:
    """What a system says to one turn; with the margin of the `scored` probe, if there is one."""
    with listening() as heard:
        answer = _answer(system, text, tuple(history))
    return Reply(answer, (margin(heard, answer, scored),) if scored else ())


def ask_all(
    system: System, asked: Asked, probes: Sequence[Probe], grader: Grader, log: JsonLines, progress: Progress
) -> None:
    """Append a record of every fitting probe that is not known. Whatever stops it, the records so far remain.

    A known probe is asked again where others of its cohort are not known, and what it says is not kept.
    """
    right = answered = done = 0
    put = fitting(system, probes)
    starts = range(asked.share.nth * asked.callers, len(put), asked.share.of * asked.callers)
    cohorts = [put[start : start + asked.callers] for start in starts]
    missing = sum(probe.id not in asked.known for cohort in cohorts for probe in cohort)

    def record(probe: Probe) -> Record:
        said = converse(system, probe, asked.margins)
        verdicts = tuple(grader.grade(answer.text, probe) for answer in said.answers)
        return Record(asked.study, asked.system, asked.seed, probe, said.answers, verdicts, said.margins)

    with ThreadPoolExecutor(asked.callers) as pool:
        for cohort in cohorts:
            if asked.known.issuperset(probe.id for probe in cohort):
                continue
            for future in as_completed(in_step(pool, record, cohort)):
                made = future.result()
                if made.probe.id in asked.known:
                    continue
                log.append(record_to_row(made))
                done += 1
                if made.probe.kind == "recall":
                    answered += 1
                    right += made.verdicts[0].outcome is Outcome.CORRECT
                note = f"{right} of {answered} recalled" if answered else ""
                progress(Step(f"ask {asked.system}{asked.share}", done, missing, note))


def _answer(system: System, text: str, history: tuple[Turn, ...]) -> Answer:
    try:
        return system.ask(text, history)
    except PromptTooLongError as error:
        # The system cannot answer this: that is a result, and counts as an answer that could not be read.
        return Answer("", 0.0, (Evidence("error", str(error)),), confidence_method="unavailable")
