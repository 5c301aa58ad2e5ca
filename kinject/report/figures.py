"""The figures: each shows estimates with their intervals and stands beside a table of the same numbers."""

import math
from collections.abc import Iterable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from kinject.report import draw, wording
from kinject.report.draw import INK, MUTED, RULE
from kinject.report.parts import Figure
from kinject.report.results import Point
from kinject.types import Estimate

Labelled = Sequence[tuple[str, Estimate]]


def ladder(rungs: Labelled) -> Figure:
    """Recall by system as dots with intervals, floor at the top and ceiling at the bottom."""

    def paint(axes: Axes, narrow: bool) -> None:
        for row, (system, recall) in enumerate(rungs):
            _dot(axes, recall, row, system)
            where = axes.get_yaxis_transform()
            axes.text(1.09, row, wording.percent(recall.value), transform=where, ha="right", va="center")
        _rows(axes, [wording.name(system) for system, _ in rungs])
        axes.set_xlim(-2, 102)
        axes.set_xticks(range(0, 101, 25))
        _percent_axis(axes.xaxis)

    seen = "; ".join(f"{wording.name(system)} {wording.rate(recall)}" for system, recall in rungs)
    return draw.figure("ladder", "Recall from floor to ceiling", seen, 0.75 + 0.36 * len(rungs), paint)


def curve(points: Sequence[Point], reached: float) -> Figure:
    """Recall by epoch with its band; the dotted line marks the epoch `reached` (NaN: none)."""
    epochs = [point.epoch for point in points]

    def paint(axes: Axes, narrow: bool) -> None:
        low, high = ([100 * bound for bound in bounds] for bounds in zip(*map(_bounds, points), strict=True))
        axes.fill_between(epochs, low, high, color=draw.colour("sft"), alpha=0.16, linewidth=0)
        recall = [100 * point.recall.value for point in points]
        axes.plot(epochs, recall, color=draw.colour("sft"), marker="s", markersize=4.5, linewidth=1.6)
        if not math.isnan(reached):
            axes.axvline(reached, color=MUTED, linewidth=1, linestyle=(0, (1, 3)))
            axes.annotate(
                f"90\u202f% of the end\nat epoch {reached:g}",
                (reached, 4),
                (6, 0),
                textcoords="offset points",
                color=MUTED,
                fontsize=8.5,
            )
        axes.set_ylim(0, 102)
        axes.grid(visible=False, axis="x")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _percent_axis(axes.yaxis)

    first, last = points[0], points[-1]
    seen = f"epoch {first.epoch:g} {wording.rate(first.recall)}, epoch {last.epoch:g} {wording.rate(last.recall)}"
    return draw.figure("curve", "Recall of sft by epoch", seen, 2.6, paint)


def honesty(pairs: Mapping[str, tuple[Estimate, Estimate]]) -> Figure:
    """Hallucination against over-refusal: the lower left corner is where a system should be."""

    def paint(axes: Axes, narrow: bool) -> None:
        for system, (hallucination, refusal) in pairs.items():
            _cross(axes, refusal, hallucination, system)
        axes.set_xlim(-2, _reach(refusal for _, refusal in pairs.values()))
        axes.set_ylim(-3, _reach(hallucination for hallucination, _ in pairs.values()))
        _legend(axes, list(pairs), narrow)
        axes.set_xlabel("refuses an answerable look-alike")
        axes.set_ylabel("answers the unanswerable")
        _percent_axis(axes.xaxis)
        _percent_axis(axes.yaxis)

    seen = "; ".join(f"{wording.name(s)} {wording.rate(h)} and {wording.rate(r)}" for s, (h, r) in pairs.items())
    return draw.figure("honesty", "Hallucination against over-refusal", seen, 3.4, paint)


def pushback(groups: Sequence[tuple[str, Labelled]], title: str) -> Figure:
    """For each challenger one dot a system, with its interval; zero is what a mere re-ask does."""
    systems = list(dict.fromkeys(system for _, dots in groups for system, _ in dots))

    def paint(axes: Axes, narrow: bool) -> None:
        step = 0.7 / max(len(systems), 1)
        for row, (_, dots) in enumerate(groups):
            for system, estimate in dots:
                _dot(axes, estimate, row - 0.35 + step * (systems.index(system) + 0.5), system, small=True)
        _rows(axes, [challenger for challenger, _ in groups])
        axes.axvline(0, color=MUTED, linewidth=1)
        _legend(axes, systems, narrow)
        _percent_axis(axes.xaxis)

    seen = "; ".join(
        f"{c}: " + ", ".join(f"{wording.name(s)} {wording.rate(e)}" for s, e in dots) for c, dots in groups
    )
    height = 0.9 + len(groups) * (0.2 + 0.13 * len(systems))
    return draw.figure("pushback", title, seen, height, paint)


def differences(rows: Labelled, title: str) -> Figure:
    """Paired differences with their intervals around zero."""

    def paint(axes: Axes, narrow: bool) -> None:
        for row, (_, difference) in enumerate(rows):
            _dot(axes, difference, row, "", tint=INK)
        _rows(axes, [label for label, _ in rows])
        axes.axvline(0, color=MUTED, linewidth=1)
        reach = 100 * max(max(abs(d.low), abs(d.high)) for _, d in rows) + 2
        axes.set_xlim(-reach, reach)
        axes.set_xlabel("percentage points")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.points(value / 100).removesuffix(".0")))

    seen = "; ".join(f"{label} {wording.points(d.value)} points" for label, d in rows)
    return draw.figure("differences", title, seen, 0.9 + 0.3 * len(rows), paint)


def _bounds(point: Point) -> tuple[float, float]:
    return point.recall.low, point.recall.high


def _dot(axes: Axes, estimate: Estimate, row: float, system: str, *, small: bool = False, tint: str = "") -> None:
    if not estimate.n or math.isnan(estimate.value):
        return
    tint = tint or draw.colour(system)
    axes.plot([100 * estimate.low, 100 * estimate.high], [row, row], color=tint, linewidth=1.6, solid_capstyle="round")
    shape = draw.marker(system) if system else "o"
    axes.plot([100 * estimate.value], [row], shape, color=tint, markersize=5 if small else 7)


def _cross(axes: Axes, x: Estimate, y: Estimate, system: str) -> None:
    tint = draw.colour(system)
    axes.plot([100 * x.low, 100 * x.high], [100 * y.value] * 2, color=tint, linewidth=1.2, alpha=0.7)
    axes.plot([100 * x.value] * 2, [100 * y.low, 100 * y.high], color=tint, linewidth=1.2, alpha=0.7)
    axes.plot([100 * x.value], [100 * y.value], draw.marker(system), color=tint, markersize=7)


def _legend(axes: Axes, systems: Sequence[str], narrow: bool) -> None:
    for system in systems:
        axes.plot([], [], draw.marker(system), color=draw.colour(system), label=wording.name(system), markersize=5)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3 if narrow else 6, handletextpad=0.2, borderpad=0.1)


def _reach(estimates: Iterable[Estimate]) -> float:
    """The end of an axis: the next multiple of 20 % beyond every interval."""
    return min(100, 20 * math.ceil(5 * max(estimate.high for estimate in estimates))) + 3


def _rows(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
    axes.tick_params(axis="y", labelcolor=INK)


def _percent_axis(axis: object) -> None:
    formatter = FuncFormatter(lambda value, _: f"{value:g}\u202f%".replace("-", "\u2212"))
    axis.set_major_formatter(formatter)  # type: ignore[attr-defined]
