"""A fact that changes while the service runs: each system is brought up to date in the background, one after another.

One edit at a time. The systems go on answering from what they knew until they are replaced; the run itself is left as
it was, and the new one lies beside it.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Literal

from kinject import freshness
from kinject.errors import KinjectError
from kinject.freshness import Change, Job, Update
from kinject.freshness.probing import CHANGED, damage, shares
from kinject.progress import Step
from kinject.study import Run, open_run
from kinject.study.plan import plugin
from kinject.types import Answer, Estimate, Record, System

from .problems import ConflictError, NotFoundError

State = Literal["waiting", "asking", "updating", "fresh", "stale", "other", "failed"]
QUESTIONS = 8  # about the changed fact, and as many about others
KEPT = 50  # edits that are remembered
_LOG = logging.getLogger(__name__)


class Stopped(Exception):
    """The service ends; what is done of the edit is kept, and the same edit goes on there."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How a system stood at one time: what it says about the changed fact, and the shares of `freshness`."""

    answer: Answer | None
    shares: dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class Progress:
    """One system. `seconds` is how long it took to bring it up to date, `fresh_after_s` since the edit was sent."""

    name: str
    state: State = "waiting"
    stage: str = ""
    done: int = 0
    total: int = 0
    seconds: float | None = None
    fresh_after_s: float | None = None
    before: Asked | None = None
    after: Asked | None = None
    damage: Estimate | None = None
    problem: str = ""


@dataclass
class Edit:
    """One edit and how far it is. The thread that does it writes whole new values, so that any other may read."""

    id: str
    change: Change
    old: tuple[str, ...]
    new: str
    systems: dict[str, Progress]
    started: float = field(default_factory=time.monotonic)
    done: bool = False
    seconds: float | None = None
    run: str = ""
    problem: str = ""

    def note(self, name: str, **changes: object) -> None:
        self.systems[name] = replace(self.systems[name], **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Effects:
    """What happens to the service: a system is replaced, and at the end so is what can be read."""

    replace: Callable[[str, System], None]
    show: Callable[[Run], None]


class Editor:
    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self._edits: dict[str, Edit] = {}
        self._one = threading.Lock()  # held by the edit that is being done
        self._is_stopping = threading.Event()
        self._left: dict[str, str] = {}  # systems that an edit could not reach, and its id

    def begin(self, latest: Callable[[], Run], change: Change, today: date) -> Edit:
        """Start an edit of the run that is served, and say how far it is. Call it in a thread: documents are rewritten.

        Raises ConflictError while another edit is done, KinjectError for a change that does not fit.
        """
        if not self._one.acquire(blocking=False):
            raise ConflictError("another edit is being done; wait until it is")
        try:
            # Not before the lock is held: an edit that has ended just now has put another run in place.
            run = latest()
            edit, opened, job = self._opened(run, change, today)
        except BaseException:  # raised again: an edit that did not begin must not keep others out
            self._one.release()
            raise
        self._edits[edit.id] = edit
        for old in list(self._edits)[:-KEPT]:
            del self._edits[old]
        # A thread that ends with the process: an edit that was cut off goes on when it is sent again.
        threading.Thread(target=self._do, args=(edit, run, opened, job), name=f"edit-{edit.id}", daemon=True).start()
        return edit

    def find(self, id: str) -> Edit:
        """Raises NotFoundError."""
        if id not in self._edits:
            raise NotFoundError(f"no edit {id[:80]!r}; POST /edit gives ids, which are kept while the service runs")
        return self._edits[id]

    def stop(self) -> None:
        """End the edit that is being done at its next step."""
        self._is_stopping.set()

    def _opened(self, run: Run, change: Change, today: date) -> tuple[Edit, ExitStack, Job]:
        # Who trains comes last: the others would wait for it, and its time would count as theirs.
        left = (name for name in run.systems if name not in self._left)
        names = tuple(sorted(left, key=lambda name: getattr(plugin(name), "NEEDS_WEIGHTS", False)))
        if not names:
            raise ConflictError("no system has followed the edits so far; start the service anew with the last run")
        edit = Edit(secrets.token_hex(8), change, _held(run, change), "", {name: Progress(name) for name in names})
        update = Update(run.folder, (change,), today, systems=names, n=QUESTIONS)
        opened = ExitStack()
        job = opened.enter_context(freshness.begun(update, partial(self._step, edit), run))
        edit.new = ", ".join(job.values(change.subject, change.relation))
        return edit, opened, job

    def _do(self, edit: Edit, run: Run, opened: ExitStack, job: Job) -> None:
        try:
            with opened:
                self._all(edit, run, job)
        except Stopped:
            edit.problem = "the service stopped"
        except KinjectError as error:
            edit.problem = str(error)
        except Exception:  # the outermost edge of this thread: who watches the edit must hear that it has ended
            _LOG.exception("edit %s failed", edit.id)
            edit.problem = "the edit failed; the service's log says where"
        finally:
            edit.seconds = time.monotonic() - edit.started
            edit.done = True
            self._one.release()

    def _all(self, edit: Edit, run: Run, job: Job) -> None:
        for name in job.systems:
            edit.note(name, state="asking")
            self._try(edit, name, partial(self._before, edit, job, name))
        fresh = []
        for name in job.systems:
            if edit.systems[name].state != "failed":
                self._try(edit, name, partial(self._bring, edit, job, name))
            if edit.systems[name].state == "failed":
                self._left[name] = edit.id
            else:
                fresh.append(name)
        if fresh:
            job.finish(fresh)
            edit.run = job.out.resolve().name
            self._effects.show(open_run(job.out).sharing(run))
        else:
            edit.problem = "no system could be brought up to date; all are as they were"

    def _try(self, edit: Edit, name: str, step: Callable[[], None]) -> None:
        """A system whose step fails is left as it was, whatever the error: the others go on."""
        try:
            step()
        except Stopped:
            raise
        except KinjectError as error:
            edit.note(name, state="failed", problem=f"{error}; it is left as it was")
        except Exception:  # the outermost edge of a system, as in the desk
            _LOG.exception("edit %s: %s failed", edit.id, name)
            edit.note(name, state="failed", problem="it failed and is left as it was; the service's log says where")

    def _before(self, edit: Edit, job: Job, name: str) -> None:
        job.ask_before(name)
        then, _ = job.records(name)
        edit.note(name, state="waiting", before=_asked(then))

    def _bring(self, edit: Edit, job: Job, name: str) -> None:
        edit.note(name, state="updating")
        system = job.bring(name)
        then, now = job.records(name)
        self._effects.replace(name, system)
        after = _asked(now)
        edit.note(
            name,
            state=_state(after),
            seconds=job.seconds(name),
            fresh_after_s=time.monotonic() - edit.started,
            after=after,
            damage=damage(then, now),
        )

    def _step(self, edit: Edit, step: Step) -> None:
        if self._is_stopping.is_set():
            raise Stopped
        for name, known in edit.systems.items():
            if known.state in ("asking", "updating"):
                edit.note(name, stage=step.stage, done=step.done, total=step.total)


def _held(run: Run, change: Change) -> tuple[str, ...]:
    return tuple(fact.object for fact in run.corpus.current().facts_of(change.subject, change.relation))


def _asked(records: list[Record]) -> Asked:
    about = [record for record in records if record.probe.variant == CHANGED]
    return Asked(about[0].answers[0] if about else None, shares(records))


def _state(after: Asked) -> State:
    """Fresh: every question about the fact is answered as it is now. Stale: some with what held before."""
    if after.shares["stale"].value > 0:
        return "stale"
    return "fresh" if after.shares["right"].value == 1 else "other"
