"""From records to estimates, a row a number. Rows depend on the records and not on their order."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from kinject import plugins, stats
from kinject.grading import Grader
from kinject.study.plan import PROBES
from kinject.systems._diagnosis import Observation
from kinject.types import Estimate, Probe, Record

Row = dict[str, Any]


def of_probes(records: Sequence[Record], systems: Sequence[str], kinds: Sequence[str]) -> Iterator[Row]:
    """Every family's own metrics for every system."""
    for system in systems:
        for kind in kinds:
            own = [record for record in records if (record.system, record.probe.kind) == (system, kind)]
            for metric, estimate in plugins.load(PROBES, kind).summarize(own).items():
                yield row(system, kind, metric, estimate)


def of_seeds(records: Sequence[Record], systems: Sequence[str], kinds: Sequence[str]) -> Iterator[Row]:
    """The same for each training by itself, with its `seed`; nothing of a system that was built once.

    The estimates over all seeds are clustered by entity: answers of two trainings about one entity are not independent.
    """
    for system in systems:
        seeds = sorted({record.seed for record in records if record.system == system})
        for seed in seeds if len(seeds) > 1 else ():
            own = [record for record in records if (record.system, record.seed) == (system, seed)]
            yield from ({**row, "seed": seed} for row in of_probes(own, [system], kinds))


def of_observations(system: str, observations: Iterable[Observation]) -> Iterator[Row]:
    """What a system observes of itself, such as its retrieval: a mean a metric, by cluster."""
    groups: dict[tuple[str, str], list[Observation]] = defaultdict(list)
    for observation in observations:
        groups[observation.family, observation.metric].append(observation)
    for (family, metric), found in groups.items():
        values, clusters = [one.value for one in found], [one.cluster for one in found]
        yield row(system, family, metric, _mean(values, clusters))


def of_costs(records: Sequence[Record], systems: Sequence[str], build_seconds: Mapping[str, float]) -> Iterator[Row]:
    """Tokens, calls and seconds an answer, as measured under the study's load; build seconds were measured once."""
    for system in systems:
        own = [(a.usage, r.probe.subject) for r in records if r.system == system for a in r.answers]
        clusters = [subject for _, subject in own]
        for metric in ("prompt_tokens", "completion_tokens", "model_calls", "seconds"):
            values = [float(getattr(usage, metric)) for usage, _ in own]
            yield row(system, "cost", metric, stats.clustered_mean(values, clusters, (0.0, math.inf)))
        seconds = build_seconds.get(system, math.nan)
        yield row(system, "cost", "build_seconds", once(seconds))


def of_epoch(epoch: Any, probes: Sequence[Probe], grader: Grader) -> Row:
    """A point of the training curve: the answers to the quiz, graded as any other answer."""
    right = sum(
        grader.grade(said, probe).outcome == "correct" for said, probe in zip(epoch.answers, probes, strict=True)
    )
    recall = stats.wilson(right, len(probes))
    interval = {"recall": recall.value, "low": recall.low, "high": recall.high, "n": recall.n}
    return {"epoch": epoch.epoch, "step": epoch.step, "tokens": epoch.tokens, "loss": epoch.loss, **interval} | {
        "seconds": epoch.seconds
    }


def _mean(values: Sequence[float], clusters: Sequence[str]) -> Estimate:
    if all(0 <= value <= 1 for value in values):
        return stats.clustered_rate(values, clusters)
    return stats.clustered_mean(values, clusters, (0.0, math.inf))


def once(value: float) -> Estimate:
    """What was measured a single time, or not at all (NaN)."""
    return Estimate(value, value, value, int(not math.isnan(value)))


def row(system: str, probe: str, metric: str, estimate: Estimate) -> Row:
    return {"system": system, "probe": probe, "metric": metric, **asdict(estimate)}
