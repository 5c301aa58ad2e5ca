"""Probes put to a system by many callers at once, each record on disk as soon as its dialogue is over.

Many callers, since the model's queue batches those that wait; the order in which they end decides nothing.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from kinject.errors import PromptTooLongError
from kinject.grading import Grader
from kinject.progress import Progress, Step
from kinject.store import JsonLines, record_to_row
from kinject.types import Answer, Evidence, Outcome, Probe, Record, System, Turn

CALLERS = 32


@dataclass(frozen=True)
class Asked:
    """Whom the records are of."""

    study: str
    system: str
    seed: int


def converse(system: System, probe: Probe) -> tuple[Answer, ...]:
    """The answer to the question and to every turn of the user after it, each with the history before it."""
    answers: list[Answer] = []
    history: list[Turn] = []
    for text in (probe.question, *probe.turns):
        answers.append(_answer(system, text, tuple(history)))
        history += [Turn("user", text), Turn("assistant", answers[-1].text)]
    return tuple(answers)


def ask_all(
    system: System, asked: Asked, probes: Sequence[Probe], grader: Grader, log: JsonLines, progress: Progress
) -> None:
    """Append a record of every probe. Whatever stops it, the records so far remain and the rest are not asked."""
    right = answered = 0

    def record(probe: Probe) -> Record:
        answers = converse(system, probe)
        verdicts = tuple(grader.grade(answer.text, probe) for answer in answers)
        return Record(asked.study, asked.system, asked.seed, probe, answers, verdicts)

    with ThreadPoolExecutor(CALLERS) as pool:
        futures = [pool.submit(record, probe) for probe in probes]
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                made = future.result()
                log.append(record_to_row(made))
                if made.probe.kind == "recall":
                    answered += 1
                    right += made.verdicts[0].outcome is Outcome.CORRECT
                note = f"{right} of {answered} recalled" if answered else ""
                progress(Step(f"ask {asked.system}", done, len(probes), note))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _answer(system: System, text: str, history: tuple[Turn, ...]) -> Answer:
    try:
        return system.ask(text, history)
    except PromptTooLongError as error:
        # The system cannot answer this: that is a result, and counts as an answer that could not be read.
        return Answer("", 0.0, (Evidence("error", str(error)),), confidence_method="unavailable")
