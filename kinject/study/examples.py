"""The questions that a run was asked, one each however often it was asked, by family. Asks nothing itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kinject.types import Probe, Record

FIRST = ("recall", "temporal", "multihop", "unanswerable")  # what a reader tries first; others follow by name


@dataclass(frozen=True)
class Examples:
    """Probes by family, in the order of `kinds`; `known` has one by its question, with a rival where one has it."""

    by_kind: dict[str, tuple[Probe, ...]]
    known: dict[str, Probe]


def examples(records: Iterable[Record]) -> Examples:
    kinds: dict[str, dict[str, Probe]] = {}
    for record in records:
        of_kind = kinds.setdefault(record.probe.kind, {})
        # What differs between the variants of one question is what is said after it.
        of_kind[record.probe.question] = _richer(of_kind.get(record.probe.question), record.probe)
    by_kind = {kind: tuple(kinds[kind].values()) for kind in _in_order(list(kinds))}
    known: dict[str, Probe] = {}
    for probes in by_kind.values():
        for probe in probes:
            known[probe.question] = _richer(known.get(probe.question), probe)
    return Examples(by_kind, known)


def _richer(known: Probe | None, other: Probe) -> Probe:
    return other if known is None or (other.rival and not known.rival) else known


def _in_order(kinds: Sequence[str]) -> list[str]:
    return sorted(kinds, key=lambda kind: (FIRST.index(kind) if kind in FIRST else len(FIRST), kind))
