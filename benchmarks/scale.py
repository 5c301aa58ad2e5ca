"""How import, the index and the graph grow with the number of products, and whether `kinject plan` foresees it.

    python -m benchmarks.scale --products 2000
    python -m benchmarks.scale --products 50000 --stages import,kg

Each stage runs in a process of its own: seconds are of the stage alone, memory is the peak of that process. The plan is
made first, in a process of its own too, from samples of the same table.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks import products
from benchmarks.output import RESULTS, Table, guarded, machine
from benchmarks.probing import positive
from kinject import corpus as corpora
from kinject.errors import OptionError
from kinject.store import write_whole

GIB = 2**30
TABLE, CORPUS = "products.csv", "corpus"
PLAN = "plan"
# Answers are not what is compared here.
ASKED = ("recall=4", "temporal=4", "unanswerable=4", "pushback=1", "injection=1")
# What the plan calls a stage.
FORESEEN = {"import": "import", "rag": "build rag", "kg": "build kg"}


@dataclass(frozen=True)
class Measured:
    """`rate` is rows, passages or facts a second."""

    stage: str
    seconds: float
    peak_bytes: float
    units: int
    unit: str

    @property
    def rate(self) -> float:
        return self.units / self.seconds


def main(argv: Sequence[str] | None = None) -> None:
    options = _arguments().parse_args(argv)
    wanted = options.stages.split(",")
    if options.child:
        folder = Path(options.folder)
        print(json.dumps(_plan(folder, wanted) if options.child == PLAN else CHILDREN[options.child](folder)))
        return
    if unknown := set(wanted) - set(FORESEEN):
        raise OptionError(f"--stages {options.stages!r}: {min(unknown)!r} is none of {', '.join(FORESEEN)}")
    with tempfile.TemporaryDirectory(prefix="kinject-scale-") as scratch:
        folder = Path(options.folder or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        products.write(folder / TABLE, options.products, options.seed)
        plan = _child(PLAN, folder, options.stages)
        # Whatever is measured needs the corpus that import writes.
        measured = [Measured(**_child(stage, folder)) for stage in dict.fromkeys(["import", *wanted])]
    print(_table(options.products, measured, plan).markdown())
    row = {
        "schema": 1,
        "benchmark": "scale",
        "day": date.today().isoformat(),
        "products": options.products,
        "seed": options.seed,
        "machine": machine(),
        "measured": [{**asdict(one), "rate": one.rate} for one in measured],
        "plan": plan,
        "predicted_over_measured": {one.stage: _ratios(one, plan) for one in measured},
    }
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"scale-{options.products}.json"
    write_whole(path, json.dumps(row, ensure_ascii=False, indent=1) + "\n")
    print(f"wrote {path}")


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=positive, default=50_000, help="rows of the table (default 50,000)")
    parser.add_argument("--stages", default=",".join(FORESEEN), help=f"by comma (default: {','.join(FORESEEN)})")
    parser.add_argument("--seed", type=int, default=0, help="of the table (default 0)")
    parser.add_argument("--folder", help="keep the table and the corpus here")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON (default: benchmarks/results)")
    parser.add_argument("--child", choices=[PLAN, *CHILDREN], help=argparse.SUPPRESS)
    return parser


def _child(stage: str, folder: Path, stages: str = "import") -> dict[str, Any]:
    words = [sys.executable, "-m", "benchmarks.scale", "--child", stage, "--folder", str(folder), "--stages", stages]
    output = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def _plan(folder: Path, stages: Sequence[str]) -> dict[str, Any]:
    from kinject.forecast import Wanted, forecast

    systems = tuple(stage for stage in stages if stage != "import") or ("kg",)
    return asdict(forecast(Wanted(folder / TABLE, "name", systems=systems, settings=ASKED)))


def _import(folder: Path) -> dict[str, Any]:
    from kinject import intake
    from kinject.corpus.importing import DEFAULT

    def work() -> int:
        planned = intake.planned(folder / TABLE, folder / CORPUS, "products", "name", DEFAULT)
        intake.write(planned, folder / CORPUS)
        return len(planned.documents)

    return _measured("import", "rows", work)


def _rag(folder: Path) -> dict[str, Any]:
    from kinject.systems import rag

    found, model = corpora.load(folder / CORPUS), _model()
    return _measured("rag", "passages", lambda: len(rag.build(found, folder / "rag", model, rag.Config()).index.chunks))


def _kg(folder: Path) -> dict[str, Any]:
    from kinject.systems import kg

    found, model = corpora.load(folder / CORPUS), _model()

    def work() -> int:
        kg.build(found, folder / "kg", model, kg.Config())
        return len(found.facts)

    return _measured("kg", "facts", work)


def _model() -> Any:
    from kinject.lm import open_model

    return open_model("mini")


def _measured(stage: str, unit: str, work: Callable[[], int]) -> dict[str, Any]:
    started = time.perf_counter()
    units = work()
    seconds = time.perf_counter() - started
    peak = 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return asdict(Measured(stage, seconds, peak, units, unit))


CHILDREN: dict[str, Callable[[Path], dict[str, Any]]] = {"import": _import, "rag": _rag, "kg": _kg}


def _foreseen(stage: str, plan: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in plan["stages"] if one["name"] == FORESEEN[stage])
    return found


def _ratios(one: Measured, plan: dict[str, Any]) -> dict[str, float]:
    foreseen = _foreseen(one.stage, plan)
    return {"seconds": foreseen["seconds"] / one.seconds, "memory": foreseen["memory_bytes"] / one.peak_bytes}


def _table(count: int, measured: Sequence[Measured], plan: dict[str, Any]) -> Table:
    rows = []
    for one in measured:
        foreseen, ratio = _foreseen(one.stage, plan), _ratios(one, plan)
        seconds = (f"{one.seconds:.1f} s", f"{foreseen['seconds']:.1f} s", f"{ratio['seconds']:.2f}")
        memory = (f"{one.peak_bytes / GIB:.2f} GiB", f"{foreseen['memory_bytes'] / GIB:.2f} GiB")
        rows.append((one.stage, *seconds, *memory, f"{ratio['memory']:.2f}", f"{one.rate:,.0f} {one.unit}/s"))
    columns = ("stage", "seconds", "foreseen", "ratio", "peak memory", "foreseen", "ratio", "rate")
    return Table(f"{count:,} products x 8 attributes; plan made in {plan['calibration_s']:.0f} s", columns, tuple(rows))


if __name__ == "__main__":
    sys.exit(guarded(main))
