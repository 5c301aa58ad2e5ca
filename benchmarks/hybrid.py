"""A blend beside its own parts: the same fresh probes to each, and the blend's lead over each part, paired.

    python -m benchmarks.hybrid runs/catalog --n 40
    python -m benchmarks.hybrid runs/catalog --set blend=router --set router_first=sft

What the run has built is taken from it. What a blend builds itself (a calibration, a trained reader) is kept in the
run's folder, below systems, under the blend's name.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.output import RESULTS, Table, guarded, publish, rate
from benchmarks.probing import positive, put
from kinject import plugins, stats
from kinject.grading import Grader
from kinject.options import as_dict, fill
from kinject.progress import silent
from kinject.report.compare import is_right
from kinject.report.wording import p_value
from kinject.store import record_to_row
from kinject.study import Run, open_run
from kinject.systems import hybrid
from kinject.systems.hybrid.parts import Site
from kinject.types import Estimate, Record, System

Row = dict[str, Any]
KINDS = ("recall", "temporal", "unanswerable")
ALL = "all"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a finished run, such as runs/catalog")
    parser.add_argument("--n", type=positive, default=40, help="probes a family")
    parser.add_argument("--seed", type=int, default=1, help="of the probes (default 1: not the study's 0)")
    parser.add_argument("--set", action="append", metavar="KEY=VALUE", dest="settings", help="an option of hybrid")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON (default: benchmarks/results)")
    chosen = parser.parse_args(argv)
    run, config = open_run(chosen.run), fill(hybrid.Config, chosen.settings or ())
    records = ask(run, opened(run, config), chosen.n, chosen.seed)
    rows = [row for kind in (*KINDS, ALL) for row in compared(records, config.blend, kind)]
    content = {"seed": chosen.seed, "options": as_dict(config), "rows": rows}
    content["records"] = [record_to_row(record) for record in records]
    publish(f"hybrid-{config.blend}", run, content, [table(rows, config.blend)], chosen.out, date.today())


def opened(run: Run, config: hybrid.Config) -> dict[str, System]:
    """The blend by its name, and its parts as it has them."""
    store = run.folder / "systems" / f"hybrid-{config.blend}"
    blend = hybrid.build(run.corpus, store, run.model, config)
    site = Site(run.corpus, store, run.model, config.parts, silent)
    parts = {"rag_kg": ("kg", "rag"), "router": (config.router_first, "rag"), "sft_rag": ("rag",)}[config.blend]
    return {config.blend: blend} | {part: site.part(part) for part in parts}


def ask(run: Run, systems: dict[str, System], n: int, seed: int) -> list[Record]:
    probes = [
        p for kind in KINDS for p in plugins.load("kinject.probes", kind).make(run.corpus, n, random.Random(seed))
    ]
    grader = Grader(run.corpus)
    return [record for name, system in systems.items() for record in put(system, name, probes, grader, seed)]


def compared(records: Sequence[Record], blend: str, kind: str) -> list[Row]:
    """A row a system: the share of right answers, and how far the blend leads it on the same probes."""
    of: dict[str, list[Record]] = {}
    for record in records:
        if kind in (record.probe.kind, ALL):
            of.setdefault(record.system, []).append(record)
    return [_row(of[blend], own, kind) for own in of.values()]


def table(rows: Sequence[Row], blend: str) -> Table:
    columns = ("probes", "system", "right", f"lead of {blend}, points", "only it right", "only the part", "p (McNemar)")
    return Table(f"{blend} and its parts", columns, tuple(_cells(row, blend) for row in rows))


def _row(blend: Sequence[Record], part: Sequence[Record], kind: str) -> Row:
    ours, theirs = [is_right(record) for record in blend], [is_right(record) for record in part]
    about = [record.probe.subject or record.probe.id for record in blend]
    only_ours = sum(a and not b for a, b in zip(ours, theirs, strict=True))
    only_theirs = sum(b and not a for a, b in zip(ours, theirs, strict=True))
    return {
        "probe": kind,
        "system": part[0].system,
        "right": asdict(stats.clustered_rate(list(map(float, theirs)), about)),
        "lead": asdict(stats.paired_difference(list(map(float, ours)), list(map(float, theirs)), about)),
        "only_blend": only_ours,
        "only_part": only_theirs,
        "p": stats.mcnemar(only_ours, only_theirs),
    }


def _cells(row: Row, blend: str) -> tuple[str, ...]:
    cells = (str(row["probe"]), str(row["system"]), rate(Estimate(**row["right"])))
    if row["system"] == blend:
        return (*cells, "", "", "", "")
    lead = Estimate(**row["lead"])
    points = f"{100 * lead.value:+.1f} [{100 * lead.low:+.1f}, {100 * lead.high:+.1f}]"
    return (*cells, points, str(row["only_blend"]), str(row["only_part"]), p_value(row["p"]).removeprefix("=\u00a0"))


if __name__ == "__main__":
    sys.exit(guarded(main))
