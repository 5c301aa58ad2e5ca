"""Attempted answers with their signals and whether they were right, and the two halves that they are split into."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kinject.confidence.signals import METHODS, signals_of
from kinject.types import Outcome, Record

_TAMPERED = "injection"


@dataclass(frozen=True, slots=True)
class Case:
    """`entity` is what the question is about: cases of one entity are never split."""

    signals: Mapping[str, float]
    right: bool
    entity: str

    def signal(self, method: str) -> float:
        """An answer that lacks what others have is as unsure as can be."""
        return self.signals.get(method, 0.0)


@dataclass(frozen=True, slots=True)
class Halves:
    """`dev` is calibrated on, `test` is judged on."""

    dev: tuple[Case, ...]
    test: tuple[Case, ...]


def attempted(records: Iterable[Record]) -> list[Record]:
    """Those of one system in which it answered: an abstention is neither right nor wrong.

    Only those of its first seed, as it is what a run opens again, and only probes of a single turn: the first
    questions of pushback dialogues are the same one many times over. None of injection: what was planted in a system's
    source has tampered with its confidence too.
    """
    asked = [record for record in records if not record.probe.turns and record.probe.kind != _TAMPERED]
    first = min((record.seed for record in asked), default=0)
    return [r for r in asked if r.seed == first and r.verdicts[0].outcome is not Outcome.NOT_ATTEMPTED]


def case_of(record: Record) -> Case:
    return Case(
        signals_of(record.system, record.answers[0]),
        record.verdicts[0].outcome is Outcome.CORRECT,
        record.probe.subject or record.probe.id,
    )


def cases_of(records: Iterable[Record]) -> tuple[Case, ...]:
    return tuple(map(case_of, attempted(records)))


def halves(cases: Sequence[Case]) -> Halves:
    """By a hash of the entity: the same entity is on the same side for every system and in every run."""
    dev, test = (tuple(case for case in cases if _is_dev(case.entity) is side) for side in (True, False))
    return Halves(dev, test)


def methods_of(cases: Sequence[Case]) -> tuple[str, ...]:
    """Those that any of them has, in the order of METHODS."""
    return tuple(method for method in METHODS if any(method in case.signals for case in cases))


def _is_dev(entity: str) -> bool:
    return hashlib.sha256(entity.encode()).digest()[0] % 2 == 0
