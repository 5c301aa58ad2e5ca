"""What the command line shows: progress with an estimate of the time left, the result table, lists and answers.

On a terminal progress is one live bar a stage; anywhere else it is plain lines, now and then. It computes no result.
"""

import json
import math
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.table import Table

from kinject import plugins
from kinject.progress import Step

if TYPE_CHECKING:
    from kinject.confidence import Gated
    from kinject.diff import Diff
    from kinject.forecast import Budget, Forecast
    from kinject.lab.exam import Result

LINE_EVERY_S = 10.0
WIDE = 200  # columns
COSTS = (("build", "build_seconds"), ("answer", "seconds"))


class Pace:
    """Time left of one stage, from its last samples: a resumed stage starts far along, and that was not done now."""

    def __init__(self, samples: int = 50) -> None:
        self._samples: deque[tuple[float, int]] = deque(maxlen=samples)

    def left_s(self, now_s: float, done: int, total: int) -> float:
        """Seconds until `total` at the recent pace; NaN while nothing is known."""
        self._samples.append((now_s, done))
        first_s, first = self._samples[0]
        if done == first or now_s <= first_s:
            return math.nan
        return (total - done) * (now_s - first_s) / (done - first)


class Display:
    """A kinject.progress.Progress that draws. Use as a context manager; it may be called from any thread."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._clock = clock
        self._lock = threading.Lock()
        self._paces: dict[str, Pace] = {}
        self._tasks: dict[str, TaskID] = {}
        self._printed: dict[str, float] = {}
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            TextColumn("{task.fields[note]}", markup=False),
        )
        self._bars = Bars(*columns, console=self._console) if self._console.is_terminal else None

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.stop()

    def __call__(self, step: Step) -> None:
        with self._lock:
            now_s = self._clock()
            left_s = self._paces.setdefault(step.stage, Pace()).left_s(now_s, step.done, step.total)
            if self._bars:
                self._draw(self._bars, step, left_s)
            elif self._due(step, now_s):
                self._printed[step.stage] = now_s
                self._console.print(_line(step, left_s), markup=False, soft_wrap=True)

    def _draw(self, bars: Bars, step: Step, left_s: float) -> None:
        if step.stage not in self._tasks:
            self._tasks[step.stage] = bars.add_task(step.stage, total=step.total, left="", note="")
        left = "" if step.done >= step.total else _left(left_s)
        bars.update(self._tasks[step.stage], completed=step.done, total=step.total, left=left, note=step.note)

    def _due(self, step: Step, now_s: float) -> bool:
        last_s = self._printed.get(step.stage)
        return last_s is None or step.done >= step.total or now_s - last_s >= LINE_EVERY_S


def results(run: Path) -> str:
    """The short table of a run: a row a system, each share with its 95 % interval, and what an answer costs."""
    from kinject.report.results import read
    from kinject.report.wording import name, rate, seconds
    from kinject.study.listing import HEADLINES

    found = read(run)
    table = Table(
        title=f"{found.corpus.name}: shares of probes with 95 % intervals", title_justify="left", box=box.SIMPLE
    )
    for title in ("system", *(title for title, _, _ in HEADLINES), *(title for title, _ in COSTS)):
        table.add_column(title, justify="left" if title == "system" else "right")
    for system in found.systems:
        shares = (rate(found.estimate(system, kind, metric)) for _, kind, metric in HEADLINES)
        costs = (seconds(found.estimate(system, "cost", metric).value) for _, metric in COSTS)
        table.add_row(name(system), *shares, *costs)
    return _drawn(table)


def updated(run: Path) -> str:
    """What an update changed, a row a system."""
    from kinject.freshness.table import COLUMNS, cells, summary
    from kinject.store import JsonLines

    manifest = json.loads((run / "study.json").read_text(encoding="utf-8"))
    title = f"{manifest['corpus']['name']}: {summary(manifest)}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "system" else "right")
    for row in cells(manifest, JsonLines(run / "update.jsonl").rows()):
        table.add_row(*row)
    return _drawn(table)


def changes(found: "Diff", n: int) -> str:
    """What a second run gained and lost, a row a system and family, and the first n items that changed."""
    from kinject.diff.table import COLUMNS, NOTES, cells, gold, heading, left_out, remarks

    table = Table(box=box.SIMPLE)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("system", "family") else "right")
    for row in cells(found):
        table.add_row(*row)
    lines = [*remarks(found), _drawn(table), "", NOTES]
    for item in found.items[:n]:
        lines += ["", heading(item), f"  {_shown(item.probe.question)}", f"  gold: {_shown(gold(item))}"]
        lines += [f"  A: {_shown(item.answer_a)}", f"  B: {_shown(item.answer_b)}"]
    if more := left_out(found, n):
        lines += ["", more]
    return "\n".join(lines)


def forecast_table(found: "Forecast", budget: "Budget") -> str:
    """A row a stage, those over budget marked, and below what breaks first."""
    from kinject.report.wording import name, seconds, size

    title = f"{found.corpus} with {found.model}: {found.entities:,} entities, {found.facts:,} facts"
    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    for column in ("stage", "time", "memory", "disk", "over", "measured", "grows"):
        table.add_column(column, justify="right" if column in ("time", "memory", "disk") else "left")
    broken = found.broken(budget)
    for stage in found.stages:
        kind, _, system = stage.name.partition(" ")
        stands = [seconds(stage.seconds), size(stage.memory_bytes), size(stage.disk_bytes)]
        mark = "over" if stage in broken else ""
        table.add_row(f"{kind} {name(system)}".strip(), *stands, mark, stage.rate, stage.law)
    verdict = found.verdict(budget)
    return "\n".join([_drawn(table), "", *found.notes, verdict, f"calibrated in {found.calibration_s:.0f} s"])


def forecast_json(found: "Forecast", budget: "Budget") -> str:
    broken = found.broken(budget)
    stages = [
        {**row, "over": stage in broken} for stage, row in zip(found.stages, asdict(found)["stages"], strict=True)
    ]
    row = {**asdict(found), "stages": stages, "budget": asdict(budget), "verdict": found.verdict(budget)}
    return json.dumps(row, ensure_ascii=False, indent=1)


def scores(model: str, found: "Result") -> str:
    """The rows of an exam, each with its 95 % interval and which way is good."""
    from kinject.report.wording import rate, score

    caption = f"exam {found.fingerprint} of {model}: shares of lessons, and areas, with 95 % intervals"
    table = Table(title=caption, title_justify="left", box=box.SIMPLE)
    for title in ("ability", "difficulty", "share", "n", "good is"):
        table.add_column(title, justify="left" if title in ("ability", "difficulty") else "right")
    for row in found.scores:
        share = score(row.estimate) if row.is_area else rate(row.estimate)
        table.add_row(row.ability, row.difficulty, share, str(row.estimate.n), row.goal)
    return _drawn(table)


def plugin_list() -> dict[str, dict[str, str]]:
    """What there is to name on the command line: kind -> name -> one line. Imports no plugin."""
    kinds = {"systems": "kinject.systems", "probes": "kinject.probes", "formats": "kinject.corpus.formats"}
    return {
        kind: {name: plugins.summary(package, name) for name in plugins.names(package)}
        for kind, package in kinds.items()
    }


def answer_lines(system: str, gated: "Gated") -> Iterable[str]:
    """An answer as a reader sees it, with what it rests on; nothing that could steer the terminal."""
    answer = gated.answer
    cost = f"{answer.usage.model_calls} model calls, {1000 * answer.usage.seconds:.0f} ms"
    yield f"{system}: {_shown(answer.text)}"
    chance = "" if gated.calibrated is None else f", right with a chance of {gated.calibrated:.2f}"
    withheld = " and so withheld" if gated.withheld else ""
    yield f"  confidence {answer.confidence:.2f} ({answer.confidence_method}){chance}{withheld}, {cost}"
    for evidence in answer.evidence:
        score = "" if evidence.score is None else f" ({evidence.score:.3f})"
        states = ", states the answer" if evidence.supports else ""
        yield f"  [{_shown(evidence.source)}{states}]{score} {_shown(evidence.text)}"


def indented(rows: dict[str, str]) -> Sequence[str]:
    width = max(map(len, rows), default=0)
    return [f"  {name:<{width}}  {text}".rstrip() for name, text in rows.items()]


def _drawn(table: Table) -> str:
    """Cells wrap where a terminal is narrow; in a log or a pipe the table is as wide as it needs to be."""
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()).rstrip()


def _shown(text: str) -> str:
    """Text from a corpus or a model on one line; what cannot be printed becomes a replacement character."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))


def _line(step: Step, left_s: float) -> str:
    parts = (f"{step.stage} {step.done}/{step.total}", "" if step.done >= step.total else _left(left_s), step.note)
    return "  ".join(part for part in parts if part)


def _left(left_s: float) -> str:
    if math.isnan(left_s):
        return ""
    minutes, seconds = divmod(round(left_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"eta {hours}:{minutes:02}:{seconds:02}" if hours else f"eta {minutes}:{seconds:02}"
