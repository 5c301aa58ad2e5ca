"""What the figures have in common: dots and crosses with their intervals, rows of names, percent axes, the legend."""

import math
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from kinject.report import draw, wording
from kinject.report.draw import INK, RULE
from kinject.types import Estimate


def dot(axes: Axes, estimate: Estimate, row: float, system: str, *, small: bool = False, tint: str = "") -> None:
    if not estimate.n or math.isnan(estimate.value):
        return
    tint = tint or draw.colour(system)
    axes.plot([100 * estimate.low, 100 * estimate.high], [row, row], color=tint, linewidth=1.6, solid_capstyle="round")
    shape = draw.marker(system) if system else "o"
    axes.plot([100 * estimate.value], [row], shape, color=tint, markersize=5 if small else 7)


def seeds(axes: Axes, shares: Sequence[float], row: float, system: str) -> None:
    """What each training gave, as hollow dots below the mean of all."""
    if len(shares) > 1:
        tint = draw.colour(system)
        places = [100 * share for share in shares]
        axes.plot(places, [row + 0.3] * len(places), "o", color=tint, markerfacecolor="none", markersize=4)


def cross(axes: Axes, x: Estimate, y: Estimate, system: str) -> None:
    tint = draw.colour(system)
    axes.plot([100 * x.low, 100 * x.high], [100 * y.value] * 2, color=tint, linewidth=1.2, alpha=0.7)
    axes.plot([100 * x.value] * 2, [100 * y.low, 100 * y.high], color=tint, linewidth=1.2, alpha=0.7)
    axes.plot([100 * x.value], [100 * y.value], draw.marker(system), color=tint, markersize=7)


def legend(axes: Axes, systems: Sequence[str]) -> None:
    """What the legend above the figure says of each system's mark and colour."""
    for system in systems:
        axes.plot([], [], draw.marker(system), color=draw.colour(system), label=wording.name(system), markersize=5)


def reach(estimates: Iterable[Estimate]) -> float:
    """The end of an axis: the next multiple of 20 % beyond every interval."""
    return min(100, 20 * math.ceil(5 * max(estimate.high for estimate in estimates))) + 3


def rows(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
    axes.tick_params(axis="y", labelcolor=INK)


def percent_axis(axis: object) -> None:
    formatter = FuncFormatter(lambda value, _: f"{value:g}\u202f%".replace("-", "\u2212"))
    axis.set_major_formatter(formatter)  # type: ignore[attr-defined]
