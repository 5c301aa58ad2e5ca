"""A diff as a table for people, as Markdown and as JSON. Computes nothing."""

import math
from dataclasses import asdict
from typing import Any

from kinject.diff import Diff, Item, Row
from kinject.report import wording
from kinject.types import Estimate

COLUMNS = (
    "system",
    "family",
    "n",
    "A right",
    "B right",
    "B less A",
    "gained",
    "lost",
    "p",
    "p (Holm)",
    "B is",
    "finds",
)
NOTES = (
    "Right is a correct answer, or an abstention where there is no answer; of a dialogue, at its end. B less A is in "
    "points with a 95 % interval clustered by entity; p is of the exact McNemar test on the first seed, corrected by "
    "Holm over the table. So many points of true difference a row finds four times in five: what tied may hide."
)


def cells(found: Diff) -> list[tuple[str, ...]]:
    """In the order of COLUMNS."""
    return [_cells(row) for row in found.rows]


def remarks(found: Diff) -> list[str]:
    """What else to know: how the runs differ, and what could not be compared."""
    lines = [f"A is {found.a}, B is {found.b}" + (f"; they differ in {', '.join(found.differs)}" * bool(found.differs))]
    a, b = (sum(counts) for counts in zip(*((row.unmatched_a, row.unmatched_b) for row in found.rows), strict=True))
    if a or b:
        kinds = dict.fromkeys(row.kind for row in found.rows if row.unmatched_a or row.unmatched_b)
        lines.append(f"without a match in the other run: {a} answers of A, {b} of B ({', '.join(kinds)})")
    return lines


def left_out(found: Diff, shown: int) -> str:
    """How many changed items are not shown; "" if all are."""
    more = len(found.items) - shown
    return f"{more} more: --items {len(found.items)}, or --json" if more > 0 else ""


def heading(item: Item) -> str:
    variant = f", {item.probe.variant}" if item.probe.turns else ""
    return f"{item.change}: {wording.name(item.system)}, {item.probe.kind}{variant}"


def gold(item: Item) -> str:
    return "; ".join(item.probe.gold) or "(there is no answer)"


def markdown(found: Diff, n: int) -> str:
    """The table and the first n items that changed."""
    rows = [COLUMNS, tuple("---" for _ in COLUMNS), *cells(found)]
    table = "\n".join("| " + " | ".join(map(wording.markdown, row)) + " |" for row in rows)
    parts = ["# Two runs on the same probes", *(f"{wording.markdown(line)}." for line in remarks(found)), table, NOTES]
    if found.items[:n]:
        parts += ["## What changed", "\n".join(_item(item) for item in found.items[:n])]
    if more := left_out(found, n):
        parts.append(f"{more}.")
    return "\n\n".join(parts) + "\n"


def plain(found: Diff) -> dict[str, Any]:
    """Every row and every item, for json.dumps."""
    rows = [
        {
            "system": row.system,
            "family": row.kind,
            "verdict": row.verdict,
            "right_a": _numbers(row.right_a),
            "right_b": _numbers(row.right_b),
            "difference": _numbers(row.difference),
            "gained": row.gained,
            "lost": row.lost,
            "p": row.p,
            "p_holm": row.p_holm,
            "detectable": row.detectable if row.difference.n else None,
            "unmatched_a": row.unmatched_a,
            "unmatched_b": row.unmatched_b,
        }
        for row in found.rows
    ]
    items = [
        {
            "change": item.change,
            "system": item.system,
            "family": item.probe.kind,
            "id": item.probe.id,
            "question": item.probe.question,
            "turns": item.probe.turns,
            "gold": item.probe.gold,
            "answer_a": item.answer_a,
            "answer_b": item.answer_b,
        }
        for item in found.items
    ]
    return {"a": found.a, "b": found.b, "differs": found.differs, "rows": rows, "items": items}


def _cells(row: Row) -> tuple[str, ...]:
    d, told = row.difference, bool(row.difference.n)
    points = f"{wording.points(d.value)} [{wording.points(d.low)}, {wording.points(d.high)}]"
    return (
        wording.name(row.system),
        row.kind,
        str(d.n),
        wording.rate(row.right_a),
        wording.rate(row.right_b),
        points if told else wording.NO_DATA,
        str(row.gained),
        str(row.lost),
        *(wording.p_value(p) if told else wording.NO_DATA for p in (row.p, row.p_holm)),
        row.verdict,
        f"{100 * row.detectable:.1f}" if told else wording.NO_DATA,
    )


def _item(item: Item) -> str:
    question, right, a, b = map(wording.markdown, (item.probe.question, gold(item), item.answer_a, item.answer_b))
    return f"- **{wording.markdown(heading(item))}**: {question} Gold: {right}. A: {a} B: {b}"


def _numbers(estimate: Estimate) -> dict[str, float | None]:
    """JSON has no NaN."""
    return {name: None if math.isnan(value) else value for name, value in asdict(estimate).items()}
