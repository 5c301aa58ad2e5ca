"""What rounded weights change: memory, speed and answers, beside the same model as it is.

    python -m benchmarks.quantised mini
    python -m benchmarks.quantised Qwen/Qwen3-0.6B --kind int8 --n 200

Every model answers the same recall questions with the right document in context. They take turns, a block of questions
each, in an order that is turned round from block to block, so that what else the machine does hits them alike.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.output import Table, guarded, rate
from kinject import corpus, stats
from kinject.corpus import Corpus
from kinject.errors import OptionError
from kinject.grading import Grader
from kinject.lm.loading import load
from kinject.lm.local import LocalLM
from kinject.lm.quantised import KINDS, size_bytes
from kinject.probes import recall
from kinject.systems import oracle
from kinject.types import Outcome, Probe, System

BLOCK = 8  # questions at once


@dataclass
class Arm:
    """A model, its answers in the order of the probes, and the seconds of each block."""

    name: str
    size: int
    system: System
    answers: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="mini, a folder or a Hugging Face id")
    parser.add_argument("--corpus", default="catalog", help="a corpus folder or a shipped name")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only these bits; may be repeated")
    parser.add_argument("--n", type=int, default=80, help="recall questions")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    if chosen.n < BLOCK:
        raise OptionError(f"--n must be at least {BLOCK}, found {chosen.n}")
    loaded = corpus.load(corpus.find(chosen.corpus))
    print(measure(chosen.model, chosen.kind or KINDS, loaded, chosen.n, chosen.seed).markdown())


def measure(name: str, kinds: Sequence[str], facts: Corpus, n: int, seed: int) -> Table:
    """Shares with 95 % intervals, clustered by entity; the speed ratio is the median block, with the extremes."""
    probes = recall.make(facts, n, random.Random(seed))
    arms = [_arm(one, facts) for one in (name, *(f"{name}@{kind}" for kind in kinds))]
    for arm in arms:
        _ask(arm.system, probes[:1])  # warms up
    for number, start in enumerate(range(0, len(probes), BLOCK)):
        block = probes[start : start + BLOCK]
        for arm in arms if number % 2 == 0 else reversed(arms):
            started = time.perf_counter()
            arm.answers += _ask(arm.system, block)
            arm.seconds.append(time.perf_counter() - started)
    grader = Grader(facts)
    rows = tuple(_row(arm, arms[0], probes, grader) for arm in arms)
    columns = ("model", "MB", "speed beside it", "same answer", "right")
    return Table(f"{name} on {facts.name}, {len(probes)} questions", columns, rows)


def _arm(name: str, facts: Corpus) -> Arm:
    loaded = load(name)
    lm = LocalLM.start(loaded)
    return Arm(name, size_bytes(loaded.model), oracle.build(facts, Path(), lm, oracle.Config()))


def _ask(system: System, probes: Sequence[Probe]) -> list[str]:
    with ThreadPoolExecutor(BLOCK) as pool:
        return [answer.text for answer in pool.map(system.ask, [probe.question for probe in probes])]


def _row(arm: Arm, base: Arm, probes: Sequence[Probe], grader: Grader) -> tuple[str, ...]:
    about = [probe.subject for probe in probes]
    same = [float(ours == theirs) for ours, theirs in zip(arm.answers, base.answers, strict=True)]
    right = [
        float(grader.grade(text, probe).outcome is Outcome.CORRECT)
        for text, probe in zip(arm.answers, probes, strict=True)
    ]
    ratios = [theirs / ours for ours, theirs in zip(arm.seconds, base.seconds, strict=True)]
    speed = "1" if arm is base else f"{median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"
    agreement = "" if arm is base else rate(stats.clustered_rate(same, about))
    return (arm.name, f"{arm.size / 1e6:.1f}", speed, agreement, rate(stats.clustered_rate(right, about)))


if __name__ == "__main__":
    sys.exit(guarded(main))
