"""Canned answers through all that judges and sums up, before the first generation: a fault must not wait for hours.

Asks no model. What it finds is thrown away: only that nothing fails is of use.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from types import ModuleType
from typing import Any

from kinject import confidence
from kinject.corpus import Corpus
from kinject.grading import Grader
from kinject.lm.prompts import ABSTENTION
from kinject.study import measures
from kinject.types import Answer, Probe, Record

_GUESS = "42"  # where nothing is right
_EACH = 2  # probes of every family and variant, in which pairs are likely to be whole


def canned(probes: Sequence[Probe], grader: Grader) -> list[Record]:
    """Of some probes of every family and variant an abstention, an answer and silence, as if of one seed each."""
    some = [
        probe
        for _, alike in groupby(sorted(probes, key=_sort), key=_sort)
        for probe, _ in zip(alike, range(_EACH), strict=False)
    ]
    return [
        _record(probe, text, seed, grader)
        for probe in some
        for seed, text in enumerate((ABSTENTION, (*probe.gold, _GUESS)[0], ""))
    ]


def rehearse(records: Sequence[Record], systems: Sequence[str]) -> None:
    """Sum up every family and costs of canned records, and confidence as each system reads it from its answers."""
    kinds = list(dict.fromkeys(record.probe.kind for record in records))
    list(measures.of_probes(records, [""], kinds))
    list(measures.of_costs(records, [""], {}))
    for system in systems:
        # Confidence is judged on the answers of one seed, and an abstention has none.
        split = confidence.halves(confidence.cases_of(replace(r, system=system) for r in records if r.seed))
        confidence.measured(split, confidence.calibrate(split.dev))


def rehearse_diagnosis(module: ModuleType, system: Any, corpus: Corpus, records: Sequence[Record]) -> None:
    """What a system will be asked to tell of itself, on the answers of one seed: before it is asked anything else."""
    if hasattr(module, "diagnose"):
        own = [record for record in records if record.seed == 1 and not record.probe.claim]
        list(measures.of_observations("", module.diagnose(system, corpus, own)))


def _record(probe: Probe, text: str, seed: int, grader: Grader) -> Record:
    turns = 1 + len(probe.turns)
    return Record("", "", seed, probe, (Answer(text, 0.5),) * turns, (grader.grade(text, probe),) * turns)


def _sort(probe: Probe) -> tuple[str, str]:
    return probe.kind, probe.variant
