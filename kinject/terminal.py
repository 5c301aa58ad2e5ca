"""What the command line shows: progress with an estimate of the time left, the result table, lists and answers.

On a terminal progress is one live bar a stage; anywhere else it is plain lines, now and then. It computes no result.
"""

import ast
import importlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.table import Table

from kinject import plugins
from kinject.progress import Step
from kinject.types import Answer

LINE_EVERY_S = 10.0
# The columns of the table at the end of a study: title, probe family, metric.
COLUMNS = (
    ("recall", "recall", "accuracy"),
    ("temporal", "temporal", "accuracy"),
    ("hallucination", "unanswerable", "hallucination"),
    ("over-refusal", "unanswerable", "over_refusal"),
    ("flips", "pushback", "flip_rate"),
)


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


def results(run: Path) -> Table:
    """The short table of a run: a row a system, a column a question, each share with its 95 % interval."""
    from kinject.report.results import read
    from kinject.report.wording import name, rate

    found = read(run)
    table = Table(title=f"{found.corpus.name}: share of probes, 95 % intervals", title_justify="left")
    table.add_column("system", no_wrap=True)
    for title, _, _ in COLUMNS:
        table.add_column(title, justify="right", no_wrap=True)
    for system in found.systems:
        table.add_row(name(system), *(rate(found.estimate(system, kind, metric)) for _, kind, metric in COLUMNS))
    return table


def plugin_list() -> dict[str, dict[str, str]]:
    """What there is to name on the command line: kind -> name -> one line. Imports no plugin."""
    kinds = {"systems": "kinject.systems", "probes": "kinject.probes", "formats": "kinject.corpus.formats"}
    return {kind: {name: _summary(package, name) for name in plugins.names(package)} for kind, package in kinds.items()}


def answer_lines(system: str, answer: Answer) -> Iterable[str]:
    """An answer as a reader sees it, with what it rests on; invisible characters are spelled out."""
    from kinject.report.wording import seconds, visible

    cost = f"{answer.usage.model_calls} model calls, {seconds(answer.usage.seconds)}"
    yield f"{system}: {visible(answer.text)}"
    yield f"  confidence {answer.confidence:.2f} ({answer.confidence_method}), {cost}"
    for evidence in answer.evidence:
        score = "" if evidence.score is None else f" ({evidence.score:.3f})"
        yield f"  [{visible(evidence.source)}]{score} {visible(' '.join(evidence.text.split()))}"


def indented(rows: dict[str, str]) -> Sequence[str]:
    width = max(map(len, rows), default=0)
    return [f"  {name:<{width}}  {text}".rstrip() for name, text in rows.items()]


def _summary(package: str, name: str) -> str:
    """The first line of a plugin's docstring, read without importing it."""
    for folder in importlib.import_module(package).__path__:
        for path in (Path(folder) / f"{name}.py", Path(folder) / name / "__init__.py"):
            if path.is_file():
                text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
                return text.partition("\n")[0]
    return ""


def _line(step: Step, left_s: float) -> str:
    parts = (f"{step.stage} {step.done}/{step.total}", "" if step.done >= step.total else _left(left_s), step.note)
    return "  ".join(part for part in parts if part)


def _left(left_s: float) -> str:
    if math.isnan(left_s):
        return ""
    minutes, seconds = divmod(round(left_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"eta {hours}:{minutes:02}:{seconds:02}" if hours else f"eta {minutes}:{seconds:02}"
