"""matplotlib to inline SVG that takes its colours and its font from the page, in a wide and a narrow cut.

Knows how to draw, not what: the figures are in `figures`.
"""

import io
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas

from kinject.report.parts import Figure

# Stand-ins that become the page's own colours, so that one drawing serves light, dark and print.
INK, MUTED, RULE = "#00fd01", "#00fd02", "#00fd03"
_TOKENS = {INK: "var(--ink)", MUTED: "var(--muted)", RULE: "var(--rule)"}
_SYSTEMS = {
    name: f"#00fe{n:02x}"
    for n, name in enumerate(("closed_book", "sft", "rag", "kg", "hybrid", "long_context", "oracle"))
}
_OTHER = [f"#00ff{n:02x}" for n in range(4)]
_MARKERS = {"closed_book": "X", "sft": "s", "rag": "D", "kg": "^", "hybrid": "P", "long_context": "v", "oracle": "o"}
_WIDE_IN, _NARROW_IN = 7.2, 3.7
_WIDE_PANELS, _NARROW_PANELS = 3, 2
# Of a legend: the width of a character, and in characters that of a mark with the space around it.
_CHARACTER_IN, _MARK = 0.068, 5
_STYLE: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 9.5,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.major.pad": 6,
    "ytick.major.pad": 6,
    "legend.frameon": False,
}

Paint = Callable[[Axes, bool], None]


def colour(system: str) -> str:
    """A system has one colour in every figure; the page defines it as --s-name."""
    return _SYSTEMS.get(system) or _OTHER[sum(system.encode()) % len(_OTHER)]


def css_colour(system: str) -> str:
    return _css(colour(system))


def marker(system: str) -> str:
    """Colour is never the only sign."""
    return _MARKERS.get(system, "p")


def figure(id: str, title: str, description: str, height_in: float, paint: Paint) -> Figure:
    """`paint(axes, narrow)` is called for each of the two cuts."""
    return panels(id, title, description, height_in, (paint,))


def panels(id: str, title: str, description: str, height_in: float, paints: Sequence[Paint]) -> Figure:
    """Small multiples on the same axes, row by row; `height_in` is that of a row."""
    wide, narrow = (_svg(f"{id}-{cut}", cut == "narrow", height_in, paints) for cut in ("wide", "narrow"))
    return Figure(id, title, description, wide, narrow)


def _svg(id: str, narrow: bool, height_in: float, paints: Sequence[Paint]) -> str:
    out = io.StringIO()
    columns = min(len(paints), _NARROW_PANELS if narrow else _WIDE_PANELS)
    rows = math.ceil(len(paints) / columns)
    with rc_context({**_STYLE, "svg.hashsalt": id}):
        canvas = Canvas(figsize=(_NARROW_IN if narrow else _WIDE_IN, height_in * rows), layout="constrained")
        FigureCanvasSVG(canvas)
        grid = canvas.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat
        for number, (axes, paint) in enumerate(zip(grid, paints, strict=False)):
            paint(axes, narrow)
            # Shared axes have their numbers in the last row, which need not be full.
            axes.tick_params(labelbottom=number + columns >= len(paints))
        for axes in grid[len(paints) :]:
            axes.set_axis_off()
        _legend(canvas, narrow)
        canvas.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return _adopt(out.getvalue(), id)


def _legend(canvas: Canvas, narrow: bool) -> None:
    """One for all panels, of whatever has a label in any of them."""
    found: dict[str, Any] = {}
    for axes in canvas.axes:
        found |= {str(label): handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    if found:
        columns = int((_NARROW_IN if narrow else _WIDE_IN) / _CHARACTER_IN / (max(map(len, found)) + _MARK))
        place: Any = {"loc": "outside upper left", "handletextpad": 0.3, "borderpad": 0.6, "columnspacing": 1.2}
        canvas.legend(found.values(), found.keys(), ncols=max(columns, 1), **place)


def _adopt(svg: str, id: str) -> str:
    """Drop what a file of its own needs (prologue, metadata, style, ids); take colours and font from the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="(?![mp][0-9a-f]{10}")[^"]*"', "", svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    svg = re.sub(r' width="[\d.]+pt" height="[\d.]+pt"', ' aria-hidden="true" focusable="false"', svg, count=1)
    svg = re.sub(r"#00f[def][0-9a-f]{2}", lambda found: _css(found[0]), svg)
    # A hundredth of a point is finer than any screen or printer.
    svg = re.sub(r' (?:d|x|y|transform)="[^"]*"', lambda found: re.sub(r"(\.\d\d)\d+", r"\1", found[0]), svg)
    return re.sub(r"\s*\n\s*", " ", svg)


def _css(token: str) -> str:
    if token in _TOKENS:
        return _TOKENS[token]
    named = {value: name for name, value in _SYSTEMS.items()}.get(token)
    return f"var(--s-{named})" if named else f"var(--s-other-{_OTHER.index(token)})"
