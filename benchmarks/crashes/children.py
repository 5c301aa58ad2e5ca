"""Children forked from a warm process, which are killed or end by themselves.

The parent has imported what a study needs and computed nothing: a thread that computes would not survive the fork.
"""

import importlib
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kinject import plugins
from kinject.errors import KinjectError
from kinject.store import crash

DONE, REFUSED, BROKEN, HUNG = "done", "refused", "broken", "hung"
KILLED = "killed"
_ENDS = {0: DONE, 3: REFUSED, 4: BROKEN, -signal.SIGKILL: KILLED}
_LIMIT_S = 600.0
# What is imported as late as it is used, and would be imported again in every child.
_LATE = (
    "duckdb",
    "faiss",
    "kinject.corpus.formats.csv",
    "kinject.lm.local",
    "kinject.report",
    "pytrec_eval",
    "transformers.models.lfm2.modeling_lfm2",
    "wonderwords",
)


@dataclass(frozen=True, slots=True)
class End:
    """How a child ended: `words` are what it said last, of an error the whole of it."""

    how: str
    seconds: float
    words: str = ""


def warm() -> None:
    """Import what the children will."""
    for package in ("kinject.systems", "kinject.probes"):
        for name in plugins.names(package):
            plugins.load(package, name)
    for name in _LATE:
        importlib.import_module(name)


def child(work: Callable[[], object], words: Path, at: str = "", after_s: float = _LIMIT_S) -> End:
    """Run `work` in a child that dies at the crash point `at`, or is killed `after_s` seconds from its start.

    A user's error is REFUSED, any other is BROKEN; its words go through the file of that name.
    """
    sys.stdout.flush()
    started, pid = time.monotonic(), os.fork()
    if not pid:
        os._exit(_in_child(work, words, at))
    handle = os.pidfd_open(pid)
    try:
        in_time = bool(select.select([handle], [], [], after_s)[0])
    finally:
        os.close(handle)
    if not in_time:
        os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    how = HUNG if not in_time and after_s >= _LIMIT_S else _ENDS.get(code, BROKEN)
    return End(how, time.monotonic() - started, words.read_text(encoding="utf-8", errors="replace").strip())


def _in_child(work: Callable[[], object], words: Path, at: str) -> int:
    with words.open("w", encoding="utf-8") as said:
        for stream in (1, 2):
            os.dup2(said.fileno(), stream)
        crash.arm(at)
        try:
            work()
        except KinjectError as error:
            said.write(f"{error}\n")
            return 3
        except BaseException:  # whatever it is, it must not go on in the parent's code
            said.write(traceback.format_exc())
            return 4
        return 0
