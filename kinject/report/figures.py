"""The figures: each shows estimates with their intervals and stands beside a table of the same numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from kinject.report import draw, marks, wording
from kinject.report.draw import INK, MUTED
from kinject.report.parts import Figure
from kinject.report.results import Point
from kinject.types import Estimate

Labelled = Sequence[tuple[str, Estimate]]


@dataclass(frozen=True)
class Rung:
    """A system's share; `seeds` are those of its trainings, and empty where it was built once."""

    system: str
    share: Estimate
    seeds: tuple[float, ...] = ()

    @property
    def seen(self) -> str:
        each = f" (by seed {', '.join(map(wording.percent, self.seeds))})" if self.seeds else ""
        return f"{wording.name(self.system)} {wording.rate(self.share)}{each}"


def shares(id: str, title: str, rungs: Sequence[Rung]) -> Figure:
    """One share a system as dots with intervals, floor at the top and ceiling at the bottom; hollow dots are seeds."""

    def paint(axes: Axes, narrow: bool) -> None:
        for row, rung in enumerate(rungs):
            marks.dot(axes, rung.share, row, rung.system)
            marks.seeds(axes, rung.seeds, row, rung.system)
            where = axes.get_yaxis_transform()
            axes.text(1.09, row, wording.percent(rung.share.value), transform=where, ha="right", va="center")
        marks.rows(axes, [wording.name(rung.system) for rung in rungs])
        axes.set_xlim(-2, 102)
        axes.set_xticks(range(0, 101, 25))
        marks.percent_axis(axes.xaxis)

    return draw.figure(id, title, "; ".join(rung.seen for rung in rungs), 0.75 + 0.36 * len(rungs), paint)


def curve(points: Sequence[Point], reached: float, plateau: float) -> Figure:
    """Recall by epoch with its band; dotted at epoch `reached`, level from epoch `plateau` on (NaN: neither)."""
    epochs = [point.epoch for point in points]
    end = points[-1]

    def paint(axes: Axes, narrow: bool) -> None:
        tint = draw.colour("sft")
        low, high = ([100 * bound for bound in bounds] for bounds in zip(*map(_bounds, points), strict=True))
        axes.fill_between(epochs, low, high, color=tint, alpha=0.16, linewidth=0)
        axes.plot(epochs, [100 * p.recall.value for p in points], color=tint, marker="s", markersize=4.5, linewidth=1.6)
        if not math.isnan(reached):
            axes.axvline(reached, color=MUTED, linewidth=1, linestyle=(0, (1, 3)))
            _note(axes, f"90\u202f% of the end\nat epoch {reached:g}", reached, 4, epochs)
        if not math.isnan(plateau):
            level = [100 * end.recall.value] * 2
            axes.plot([plateau, end.epoch], level, color=INK, linewidth=1.2, linestyle=(0, (4, 2)))
            _note(axes, f"plateau from epoch {plateau:g}", plateau, min(level[0] + 9, 104), epochs)
        axes.set_ylim(0, 112)
        axes.set_yticks(range(0, 101, 25))
        axes.grid(visible=False, axis="x")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        marks.percent_axis(axes.yaxis)

    flat = "" if math.isnan(plateau) else f", plateau from epoch {plateau:g}"
    seen = "; ".join(f"epoch {point.epoch:g} {wording.rate(point.recall)}" for point in points)
    return draw.figure("curve", "Recall of sft by epoch", f"{seen}{flat}", 2.6, paint)


def honesty(pairs: Mapping[str, tuple[Estimate, Estimate]]) -> Figure:
    """Hallucination against over-refusal: the lower left corner is where a system should be."""

    def paint(axes: Axes, narrow: bool) -> None:
        for system, (hallucination, refusal) in pairs.items():
            marks.cross(axes, refusal, hallucination, system)
        axes.set_xlim(-2, marks.reach(refusal for _, refusal in pairs.values()))
        axes.set_ylim(-3, marks.reach(hallucination for hallucination, _ in pairs.values()))
        marks.legend(axes, list(pairs))
        axes.set_xlabel("refuses an answerable look-alike")
        axes.set_ylabel("answers the unanswerable")
        marks.percent_axis(axes.xaxis)
        marks.percent_axis(axes.yaxis)

    seen = "; ".join(f"{wording.name(s)} {wording.rate(h)} and {wording.rate(r)}" for s, (h, r) in pairs.items())
    return draw.figure("honesty", "Hallucination against over-refusal", seen, 3.4, paint)


def pushback(groups: Sequence[tuple[str, Labelled]], title: str) -> Figure:
    """For each challenger one dot a system, with its interval; zero is what a mere re-ask does."""
    systems = list(dict.fromkeys(system for _, dots in groups for system, _ in dots))

    def paint(axes: Axes, narrow: bool) -> None:
        step = 0.7 / max(len(systems), 1)
        for row, (_, dots) in enumerate(groups):
            for system, estimate in dots:
                marks.dot(axes, estimate, row - 0.35 + step * (systems.index(system) + 0.5), system, small=True)
        marks.rows(axes, [challenger for challenger, _ in groups])
        axes.axvline(0, color=MUTED, linewidth=1)
        marks.legend(axes, systems)
        marks.percent_axis(axes.xaxis)

    seen = "; ".join(
        f"{c}: " + ", ".join(f"{wording.name(s)} {wording.rate(e)}" for s, e in dots) for c, dots in groups
    )
    height = 0.9 + len(groups) * (0.2 + 0.13 * len(systems))
    return draw.figure("pushback", title, seen, height, paint)


def differences(rows: Labelled, title: str) -> Figure:
    """Paired differences with their intervals around zero."""

    def paint(axes: Axes, narrow: bool) -> None:
        for row, (_, difference) in enumerate(rows):
            marks.dot(axes, difference, row, "", tint=INK)
        marks.rows(axes, [label for label, _ in rows])
        axes.axvline(0, color=MUTED, linewidth=1)
        reach = 100 * max(max(abs(d.low), abs(d.high)) for _, d in rows) + 2
        axes.set_xlim(-reach, reach)
        axes.set_xlabel("percentage points")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.points(value / 100).removesuffix(".0")))

    seen = "; ".join(f"{label} {wording.points(d.value)} points" for label, d in rows)
    return draw.figure("differences", title, seen, 0.9 + 0.3 * len(rows), paint)


def _note(axes: Axes, text: str, epoch: float, height: float, epochs: Sequence[float]) -> None:
    """On the side of the epoch that has room."""
    late = epoch > (epochs[0] + epochs[-1]) / 2
    shift, side = ((-6, 0), "right") if late else ((6, 0), "left")
    axes.annotate(
        text, (epoch, height), shift, textcoords="offset points", horizontalalignment=side, color=MUTED, fontsize=8.5
    )


def _bounds(point: Point) -> tuple[float, float]:
    return point.recall.low, point.recall.high
