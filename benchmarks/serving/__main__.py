"""What does `kinject serve` do under load?

    python -m benchmarks.serving runs/catalog
    python -m benchmarks.serving runs/catalog --clients 64 --seconds 600 --questions 200

A lone client asks a service of its own, and its answers are the truth. A second service, which remembers none of them,
gets the same questions from many clients: one system at a time for the ratio, then all mixed, then again and again for
as long as is wanted while its memory is watched. Then more clients come than it takes; and it is killed while it
answers, started again and asked the same. Exit code 1 says that an answer was wrong or lost.
"""

import argparse
import random
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.output import RESULTS, Table, publish
from benchmarks.probing import chosen, positive
from benchmarks.serving.child import Child, Prober
from benchmarks.serving.clients import REFUSED, Asked, Block, ask
from benchmarks.serving.judging import COLUMNS, OK, figures, percentiles, truth_of
from kinject import plugins
from kinject.study import Run, open_run

KINDS = ("recall", "paraphrase")
AFTER_KILL = 20  # questions at the most that are asked again


@dataclass(frozen=True)
class Ratio:
    """Questions a second of one system, from one client and from many, over the same questions."""

    system: str
    alone: float
    together: float
    clients: int
    n: int

    @property
    def ratio(self) -> float:
        return self.together / self.alone


@dataclass(frozen=True)
class Asking:
    """For each system what is asked for the ratio, in the mix, and by too many at once; no question is in two."""

    single: dict[str, list[Asked]]
    mixed: list[Asked]
    excess: list[Asked]


def main(argv: Sequence[str] | None = None) -> int:
    options = _arguments().parse_args(argv)
    run = open_run(options.run)
    systems = chosen(run, options.system)
    asking = plan(run, systems, options.questions, options.excess, options.seed)
    with Child.of_run(options.run) as lone:
        print(f"first /health after {lone.start_s:.1f} s; one client asks", file=sys.stderr)
        for one in (*asking.single.values(), asking.mixed):
            ask(lone.url, one[:1], 1)  # loads the systems; what is asked again is remembered, and only the first is
        alone = {name: ask(lone.url, one[1:], 1) for name, one in asking.single.items()}
        truth = truth_of([*(r for block in alone.values() for r in block.replies), *_mixed(lone, asking)])
    with Child.of_run(options.run) as service:
        print("many clients ask", file=sys.stderr)
        for one in asking.single.values():
            ask(service.url, one[:1], 1)
        single = {name: ask(service.url, one[1:], options.ratio_clients) for name, one in asking.single.items()}
        with Prober(service.port, "/health") as health:
            mixed = ask(service.url, asking.mixed, options.clients)
            soak, memory = soaked(service, list(truth), options.clients, options.seconds)
        print("too many clients ask", file=sys.stderr)
        beside, excess = overload(service, asking.excess)
        kill_while_asked(service, asking.excess)
    with Child.of_run(options.run) as again:
        few = min(AFTER_KILL, len(truth))
        after = ask(again.url, random.Random(options.seed).sample(sorted(truth, key=str), few), 4)
        status, restart_s = again.stop(), again.start_s
    blocks = {"mixed": mixed, "again": soak, "too many": excess, "after kill -9": after}
    judged = {name: figures(block, truth) for name, block in {**single, **blocks}.items() if block.replies}
    ratios = [
        Ratio(name, alone[name].per_second, single[name].per_second, options.ratio_clients, len(single[name].replies))
        for name in single
    ]
    summary = _summary(lone.start_s, restart_s, health, beside, memory, status)
    tables = [_ratios(ratios), *(Table(name, COLUMNS, tuple(f.row() for f in found)) for name, found in judged.items())]
    tables.append(Table("the service", ("what", "found"), tuple(summary.items())))
    content = {
        "seed": options.seed,
        "clients": options.clients,
        "ratios": [asdict(one) for one in ratios],
        "figures": {name: [asdict(one) for one in found] for name, found in judged.items()},
        "summary": summary,
        "memory_mib": memory,
    }
    publish("serving", run, content, tables, options.out, date.today())
    return int(any(one.wrong or one.lost for found in judged.values() for one in found) or status != 0)


def plan(run: Run, systems: Sequence[str], n: int, excess: int, seed: int) -> Asking:
    """`n` questions a system for each of the first two; `excess` in all for the third."""
    rng = random.Random(seed)
    made = [p for kind in KINDS for p in plugins.load("kinject.probes", kind).make(run.corpus, 3 * n + excess, rng)]
    questions = list(dict.fromkeys(probe.question for probe in made))
    rng.shuffle(questions)
    single = {name: [Asked(name, question) for question in questions[:n]] for name in systems}
    mixed = [Asked(name, question) for name in systems for question in questions[n : 2 * n]]
    rest = [Asked(name, question) for question in questions[2 * n :] for name in systems][:excess]
    rng.shuffle(mixed)
    return Asking(single, mixed, rest)


def soaked(service: Child, asked: Sequence[Asked], clients: int, seconds: float) -> tuple[Block, list[float]]:
    """The same questions again until the time is over, and the MiB in use after each round."""
    memory, replies, took = [service.resident_mib()], [], 0.0
    while took < seconds:
        block = ask(service.url, asked, clients)
        replies += block.replies
        took += block.seconds
        memory.append(service.resident_mib())
    return Block(tuple(replies), max(took, 1e-9)), memory


def overload(service: Child, asked: Sequence[Asked]) -> tuple[Prober, Block]:
    """All ask at the same time, and another client beside them; the answers in the end."""
    path = f"/ask?system={asked[0].system}&question=Is+there+room%3F"
    with Prober(service.port, path, pause_s=0.1, timeout_s=1.0) as prober:
        block = ask(service.url, asked, len(asked))
    return prober, block


def kill_while_asked(service: Child, asked: Sequence[Asked]) -> None:
    """SIGKILL in the middle of new questions."""
    fresh = [Asked(one.system, f"Once more: {one.question}") for one in asked]
    clients = threading.Thread(target=ask, args=(service.url, fresh, 16))
    clients.start()
    time.sleep(0.5)
    service.kill()
    clients.join()


def _mixed(lone: Child, asking: Asking) -> tuple[Any, ...]:
    return ask(lone.url, asking.mixed, 1).replies


def _summary(
    start_s: float, restart_s: float, health: Prober, beside: Prober, memory: list[float], status: int
) -> dict[str, str]:
    beats = [seconds for code, seconds in health.replies if code == OK]
    refusals = [seconds for code, seconds in beside.replies if code == REFUSED]
    growth = 100 * (memory[-1] / memory[1] - 1) if len(memory) > 2 else float("nan")
    return {
        "start to first /health": f"{start_s:.1f} s",
        "start after kill -9": f"{restart_s:.1f} s",
        "exit status on SIGTERM": str(status),
        "/health p50 / p95 / p99": f"{_ms(beats)}, n {len(health.replies)}, {len(health.replies) - len(beats)} without",
        "a 503 p50 / p95 / p99": f"{_ms(refusals)}, n {len(refusals)} of {len(beside.replies)} tries",
        "memory, by round": f"{memory[0]:.0f} to {memory[-1]:.0f} MiB, {growth:+.1f} % since the first",
    }


def _ms(seconds: Sequence[float]) -> str:
    return " / ".join(f"{1000 * s:.0f}" for s in percentiles(seconds)) + " ms"


def _ratios(found: Sequence[Ratio]) -> Table:
    rows = tuple((r.system, f"{r.alone:.1f}", f"{r.together:.1f}", f"{r.ratio:.1f}", str(r.n)) for r in found)
    return Table(f"one client and {found[0].clients}", ("system", "alone, 1/s", "together, 1/s", "ratio", "n"), rows)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a finished run, such as runs/catalog")
    parser.add_argument("--system", action="append", metavar="NAME", help="only this system; may be repeated")
    parser.add_argument("--clients", type=positive, default=64, help="in the mix (default 64)")
    parser.add_argument("--ratio-clients", type=positive, default=32, help="of one system (default 32)")
    parser.add_argument("--questions", type=positive, default=100, help="a system, twice (default 100)")
    parser.add_argument(
        "--excess", type=positive, default=256, help="clients at once, of which it takes 128 (default 256)"
    )
    parser.add_argument("--seconds", type=float, default=120.0, help="of asking again, for memory (default 120)")
    parser.add_argument("--seed", type=int, default=1, help="of the questions (default 1)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON (default: benchmarks/results)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
