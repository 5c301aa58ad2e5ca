"""Systems built and asked in processes of their own, so many at a time; each logs into its own part of the run.

A system that is built is asked in several shares, so that the slowest of them does not keep the others waiting.

What the parts hold is taken over when all are done, and first of all by a study that goes on after a kill.
"""

import os
import shutil
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.queues import SimpleQueue
from pathlib import Path

from kinject import corpus
from kinject.errors import StoreError
from kinject.lm import open_model
from kinject.lm.quiet import quieten
from kinject.progress import Progress, Step
from kinject.store import JsonLines
from kinject.study.asking import Share
from kinject.study.job import Job
from kinject.study.plan import Plan
from kinject.study.reusing import add_rows
from kinject.study.sealing import BUILDS, CORPUS, CURVE, RECORDS

PARTS = "parts"
_SHARES = 4  # of a system at the most: each opens the model and the system anew
_LOOK_S = 0.2  # after so long, the steps of the processes are passed on
_LOGS = (BUILDS, CURVE, RECORDS)  # of builds first: what is taken over opens in no time, which is not how long it took


@dataclass(frozen=True)
class Part:
    """One system with one seed of the study in `out`; the probes of `known` have been answered before.

    It is to be built where it has no share, and else to be asked that.
    """

    out: Path
    plan: Plan
    model: str
    system: str
    nth: int
    seed: int
    known: frozenset[str]
    threads: int
    share: Share | None = None

    @property
    def logs(self) -> Path:
        share = f".{self.share.nth}" if self.share else ""  # sorts behind what built it
        return self.out / PARTS / f"{self.system}-{self.nth}{share}"

    def shares(self, of: int) -> "list[Part]":
        return [replace(self, share=Share(nth, of)) for nth in range(of)]


def do_in_parts(job: Job, model: str) -> None:
    """Build and ask every system and seed of the plan, `job.jobs` at a time: what is left to the job are sums.

    Raises what a part raises, and StoreError where a process of one was ended from outside.
    """
    known = job.known()
    threads = max(1, (os.cpu_count() or 1) // job.jobs)
    parts = [
        Part(job.out, job.plan, model, system, nth, seed, known.get((system, seed), frozenset()), threads)
        for system, nth, seed in job.plan.trainings()
    ]
    _do_all(parts, job.jobs, job.progress)
    gather(job.out)


def gather(out: Path) -> None:
    """Take over what the parts in a run's folder hold, and remove them."""
    for folder in sorted((out / PARTS).glob("*")):
        for name in _LOGS:
            add_rows(out / name, JsonLines(folder / name).rows())
    shutil.rmtree(out / PARTS, ignore_errors=True)


def _do_all(parts: Sequence[Part], jobs: int, progress: Progress) -> None:
    spawn = get_context("spawn")
    steps: SimpleQueue[Step] = spawn.SimpleQueue()
    ended, ending = spawn.Pipe(duplex=False)
    pool = ProcessPoolExecutor(jobs, spawn, _begin, (ended, steps))
    futures = {pool.submit(_do, part): part for part in parts}
    try:
        waiting = set(futures)
        while waiting:
            done, waiting = wait(waiting, _LOOK_S, FIRST_COMPLETED)
            while not steps.empty():
                progress(steps.get())
            for future in done:
                future.result()
                if futures[future].share is None:
                    shares = futures[future].shares(min(jobs, _SHARES))
                    asking = {pool.submit(_do, share): share for share in shares}
                    futures |= asking
                    waiting |= set(asking)
    except BrokenProcessPool as error:
        raise StoreError(
            "a process of the study was ended from outside (for want of memory?); run it again, with fewer --jobs"
        ) from error
    finally:
        if not all(future.done() for future in futures):
            ending.close()  # they end at once, as they do when this process is killed
        pool.shutdown(cancel_futures=True)
        ending.close()


_steps: "SimpleQueue[Step] | None" = None


def _begin(ended: Connection, steps: "SimpleQueue[Step]") -> None:
    global _steps
    _steps = steps
    quieten()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who pressed Ctrl-C ends the study, which ends its processes
    threading.Thread(target=_follow, args=(ended,), daemon=True).start()


def _follow(ended: Connection) -> None:
    """End with the process that began this one, however that ended: its side of the pipe closes."""
    ended.poll(None)
    os._exit(1)


def _do(part: Part) -> None:
    import torch

    assert _steps is not None
    torch.set_num_threads(part.threads)
    model = open_model(part.model)
    try:
        loaded = corpus.load(part.out / CORPUS)
        job = Job(part.out, part.plan, loaded, model, _steps.put, logs=part.logs)
        if part.share:
            built = job.open(part.system, part.nth, part.seed)
            job.ask(built, part.system, part.seed, part.known, part.share)
        else:
            job.build(part.system, part.nth, part.seed)
    finally:
        model.close()
