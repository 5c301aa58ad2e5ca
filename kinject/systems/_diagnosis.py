"""What a system can tell of its inner workings beside its answers, such as whether it retrieved the right passage.

A plugin that has something to tell defines

    diagnose(system, corpus, records) -> Iterable[Observation]      records: those of this very system
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Observation:
    """One value of a metric; its mean is estimated by cluster, the entity that was asked about."""

    family: str
    metric: str
    value: float
    cluster: str
