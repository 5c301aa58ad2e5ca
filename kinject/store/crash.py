"""A test hook: this process kills itself at a named place, if KINJECT_CRASH_AT names it.

`KINJECT_CRASH_AT=log.appended` is the first time that it gets there, `log.appended:7` the seventh. Off, it costs a
comparison. `python -m benchmarks.crashes` crashes a small study at every one of these and sees that it can go on.
"""

import os
import signal

# In the order in which a study comes across them; what follows the dot has just happened.
POINTS = (
    "log.opened",  # for the first row; a torn last line is cut off
    "log.appended",  # a row is with the operating system, and not yet on disk
    "log.synced",
    "file.written",  # beside its place, and not yet on disk
    "file.synced",
    "file.renamed",  # into its place, and the folder is not yet on disk
    "artifact.begun",  # an empty folder beside its place
    "artifact.filled",  # all of its files but the manifest; none is on disk
    "artifact.synced",  # the files are on disk, without a manifest
    "artifact.sealed",  # with a manifest, and not yet in its place
    "artifact.set_aside",  # the old one is away, the new one is not yet there
    "artifact.moved",  # into its place, and the folder is not yet on disk
    "artifact.synced_in_place",  # the old one is not yet removed
    "corpus.written",  # beside its place
    "corpus.unsealed",  # the header of an older corpus is gone, its tables are there
    "corpus.half_replaced",
    "corpus.replaced",  # and the folder is not yet on disk
    "study.pinned",  # the plan is written, and nothing else
    "study.copied",  # the corpus
    "study.built",  # a system, of which nothing is noted
    "study.noted",  # how long that took
    "study.asked",  # the last probe of a system
    "study.estimated",  # the numbers are beside their place
    "study.unsealed",  # the manifest of an older state is gone
    "study.summed",  # the numbers are in their place, the manifest is not written
    "sft.replaced",  # an older checkpoint is renamed, and not yet removed
    "sft.trained",  # and the weights are not written
    "rag.embedded",  # and the index is not written
    "report.half",  # the page is written, its Markdown is not
)
VARIABLE = "KINJECT_CRASH_AT"

_AT, _, _TIMES = os.environ.get(VARIABLE, "").partition(":")
_left = int(_TIMES) if _TIMES.isdecimal() else 1


def crash_point(name: str) -> None:
    """End this process as kill -9 would, if this is the place."""
    if name == _AT:
        _count_down()


def arm(where: str) -> None:
    """The same as the variable, in a process that has read it already."""
    global _AT, _left
    _AT, _, times = where.partition(":")
    _left = int(times or 1)


def _count_down() -> None:
    global _left
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
