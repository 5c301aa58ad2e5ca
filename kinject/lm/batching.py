"""The queue in front of a model: callers on many threads hand in jobs, one thread runs them in batches.

Knows lengths and groups of jobs, and nothing of what they mean: `run` is given.
"""

import threading
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from kinject.errors import KinjectError, ModelError, OverloadedError
from kinject.lm import compute
from kinject.lm.lockstep import Cohort

Run = Callable[[Sequence["Job"]], None]


class Awaited(Future[Any]):
    """A result for which callers wait, at first one; when the last of them has left, nobody works for it."""

    def __init__(self) -> None:
        super().__init__()
        self._callers, self._counting = 1, threading.Lock()

    def join(self) -> bool:
        """One caller more; False where all have left already."""
        with self._counting:
            if self._callers:
                self._callers += 1
            return self._callers > 0

    def leave(self) -> None:
        with self._counting:
            self._callers -= 1

    @property
    def is_wanted(self) -> bool:
        return self._callers > 0


@dataclass(frozen=True, eq=False, slots=True)
class Job:
    """Jobs of one `group` (kind of work, adapter) and one cohort may share a batch.

    `tokens` is the length that sorts them, `key` what sorts those of a cohort that are of one length.
    """

    group: tuple[str, str]
    tokens: int
    payload: Any
    key: bytes = b""
    cohort: Cohort | None = None
    future: Awaited = field(default_factory=Awaited)


@dataclass(frozen=True)
class Limits:
    max_waiting: int = 512  # jobs in the queue before it counts as full
    max_rows: int = 64  # jobs in a batch
    max_tokens: int = 4096  # rows x longest row of a batch; one longer job runs alone
    gather_s: float = 0.003  # how long a batch may wait to become as big as the one before


class BatchingQueue:
    """Runs jobs on a thread of its own. `run` sets the future of each job, as soon as it has its result.

    Of a batch that raises, each job that has no result is run again by itself, and fails alone. A job that nobody
    waits for any more is not run. The thread ends with `close`, or with the queue itself.
    """

    def __init__(self, run: Run, limits: Limits | None = None) -> None:
        self._state = _State(run, limits or Limits())
        thread = threading.Thread(target=_serve, args=(self._state,), name="kinject-lm", daemon=True)
        # The thread holds the state, not the queue: dropping the last reference to the queue ends it too.
        self.close = weakref.finalize(self, _close, self._state, thread)
        thread.start()

    def submit(self, job: Job, wait: bool = True) -> None:
        """Put a job in line. Raises OverloadedError if the queue is full and not to be waited for.

        Jobs of a cohort always find room: there are no more of them than members, and none is run before the last.
        """
        state = self._state
        with state.changed:
            while job.cohort is None and len(state.waiting) >= state.limits.max_waiting and not state.closed:
                if not wait:
                    raise OverloadedError(f"{len(state.waiting)} requests are waiting for the model; try again later")
                state.changed.wait()
            if state.closed:
                raise ModelError("the model was closed; open it again")
            state.waiting.append(job)
            state.changed.notify_all()

    def wake(self) -> None:
        """What is in line may have become ready."""
        with self._state.changed:
            self._state.changed.notify_all()


@dataclass(eq=False)
class _State:
    run: Run
    limits: Limits
    waiting: list[Job] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    closed: bool = False
    last_rows: int = 1


def _serve(state: _State) -> None:
    while batch := _next_batch(state):
        _run(state, batch)
        _fail(batch, ModelError("the model gave no result"))
        del batch


def _run(state: _State, batch: Sequence[Job]) -> None:
    try:
        state.run(batch)
    except Exception as error:  # the outermost edge of this thread: whatever it is, its callers must hear of it
        left = [job for job in batch if not job.future.done() and job.future.is_wanted]
        if len(batch) == 1:
            _fail(batch, error)
        for job in left if len(batch) > 1 else ():
            _run(state, [job])


def _next_batch(state: _State) -> list[Job]:
    """Wait for work; [] once the queue is closed."""
    with state.changed:
        while not (ready := _gathered(state)) and not state.closed:
            state.changed.wait()
        if state.closed:
            return []
        batch = choose(ready, state.limits)
        chosen = {id(job) for job in batch}
        state.waiting = [job for job in state.waiting if id(job) not in chosen]
        state.last_rows = len(batch)
        state.changed.notify_all()
        return batch


def _gathered(state: _State) -> list[Job]:
    """The jobs that may be run now; strangers wait a little for company. Those that nobody wants are dropped."""
    _fail([job for job in state.waiting if not job.future.is_wanted], ModelError("nobody waited for this request"))
    state.waiting = [job for job in state.waiting if job.future.is_wanted]
    ready = _ready(state.waiting)
    # Callers of the last batch tend to come back together. A lone caller has nobody to wait for.
    deadline = time.monotonic() + state.limits.gather_s
    while ready and not ready[0].cohort and len(ready) < state.last_rows and not state.closed:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            break
        state.changed.wait(left_s)
        ready = _ready(state.waiting)
    return ready


def _ready(waiting: Sequence[Job]) -> list[Job]:
    """Those that may be run, oldest first; of a cohort either all of its jobs or none, in their own order."""
    all_wait = {cohort: cohort.all_wait() for job in waiting if (cohort := job.cohort)}
    ready = [job for job in waiting if job.cohort is None or all_wait[job.cohort]]
    if ready and (cohort := ready[0].cohort):
        ready = sorted((job for job in ready if job.cohort is cohort), key=lambda job: (job.tokens, job.key))
    return ready


def choose(waiting: Sequence[Job], limits: Limits) -> list[Job]:
    """The first job and those of its group that are nearest to it in length, within the limits, longest last."""
    oldest = waiting[0]
    together = (oldest.group, oldest.cohort)
    alike = sorted((job for job in waiting if (job.group, job.cohort) == together), key=lambda job: job.tokens)
    low = high = alike.index(oldest)
    while high - low + 1 < limits.max_rows:
        shorter = oldest.tokens - alike[low - 1].tokens if low > 0 else None
        longer = alike[high + 1].tokens - oldest.tokens if high + 1 < len(alike) else None
        if longer is not None and (high - low + 2) * alike[high + 1].tokens > limits.max_tokens:
            longer = None
        if shorter is not None and (high - low + 2) * alike[high].tokens > limits.max_tokens:
            shorter = None
        if shorter is None and longer is None:
            break
        if longer is None or (shorter is not None and shorter <= longer):
            low -= 1
        else:
            high += 1
    return alike[low : high + 1]


def _fail(jobs: Sequence[Job], error: Exception) -> None:
    for job in jobs:
        if not job.future.done():
            # An error of its own for each caller: they raise it on different threads.
            own = type(error)(str(error)) if isinstance(error, KinjectError) else ModelError(_describe(error))
            own.__cause__ = error
            job.future.set_exception(own)


def _describe(error: Exception) -> str:
    return f"the model failed on this request: {type(error).__name__}: {error}"


def _close(state: _State, thread: threading.Thread) -> None:
    with state.changed:
        state.closed = True
        waiting, state.waiting = state.waiting, []
        state.changed.notify_all()
    _fail(waiting, ModelError("the model was closed before this request was run"))
    # What computes may have dropped the last reference to a queue whose own thread waits for what computes.
    if thread is not threading.current_thread() and not compute.is_here():
        thread.join()
