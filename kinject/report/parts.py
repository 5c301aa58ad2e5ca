"""The parts that a report is made of: sections of plain text, tables and figures, the same for HTML and Markdown."""

from dataclasses import dataclass, replace
from typing import Literal

from kinject.report import wording
from kinject.types import Estimate


@dataclass(frozen=True)
class Cell:
    """`detail` is the small print below the text (interval, n); `bar` in [0, 1] draws a bar below it.

    `shade` in [0, 1] is how good the number is, and tints the cell of a heat map.
    """

    text: str
    detail: str = ""
    bar: float | None = None
    best: bool = False
    shade: float | None = None

    @property
    def plain(self) -> str:
        return f"{self.text} {self.detail}".strip()


@dataclass(frozen=True)
class Table:
    """The first column of every row is its heading.

    `look`: "numbers" has bars and small print below each number, "compact" has neither bars nor second lines,
    "words" is a list of terms and texts, "heat" tints its cells. `folded`: long, and opened on demand.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    look: Literal["numbers", "compact", "words", "heat"] = "numbers"
    folded: bool = False


@dataclass(frozen=True)
class Figure:
    """One drawing in two widths; `title` names it and `description` says what a reader would see in it."""

    id: str
    title: str
    description: str
    wide: str
    narrow: str


@dataclass(frozen=True)
class Turn:
    """What was said in a dialogue of a failure; `mark` is the verdict on an answer."""

    speaker: str
    text: str
    mark: str = ""


@dataclass(frozen=True)
class Failure:
    """`id` names the record and is its anchor in the page; `record` says where it lies in the run's folder."""

    id: str
    record: str
    headline: str
    system: str
    turns: tuple[Turn, ...]
    expected: str
    others: str
    evidence: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Section:
    """Read from top to bottom: a lead that states the finding, the figure, its table, then notes."""

    id: str
    title: str
    lead: tuple[str, ...] = ()
    figure: Figure | None = None
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()


def rate_cell(estimate: Estimate, best: bool = False) -> Cell:
    """A share with its interval and n; "no data" where nothing was observed."""
    text = wording.rate(estimate)
    if text == wording.NO_DATA:
        return Cell(text, f"n {estimate.n}")
    return Cell(wording.percent(estimate.value), f"{wording.interval(estimate)} n {estimate.n}", estimate.value, best)


def heat_cell(estimate: Estimate, good: int, best: bool = False) -> Cell:
    """A share that is tinted by how good it is: `good` is -1 where less is better."""
    cell = rate_cell(estimate, best)
    shade = cell.bar if cell.bar is None or good > 0 else 1 - cell.bar
    return replace(cell, bar=None, shade=shade)


def points_cell(difference: Estimate) -> Cell:
    """A difference of shares in percentage points."""
    bounds = f"[{wording.points(difference.low)}, {wording.points(difference.high)}] " if difference.n else ""
    return Cell(wording.points(difference.value), f"{bounds}n {difference.n}")


def score_cell(estimate: Estimate) -> Cell:
    """A plain number with its interval and n."""
    value, _, bounds = wording.score(estimate).partition(" [")
    return Cell(value, f"{f'[{bounds} ' if bounds else ''}n {estimate.n}")


def heading(system: str) -> Cell:
    return Cell(wording.name(system))
