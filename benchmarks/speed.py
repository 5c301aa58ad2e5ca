"""How fast a run's systems are built, trained and asked, each beside what limits it.

    python -m benchmarks.speed runs/catalog
    python -m benchmarks.speed runs/catalog --url http://127.0.0.1:8000     (after: kinject serve runs/catalog)
    python -m benchmarks.speed runs/catalog --only build,load --questions 600

Training: tokens a second, and the useful FLOP/s as a share of this machine's matmul rate on the model's own shapes.
Load: questions a second alone and from 16 callers, as a ratio within this run. Build: seconds from corpus to system.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from benchmarks import load, training
from benchmarks.output import RESULTS, Table, guarded, publish
from benchmarks.probing import CALLERS, chosen, positive
from kinject import plugins
from kinject.errors import ModelError, OptionError
from kinject.lm.local import LocalLM
from kinject.study import Run, open_run
from kinject.types import Probe

PARTS = ("training", "load", "build")
TRAINED = "sft"
SYSTEMS = "kinject.systems"


@dataclass(frozen=True)
class Build:
    """`first_s` includes loading what the process has not loaded yet (an embedder); `again_s` does not."""

    system: str
    first_s: float
    again_s: float
    documents: int
    facts: int


def main(argv: Sequence[str] | None = None) -> None:
    options = _arguments().parse_args(argv)
    wanted = _parts(options.only)
    run = open_run(options.run)
    systems = chosen(run, options.system)
    content: dict[str, Any] = {"seed": options.seed}
    tables: list[Table] = []
    if "training" in wanted and TRAINED in systems:
        trained = _train(run, options.epochs)
        content["training"] = asdict(trained)
        tables.append(_training_table(trained))
    if "build" in wanted:
        builds = [_build(run, name) for name in systems if name != TRAINED]
        content["build"] = [asdict(build) for build in builds]
        tables.append(_build_table(builds))
    if "load" in wanted:
        content["load"] = _loads(run, systems, options)
        tables.append(_load_table(content["load"]))
    publish("speed", run, content, tables, options.out, date.today())


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a finished run, such as runs/catalog")
    parser.add_argument("--system", action="append", metavar="NAME", help="only this system; may be repeated")
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts, by comma (default: {','.join(PARTS)})")
    parser.add_argument("--url", help="also measure the service that answers here")
    parser.add_argument("--questions", type=positive, default=400, help="a system (default 400)")
    parser.add_argument("--pairs", type=positive, default=5, help="blocks alone and together (default 5)")
    parser.add_argument("--callers", type=positive, default=CALLERS, help=f"at once (default {CALLERS})")
    parser.add_argument("--epochs", type=positive, default=1, help="of training (default 1)")
    parser.add_argument("--seed", type=int, default=1, help="of the questions (default 1)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON (default: benchmarks/results)")
    return parser


def _parts(text: str) -> set[str]:
    parts = set(text.split(","))
    if parts - set(PARTS):
        raise OptionError(f"--only {text!r}: expected some of {', '.join(PARTS)}")
    return parts


def _train(run: Run, epochs: int) -> training.Training:
    if not isinstance(run.model, LocalLM):
        raise ModelError(f"{run.model.info.name} has no weights on this machine to train")
    return training.measure(run.corpus, run.model, _config(run, TRAINED), epochs)


def _build(run: Run, name: str) -> Build:
    def timed() -> float:
        with tempfile.TemporaryDirectory(prefix="kinject-speed-") as folder:
            started = time.perf_counter()
            plugins.load(SYSTEMS, name).build(run.corpus, Path(folder), run.model, _config(run, name))
            return time.perf_counter() - started

    return Build(name, timed(), timed(), len(run.corpus.documents), len(run.corpus.facts))


def _config(run: Run, name: str) -> Any:
    """The options that the study used."""
    return TypeAdapter(plugins.load(SYSTEMS, name).Config).validate_python(run.manifest["systems"][name])


def _loads(run: Run, systems: Sequence[str], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Each way of asking gets the same questions, none of them twice."""
    asked = questions(run, options.questions, options.seed)
    rows = []
    for name in systems:
        found = {"in process": load.measure(run.system(name).ask, asked, options.callers, options.pairs)}
        if options.url:
            with load.Service(options.url, name) as service:
                found["http"] = load.measure(service.ask, asked, options.callers, options.pairs)
        rows += [{"system": name, "way": way, "callers": options.callers, **asdict(one)} for way, one in found.items()]
    return rows


def questions(run: Run, n: int, seed: int) -> list[str]:
    """Different recall questions, at most n: a question asked again would be answered from memory."""
    made: list[Probe] = plugins.load("kinject.probes", "recall").make(run.corpus, n, random.Random(seed))
    found = list(dict.fromkeys(probe.question for probe in made))[:n]
    random.Random(seed).shuffle(found)
    return found


def _training_table(found: training.Training) -> Table:
    row = (
        f"{found.tokens_per_s:,.0f}",
        f"{found.flop_per_token / 1e6:.1f} M",
        f"{found.matmul_flop_per_s / 1e9:.0f} GFLOP/s {found.dtype}",
        f"{100 * found.share:.0f} %",
        str(found.tokens),
    )
    columns = ("tokens/s", "FLOP a token", "matmul rate here", "share of it", "tokens measured")
    return Table("sft training", columns, (row,))


def _build_table(found: Sequence[Build]) -> Table:
    rows = tuple((b.system, f"{b.first_s:.2f}", f"{b.again_s:.2f}", str(b.documents), str(b.facts)) for b in found)
    return Table("build", ("system", "first, s", "again, s", "documents", "facts"), rows)


def _load_table(rows: Sequence[dict[str, Any]]) -> Table:
    columns = (
        "system",
        "way",
        "alone, 1/s",
        "together, 1/s",
        "ratio",
        "p50 / p95 alone, ms",
        "p50 / p95 together, ms",
        "n",
    )
    return Table(
        f"questions a second, alone and from {rows[0]['callers']} callers", columns, tuple(map(_load_row, rows))
    )


def _load_row(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["system"],
        row["way"],
        f"{row['alone']:.1f}",
        f"{row['together']:.1f}",
        f"{row['ratio']:.1f} [{row['ratio_low']:.1f}, {row['ratio_high']:.1f}]",
        f"{1000 * row['alone_p50_s']:.0f} / {1000 * row['alone_p95_s']:.0f}",
        f"{1000 * row['together_p50_s']:.0f} / {1000 * row['together_p95_s']:.0f}",
        str(row["questions"]),
    )


if __name__ == "__main__":
    sys.exit(guarded(main))
