"""The questions that a run was asked, one each however often it was asked, by family. Asks nothing itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kinject.corpus import Corpus
from kinject.types import Probe, Record

FIRST = ("recall", "temporal", "multihop", "unanswerable")  # what a reader tries first; others follow by name


@dataclass(frozen=True)
class Examples:
    """Probes by family, in the order of `kinds`; `known` has one by its question, with a rival where one has it."""

    by_kind: dict[str, tuple[Probe, ...]]
    known: dict[str, Probe]


def examples(records: Iterable[Record]) -> Examples:
    return _of(record.probe for record in records)


def still_true(asked: Examples, before: Corpus, after: Corpus) -> Examples:
    """Those that do not rest on a fact which is another one after, nor ask for one."""
    kept = {fact.id: fact for fact in after.facts}
    gone = [fact for fact in before.facts if kept.get(fact.id) != fact]
    known = {fact.id: fact for fact in before.facts}
    new = [fact for fact in after.facts if known.get(fact.id) != fact]
    ids = {fact.id for fact in gone}
    pairs = {(fact.subject, fact.relation) for fact in (*gone, *new)}
    probes = (probe for family in asked.by_kind.values() for probe in family)
    return _of(p for p in probes if (p.subject, p.relation) not in pairs and ids.isdisjoint(p.facts))


def _of(probes: Iterable[Probe]) -> Examples:
    kinds: dict[str, dict[str, Probe]] = {}
    for asked in probes:
        of_kind = kinds.setdefault(asked.kind, {})
        # What differs between the variants of one question is what is said after it.
        of_kind[asked.question] = _richer(of_kind.get(asked.question), asked)
    by_kind = {kind: tuple(kinds[kind].values()) for kind in _in_order(list(kinds))}
    known: dict[str, Probe] = {}
    for family in by_kind.values():
        for probe in family:
            known[probe.question] = _richer(known.get(probe.question), probe)
    return Examples(by_kind, known)


def _richer(known: Probe | None, other: Probe) -> Probe:
    return other if known is None or (other.rival and not known.rival) else known


def _in_order(kinds: Sequence[str]) -> list[str]:
    return sorted(kinds, key=lambda kind: (FIRST.index(kind) if kind in FIRST else len(FIRST), kind))
