"""An update's rows as a table for people: staleness before and after, damage, and what it cost."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from kinject.report import wording
from kinject.study.measures import Row
from kinject.types import Estimate

COLUMNS = (
    "system",
    "stale before",
    "stale after",
    "right before",
    "right after",
    "other after",
    "unchanged, before",
    "unchanged, after",
    "damage",
    "update",
    "a fact",
    "work",
)
_SHARES = ("stale_before", "stale_after", "right_before", "right_after", "other_after")
_KEPT = ("unchanged_right_before", "unchanged_right_after")
_NOTES = (
    "Shares of questions with 95 % intervals: stale is a value that held before, right is what holds now, both about "
    "changed facts; unchanged is the share of right answers about facts that did not change, and damage is how many "
    "points of it were lost. Work is what the system counted while it was updated."
)


def cells(manifest: Mapping[str, Any], rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """A row a system, in the order of COLUMNS."""
    found = {(row["system"], row["metric"]): _estimate(row) for row in rows}
    return [_cells(name, found, manifest["update"]["work"].get(name, {})) for name in manifest["systems"]]


def summary(manifest: Mapping[str, Any]) -> str:
    """One line: how many facts changed and how documents followed."""
    update = manifest["update"]
    counts = ", ".join(f"{number} {what}" for what, number in update["counts"].items() if number)
    return f"{update['facts']} facts are others than in {update['of']}" + (f" ({counts})" if counts else "")


def markdown(manifest: Mapping[str, Any], rows: Sequence[Row]) -> str:
    name = wording.markdown(str(manifest["corpus"]["name"]))
    lines = [COLUMNS, tuple("---" for _ in COLUMNS), *cells(manifest, rows)]
    table = "\n".join("| " + " | ".join(map(wording.markdown, line)) + " |" for line in lines)
    return f"# {name}: update\n\n{wording.markdown(summary(manifest))}.\n\n{table}\n\n{_NOTES}\n"


def _cells(system: str, found: Mapping[tuple[str, str], Estimate], work: Mapping[str, int]) -> tuple[str, ...]:
    damage = found[system, "damage"]
    points = f"{wording.points(damage.value)} [{wording.points(damage.low)}, {wording.points(damage.high)}]"
    return (
        wording.name(system),
        *(_share(found[system, metric]) for metric in (*_SHARES, *_KEPT)),
        points if damage.n else "no data",
        wording.seconds(found[system, "update_seconds"].value),
        wording.seconds(found[system, "seconds_per_fact"].value),
        ", ".join(f"{stage} {total}" for stage, total in work.items()) or "\u2013",
    )


def _share(estimate: Estimate) -> str:
    return f"{wording.rate(estimate)} n {estimate.n}" if estimate.n else wording.rate(estimate)


def _estimate(row: Row) -> Estimate:
    # On disk NaN is null.
    value, low, high = (math.nan if row[key] is None else row[key] for key in ("value", "low", "high"))
    return Estimate(value, low, high, row["n"])
