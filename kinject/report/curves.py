"""Figures of lines: errors against coverage, and whatever goes on from round to round of a dialogue."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes

from kinject.report import draw, marks, wording
from kinject.report.draw import Paint
from kinject.report.parts import Figure
from kinject.types import Estimate

_DODGE = 0.05
_DASHES = (0, (3, 2))
_ROW_IN = 2.3


@dataclass(frozen=True)
class Coverage:
    """`points` are (share of the questions that get an answer, share of errors among these), the surest first."""

    system: str
    label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Line:
    """One system's estimate at every place of a dialogue, from the first answer on."""

    system: str
    places: tuple[Estimate, ...]
    dashed: bool = False

    @property
    def seen(self) -> str:
        told = [place for place in self.places if place.n]
        ends = f" from {told[0].value:.2f} to {told[-1].value:.2f}" if told else " nothing"
        return f"{wording.name(self.system)}{' (control)' if self.dashed else ''}{ends}"


@dataclass(frozen=True)
class Panel:
    title: str
    lines: tuple[Line, ...]


def risk(curves: Sequence[Coverage]) -> Figure:
    """Errors among the answers that are given, as ever less sure ones are let in; the mark is at all answers."""

    def paint(axes: Axes, narrow: bool) -> None:
        for curve in curves:
            tint = draw.colour(curve.system)
            x, y = zip(*((100 * coverage, 100 * risk) for coverage, risk in curve.points), strict=True)
            axes.plot(x, y, color=tint, linewidth=1.5)
            shape = draw.marker(curve.system)
            axes.plot(x[-1:], y[-1:], shape, color=tint, markersize=6, label=curve.label)
        axes.set_xlim(0, 103)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("share of all questions answered, the surest first")
        axes.set_ylabel("errors among the answers")
        marks.percent_axis(axes.xaxis)
        marks.percent_axis(axes.yaxis)

    ends = ((curve.label, *map(wording.percent, curve.points[-1])) for curve in curves)
    seen = "; ".join(f"{label}, {errors} errors at {answered} answered" for label, answered, errors in ends)
    return draw.figure("risk", "Errors against coverage", seen, 3.3, paint)


def by_round(id: str, title: str, panels: Sequence[Panel], ticks: Sequence[str], percent: bool) -> Figure:
    """A panel each with one line a system, solid or dashed; `ticks` name the places."""
    systems = list(dict.fromkeys(line.system for panel in panels for line in panel.lines))
    shared = _Rounds(tuple(systems), tuple(ticks), percent)
    paints: list[Paint] = [partial(shared.paint, panel) for panel in panels]
    seen = "; ".join(f"{panel.title}: {', '.join(line.seen for line in panel.lines)}" for panel in panels)
    return draw.panels(id, title, seen, _ROW_IN, paints)


@dataclass(frozen=True)
class _Rounds:
    """What the panels of a figure have in common."""

    systems: tuple[str, ...]
    ticks: tuple[str, ...]
    percent: bool

    def paint(self, panel: Panel, axes: Axes, narrow: bool) -> None:
        for line in panel.lines:
            self._line(axes, line)
        marks.legend(axes, self.systems)
        axes.set_title(panel.title, fontsize=9.5, loc="left")
        axes.set_xticks(range(len(self.ticks)), self.ticks)
        axes.grid(visible=False, axis="x")
        if self.percent:
            axes.set_ylim(top=103)
            marks.percent_axis(axes.yaxis)

    def _line(self, axes: Axes, line: Line) -> None:
        # Systems stand side by side, or those that agree would hide each other.
        shift = _DODGE * (self.systems.index(line.system) - (len(self.systems) - 1) / 2)
        scale, tint = 100 if self.percent else 1, draw.colour(line.system)
        told = [(n + shift, place) for n, place in enumerate(line.places) if place.n]
        x, y = [n for n, _ in told], [scale * place.value for _, place in told]
        if line.dashed:
            axes.plot(x, y, color=tint, linestyle=_DASHES, linewidth=1.3, alpha=0.7)
            return
        axes.plot(x, y, color=tint, marker=draw.marker(line.system), markersize=4, linewidth=1.3)
        # One path for all intervals of a line: a figure of many is small enough to mail.
        known = [(n, p) for n, p in told if math.isfinite(p.low) and math.isfinite(p.high)]
        ends = [(n, scale * bound) for n, place in known for bound in (place.low, place.high, math.nan)]
        if ends:
            axes.plot(*zip(*ends, strict=True), color=tint, linewidth=0.9, alpha=0.6)
