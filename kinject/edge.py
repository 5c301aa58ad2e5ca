"""The outermost edge of the command line: what each kind of failure says, and the code that the shell is told.

It knows no command. An error that is not the user's passes through and shows where it happened.
"""

import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import typer

from kinject.errors import KinjectError

# The same command goes on where these were stopped.
RESUMABLE = ("study", "update", "pretrain")


class Exit(IntEnum):
    """What the shell is told."""

    ERROR = 1
    USAGE = 2
    GATE = 100
    INTERRUPTED = 130


class Edge(typer.core.TyperGroup):
    """A group of commands in which an error of the user's is one line, and an interrupt says how to go on."""

    def invoke(self, ctx: Any) -> Any:
        try:
            with _stoppable():
                return super().invoke(ctx)
        except KinjectError as error:
            raise _failure(str(error), Exit.USAGE) from error
        except BrokenPipeError:
            raise  # the reader has left, as with `| head`: there is nobody to tell
        except OSError as error:
            raise _failure(str(error), Exit.ERROR) from error
        except KeyboardInterrupt as error:
            command = shlex.join(["kinject", *sys.argv[1:]])
            resume = f"; the same command goes on: {command}" if ctx.invoked_subcommand in RESUMABLE else ""
            raise _failure(f"interrupted{resume}", Exit.INTERRUPTED) from error


@contextmanager
def _stoppable() -> Iterator[None]:
    """The first SIGINT or SIGTERM ends a command in order, a second one at once."""
    numbers = (signal.SIGINT, signal.SIGTERM)

    def stop(number: int, frame: object) -> None:
        for one in numbers:
            signal.signal(one, signal.SIG_DFL)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _failure(text: str, code: Exit) -> typer.Exit:
    line = " ".join(text.split())  # a message of a library may have several
    typer.echo(f"kinject: {line}", err=True)
    return typer.Exit(code)
