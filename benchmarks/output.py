"""What every benchmark leaves behind: a table on the terminal and a JSON file with what it was measured on."""

import json
import math
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

from kinject.errors import KinjectError
from kinject.store import write_whole
from kinject.types import Estimate

RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("kinject", "torch", "transformers", "faiss-cpu", "langchain", "networkx")


@dataclass(frozen=True)
class Table:
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        cells = [self.columns, tuple("---" for _ in self.columns), *self.rows]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.columns))]
        lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in cells]
        return "\n".join([f"### {self.title}", "", *lines, ""])


def publish(name: str, run: Any, content: dict[str, Any], tables: Sequence[Table], out: Path, day: date) -> Path:
    """Print the tables and write `out`/NAME-CORPUS.json whole."""
    for table in tables:
        print(table.markdown())
    row = {
        "schema": 1,
        "benchmark": name,
        "day": day.isoformat(),
        "corpus": {"name": run.corpus.name, "fingerprint": run.corpus.fingerprint()},
        "model": run.manifest.get("model"),
        "machine": machine(),
        **content,
    }
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}-{run.corpus.name}.json"
    write_whole(path, json.dumps(_plain(row), indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    print(f"wrote {path}")
    return path


def machine() -> dict[str, Any]:
    """What decides speed, and how busy the machine was: a figure from a loaded machine says so."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in _PACKAGES},
        "load_average": os.getloadavg()[0],
    }


def rate(estimate: Estimate) -> str:
    """83.0 % [79.1, 86.4] n 400."""
    if not estimate.n or math.isnan(estimate.value):
        return f"no data n {estimate.n}"
    value, low, high = (100 * number for number in (estimate.value, estimate.low, estimate.high))
    return f"{value:.1f} % [{low:.1f}, {high:.1f}] n {estimate.n}"


def guarded(main: Callable[[], None]) -> int:
    """The outermost edge of a benchmark: a user's error is one line and exit code 2."""
    try:
        main()
    except KinjectError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _processor() -> str:
    """The name in /proc/cpuinfo where there is one: platform.processor() is empty on most of Linux."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _plain(value: Any) -> Any:
    """JSON has no NaN: the value of nothing is null."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
