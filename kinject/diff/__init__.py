"""Two runs on the same probes: what was gained, what was lost, and whether that is more than chance.

Reads finished runs and writes nothing. A probe is the same where its id, all that the user says and its gold are: a
changed corpus asks other questions, and those are counted, not compared.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, Literal

from kinject import power, stats
from kinject.errors import KinjectError, OptionError, UnknownNameError
from kinject.report.compare import SIGNIFICANT
from kinject.report.metrics import in_order
from kinject.report.results import Results, ladder
from kinject.types import Estimate, Outcome, Probe, Record

# Id, question, the user's further turns, gold.
_Key = tuple[str, str, tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Item:
    """A probe that one run got right and the other did not; the answers are the last of a dialogue."""

    system: str
    probe: Probe
    change: Literal["gained", "lost"]
    answer_a: str
    answer_b: str


@dataclass(frozen=True)
class Row:
    """One system and family, on the `difference.n` probes that both runs asked it.

    `difference` is the share that is right in B less that in A; `unmatched_a` and `unmatched_b` count other probes.
    `detectable` is the least true difference that would be found with 80 % power, if all rows were tied.
    """

    system: str
    kind: str
    right_a: Estimate
    right_b: Estimate
    difference: Estimate
    p: float
    p_holm: float
    detectable: float
    unmatched_a: int
    unmatched_b: int
    items: tuple[Item, ...]

    @property
    def gained(self) -> int:
        return sum(item.change == "gained" for item in self.items)

    @property
    def lost(self) -> int:
        return sum(item.change == "lost" for item in self.items)

    @property
    def verdict(self) -> Literal["better", "worse", "tied", "no data"]:
        if not self.difference.n:
            return "no data"
        if self.p_holm >= SIGNIFICANT or self.difference.low <= 0 <= self.difference.high:
            return "tied"
        return "better" if self.difference.value > 0 else "worse"


@dataclass(frozen=True)
class Diff:
    """`differs` names what else is not the same in the two runs, such as the model."""

    a: str
    b: str
    differs: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def items(self) -> list[Item]:
        """What changed: the rows that chance explains least come first, and in each what was lost."""
        rows = sorted(self.rows, key=lambda row: row.p)
        return [item for row in rows for item in sorted(row.items, key=lambda item: item.change != "lost")]


def diff(a: Results, b: Results, systems: Sequence[str] = (), kinds: Sequence[str] = (), against: str = "") -> Diff:
    """Every system and family that both have, or those named; Holm over all of them.

    `against` names a system of B that the one named system of A is compared with; A and B may then be one run.

    The exact test and the items are of the first seed, the difference is of the mean over seeds.
    Raises UnknownNameError for a name that not both have, KinjectError where no probe is in both.
    """
    pairs = _pairs(systems, against, a, b)
    families = _chosen("family", kinds, in_order(set(a.kinds) & set(b.kinds)), (a, b))
    rows = [row for pair in pairs for kind in families if (row := _row(pair, kind, a, b))]
    if not any(row.difference.n for row in rows):
        raise KinjectError(
            f"{a.folder} ({a.corpus.name}) and {b.folder} ({b.corpus.name}) have no probe in common; "
            "compare two runs of one corpus with the same seed"
        )
    return Diff(str(a.folder), str(b.folder), _differences(a.manifest, b.manifest), tuple(_adjusted(rows)))


def is_right(record: Record) -> bool:
    """Correct where there is something to know, an abstention where there is nothing; at the end of a dialogue."""
    wanted = Outcome.CORRECT if record.probe.gold else Outcome.NOT_ATTEMPTED
    return record.verdicts[-1].outcome is wanted


def _pairs(systems: Sequence[str], against: str, a: Results, b: Results) -> list[tuple[str, str]]:
    """Whom of A to compare with whom of B."""
    if not against:
        return [(name, name) for name in _chosen("system", systems, ladder(set(a.systems) & set(b.systems)), (a, b))]
    if len(systems) != 1:
        raise OptionError("to compare with another system, name one of run A, such as --system rag --against kg")
    for name, run in ((systems[0], a), (against, b)):
        if name not in run.systems:
            raise UnknownNameError(f"no system {name!r} in {run.folder}; choose one of: {', '.join(run.systems)}")
    return [(systems[0], against)]


def _adjusted(rows: Sequence[Row]) -> list[Row]:
    told = [row for row in rows if row.difference.n]
    adjusted = iter(stats.holm([row.p for row in told]))
    return [
        replace(row, p_holm=next(adjusted), detectable=power.detectable(row.difference, len(told)))
        if row.difference.n
        else row
        for row in rows
    ]


def _row(pair: tuple[str, str], kind: str, a: Results, b: Results) -> Row | None:
    """None where neither run asked this of the system."""
    in_a, in_b = pair
    system = in_a if in_a == in_b else f"{in_a} to {in_b}"
    of_a, of_b = _by_probe(a.of(in_a), kind), _by_probe(b.of(in_b), kind)
    if not of_a and not of_b:
        return None
    both = sorted(of_a.keys() & of_b.keys())
    before, after = [_share(of_a[key]) for key in both], [_share(of_b[key]) for key in both]
    clusters = [probe.subject or probe.id for probe in (of_a[key][0].probe for key in both)]
    items = tuple(item for key in both if (item := _item(system, of_a[key][0], of_b[key][0])))
    gained = sum(item.change == "gained" for item in items)
    p = stats.mcnemar(gained, len(items) - gained)
    return Row(
        system=system,
        kind=kind,
        right_a=stats.clustered_rate(before, clusters),
        right_b=stats.clustered_rate(after, clusters),
        difference=stats.paired_difference(after, before, clusters),
        p=p,
        p_holm=p,
        detectable=math.nan,
        unmatched_a=len(of_a) - len(both),
        unmatched_b=len(of_b) - len(both),
        items=items,
    )


def _share(records: Sequence[Record]) -> float:
    return fmean(is_right(record) for record in records)


def _by_probe(records: Iterable[Record], kind: str) -> dict[_Key, list[Record]]:
    """The records of each probe, a record a seed, the first seed first."""
    found: dict[_Key, list[Record]] = {}
    for record in sorted(records, key=lambda record: record.seed):
        probe = record.probe
        if probe.kind == kind:
            key = (probe.id, probe.question, probe.turns, probe.gold)
            found.setdefault(key, []).append(record)
    return found


def _item(system: str, a: Record, b: Record) -> Item | None:
    if is_right(a) == is_right(b):
        return None
    change: Literal["gained", "lost"] = "gained" if is_right(b) else "lost"
    return Item(system, b.probe, change, a.answers[-1].text, b.answers[-1].text)


def _chosen(what: str, wanted: Sequence[str], common: Sequence[str], runs: tuple[Results, Results]) -> Sequence[str]:
    unknown = [name for name in wanted if name not in common]
    if unknown or not common:
        which = f"{what} {unknown[0]!r}" if unknown else what
        has = f"they share: {', '.join(common)}" if common else "they share none"
        raise UnknownNameError(f"no {which} in both {runs[0].folder} and {runs[1].folder}; {has}")
    return [name for name in common if name in wanted] if wanted else common


def _differences(a: dict[str, Any], b: dict[str, Any]) -> tuple[str, ...]:
    parts = [part for part in ("corpus", "model", "seeds", "versions") if a.get(part) != b.get(part)]
    both = [name for name in a["systems"] if name in b["systems"]]
    return (*parts, *(f"options of {name}" for name in both if a["systems"][name] != b["systems"][name]))
