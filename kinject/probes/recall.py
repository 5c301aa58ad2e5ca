"""Recall: one question a fact that holds now, in a phrasing that no training text used.

Several values of one subject and relation are one probe. Asks about no other date and for no subject.
"""

import random
from collections.abc import Sequence

from kinject.corpus import Corpus, questions
from kinject.probes import _scoring
from kinject.probes._choosing import askable, probe_id, spread
from kinject.types import Estimate, Probe, Record

METRICS = _scoring.ACCURACY_METRICS | _scoring.CALIBRATION_METRICS


def make(corpus: Corpus, n: int, rng: random.Random) -> list[Probe]:
    """At most n probes, evenly over relations and entities; fewer where the corpus has no more to ask."""
    chosen = spread(askable(corpus), n, rng, lambda one: one.relation.name, lambda one: one.subject)
    probes = []
    for number, one in enumerate(chosen):
        question = rng.choice(questions(one.relation, "test")).format(subject=one.subject)
        name = probe_id("recall", number, question)
        probes.append(
            Probe(name, "recall", question, one.gold, one.fact_ids, relation=one.relation.name, subject=one.subject)
        )
    return probes


def summarize(records: Sequence[Record]) -> dict[str, Estimate]:
    """METRICS of one system's records."""
    return _scoring.accuracy(records) | _scoring.calibration(records)
