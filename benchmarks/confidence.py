"""How well each system knows when it is right: its signals compared on the half of the entities that chose nothing.

    python -m benchmarks.confidence runs/catalog
    python -m benchmarks.confidence runs/catalog --samples 5 --n 60 --system rag --system kg

The answers are the run's own. With --samples every attempted one is asked for again so many times, drawn at a
temperature, and the share that says the same is one signal more: self-consistency (Wang et al., arXiv:2203.11171).
"""

import argparse
import hashlib
import random
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.output import RESULTS, Table, guarded, publish, rate
from benchmarks.probing import chosen, positive
from kinject import confidence
from kinject.confidence import Case, Halves
from kinject.corpus import Corpus
from kinject.errors import OptionError
from kinject.lm.lockstep import in_step
from kinject.lm.sampling import Sampling, sampled
from kinject.study import open_run
from kinject.study.asking import converse
from kinject.systems.hybrid.values import SameValue
from kinject.types import Estimate, Record, System

Row = dict[str, Any]
CALLERS = 16
SCORES = {"auroc": "AUROC", "aurc": "AURC", "brier": "Brier", "ece": "ECE"}


@dataclass(frozen=True)
class Drawing:
    """How answers are asked for again: so many times each, at what temperature, with what seed."""

    samples: int
    temperature: float
    seed: int

    def sampling(self, probe_id: str, nth: int) -> Sampling:
        digest = hashlib.sha256(f"{self.seed}/{probe_id}/{nth}".encode()).digest()
        return Sampling(self.temperature, int.from_bytes(digest[:4], "big") >> 1)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a finished run, such as runs/catalog")
    parser.add_argument("--samples", type=positive, help="ask so many times more for each answer (default: not again)")
    parser.add_argument("--temperature", type=float, default=1.0, help="that samples are drawn at (default 1)")
    parser.add_argument(
        "--risk", type=float, default=confidence.TARGET_RISK, help="share of wrong answers that thresholds allow on dev"
    )
    parser.add_argument("--n", type=positive, help="at most so many attempted answers a system (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="of the samples and of what --n chooses (default 1)")
    parser.add_argument("--system", action="append", metavar="NAME", help="only this system; may be repeated")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON (default: benchmarks/results)")
    options = parser.parse_args(argv)
    if options.temperature <= 0 or options.seed < 0:
        raise OptionError("--temperature must be above 0 and --seed at least 0")
    run = open_run(options.run)
    names, told = chosen(run, options.system), run.records()
    records = {name: attempts(told, name, options.n, options.seed) for name in names}
    drawing = Drawing(options.samples, options.temperature, options.seed) if options.samples else None
    said = {name: again(run.system(name), records[name], drawing) for name in names} if drawing else {}
    split = {name: halves(run.corpus, records[name], said.get(name, {})) for name in names}
    rows = [row for name in names for row in of_system(name, split[name], options.risk)]
    content = {"samples": asdict(drawing) if drawing else None, "rows": rows, "said": said}
    publish("confidence", run, content, tables(rows, options.risk), options.out, date.today())


def attempts(records: Sequence[Record], system: str, n: int | None, seed: int) -> list[Record]:
    found = confidence.attempted(record for record in records if record.system == system)
    return random.Random(f"{seed}/{system}").sample(found, n) if n and n < len(found) else found


def again(system: System, records: Sequence[Record], drawing: Drawing) -> dict[str, list[str]]:
    """What the system says when it is asked again, by probe; in cohorts, so that each run draws the same."""
    asked = [(record.probe, nth) for record in records for nth in range(drawing.samples)]
    said: dict[str, list[str]] = {record.probe.id: [] for record in records}

    def draw(place: int) -> str:
        probe, nth = asked[place]
        with sampled(drawing.sampling(probe.id, nth)):
            return converse(system, probe).answers[0].text

    with ThreadPoolExecutor(CALLERS) as pool:
        for start in range(0, len(asked), CALLERS):
            places = range(start, min(start + CALLERS, len(asked)))
            for place, answered in zip(places, in_step(pool, draw, places), strict=True):
                said[asked[place][0].id].append(answered.result())
    return said


def halves(corpus: Corpus, records: Sequence[Record], said: Mapping[str, Sequence[str]]) -> Halves:
    same = SameValue(corpus)
    return confidence.halves([_case(record, said.get(record.probe.id, ()), same) for record in records])


def of_system(system: str, split: Halves, risk: float = confidence.TARGET_RISK) -> list[Row]:
    """A row a method, the one that the dev half chooses marked, with what its threshold does on the test half."""
    found = confidence.calibrate(split.dev, risk)
    counts = {"system": system, "dev_n": len(split.dev), "test_n": len(split.test)}
    picked = {name: asdict(e) for name, e in confidence.at_threshold(split.test, found).items()}
    return [
        counts
        | {"method": method, **{name: asdict(e) for name, e in confidence.of_method(split, method).items()}}
        | ({"threshold": found.threshold, **picked} if method == found.method else {})
        for method in confidence.methods_of(split.dev)
    ]


def tables(rows: Sequence[Row], risk: float = confidence.TARGET_RISK) -> list[Table]:
    columns = ("system", "method", *SCORES.values(), "right at 80 % coverage", "n")
    compared = tuple(
        (
            row["system"],
            row["method"] + (" *" if "threshold" in row else ""),
            *(_score(Estimate(**row[name])) for name in SCORES),
            rate(Estimate(**row["accuracy_at_80_coverage"])),
            str(row["test_n"]),
        )
        for row in rows
    )
    chose = tuple(
        (
            row["system"],
            row["method"],
            f"{row['threshold']:.3f}",
            str(row["dev_n"]),
            rate(Estimate(**row["coverage"])),
            rate(Estimate(**row["accuracy_at_threshold"])),
        )
        for row in rows
        if "threshold" in row
    )
    title = f"thresholds: the lowest calibrated confidence with at most {100 * risk:g} % wrong on the dev half"
    titles = ("system", "method", "threshold", "dev n", "test answered", "of these right")
    return [
        Table("signals of attempted answers, test half (* chosen on the dev half)", columns, compared),
        Table(title, titles, chose),
    ]


def _case(record: Record, said: Sequence[str], same: SameValue) -> Case:
    case = confidence.case_of(record)
    if not said:
        return case
    share = sum(same(text, record.answers[0].text) for text in said) / len(said)
    return replace(case, signals={**case.signals, "self_consistency": share})


def _score(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]" if estimate.n else "no data"


if __name__ == "__main__":
    sys.exit(guarded(main))
