"""Metrics of probe families on a run: from its records, or from fresh probes put to its systems now.

The protocol is the study's: each question, then each turn of the user with the growing history.
"""

import argparse
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.output import RESULTS, Table, publish, rate
from kinject import plugins
from kinject.errors import OptionError
from kinject.grading import Grader
from kinject.probes.own import KIND as OWN
from kinject.store import record_to_row
from kinject.study import Run, open_run
from kinject.study.asking import converse, fitting
from kinject.types import Estimate, Probe, Record, System

CALLERS = 16
Row = dict[str, Any]


def arguments(description: str, kinds: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a finished run, such as runs/catalog")
    parser.add_argument("--n", type=positive, help="ask N fresh probes a family (default: use the run's records)")
    parser.add_argument("--seed", type=int, default=1, help="of the fresh probes (default 1: not the study's 0)")
    parser.add_argument("--system", action="append", metavar="NAME", help="only this system; may be repeated")
    parser.add_argument("--kind", action="append", metavar="KIND", help=f"probe family (default: {', '.join(kinds)})")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON (default: benchmarks/results)")
    return parser


def measure(name: str, description: str, kinds: Sequence[str], argv: Sequence[str] | None = None) -> None:
    """The whole of a probe benchmark's `main`."""
    options = arguments(description, kinds).parse_args(argv)
    run = open_run(options.run)
    systems = chosen(run, options.system)
    families = tuple(options.kind or kinds)
    if options.n and OWN in families:
        raise OptionError(
            f"--n makes fresh questions, and those of {OWN} are the user's: leave out --n or --kind {OWN}"
        )
    records = (
        fresh(run, systems, families, options.n, options.seed)
        if options.n
        else [r for r in run.records() if r.system in systems and r.probe.kind in families]
    )
    if not records:
        raise OptionError(
            f"{options.run} has no records of {', '.join(families)} for {', '.join(systems)}; try --n 100"
        )
    rows = summarize(records)
    content = {"fresh": bool(options.n), "seed": options.seed if options.n else None, "rows": rows}
    if options.n:
        content["records"] = [record_to_row(record) for record in records]
    publish(name, run, content, tables(rows), options.out, date.today())


def chosen(run: Run, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """The systems to measure. Raises OptionError naming those that the run has."""
    known = tuple(run.systems)
    for name in wanted or ():
        if name not in known:
            raise OptionError(f"no system {name!r} in this run; it has {', '.join(known)}")
    return tuple(wanted or known)


def fresh(run: Run, systems: Sequence[str], kinds: Sequence[str], n: int, seed: int) -> list[Record]:
    """Every system is asked the very same probes."""
    families = [plugins.load("kinject.probes", kind) for kind in kinds]
    probes = [probe for family in families for probe in family.make(run.corpus, n, random.Random(seed))]
    grader = Grader(run.corpus)
    return [record for name in systems for record in put(run.system(name), name, probes, grader, seed)]


def put(system: System, name: str, probes: Sequence[Probe], grader: Grader, seed: int) -> list[Record]:
    """All fitting probes to one system, by as many callers as a study has, in the order of the probes."""
    probes = fitting(system, probes)
    with ThreadPoolExecutor(CALLERS) as pool:
        said = list(pool.map(partial(converse, system, margins=True), probes))
    verdicts = [tuple(grader.grade(a.text, p) for a in d.answers) for p, d in zip(probes, said, strict=True)]
    return [
        Record("benchmark", name, seed, probe, dialogue.answers, graded, dialogue.margins)
        for probe, dialogue, graded in zip(probes, said, verdicts, strict=True)
    ]


def summarize(records: Sequence[Record]) -> list[Row]:
    """The families' own metrics, a row each, in the order of the records."""
    rows: list[Row] = []
    for kind, system in dict.fromkeys((record.probe.kind, record.system) for record in records):
        own = [record for record in records if (record.probe.kind, record.system) == (kind, system)]
        for metric, estimate in plugins.load("kinject.probes", kind).summarize(own).items():
            rows.append({"system": system, "probe": kind, "metric": metric, **asdict(estimate)})
    return rows


def tables(rows: Sequence[Row]) -> list[Table]:
    """One table a family: metrics down, systems across."""
    kinds = dict.fromkeys(row["probe"] for row in rows)
    return [_table(kind, [row for row in rows if row["probe"] == kind]) for kind in kinds]


def _table(kind: str, rows: Sequence[Row]) -> Table:
    systems = tuple(dict.fromkeys(row["system"] for row in rows))
    cells = {
        (row["metric"], row["system"]): rate(Estimate(row["value"], row["low"], row["high"], row["n"])) for row in rows
    }
    metrics = dict.fromkeys(row["metric"] for row in rows)
    body = tuple((metric, *(cells.get((metric, system), "") for system in systems)) for metric in metrics)
    return Table(kind, ("metric", *systems), body)


def positive(text: str) -> int:
    """A whole number of at least 1, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, found {number}")
    return number
