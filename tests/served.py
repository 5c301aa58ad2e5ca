"""A service over systems that answer slowly, as a process: python tests/served.py PORT [SECONDS_TO_DRAIN]."""

import sys
import threading
import time
from typing import Any, ClassVar

from kinject.lm import calling_off
from kinject.types import Answer, Turn
from services.app import app_of
from services.options import Limits, Options
from services.serving import run


class Steps:
    """Answers after as many steps of 10 ms as the question says; `made` counts those of all questions."""

    def __init__(self) -> None:
        self.made = 0

    def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
        for _ in range(int(question)):
            calling_off.check()
            self.made += 1
            time.sleep(0.01)
        return Answer(f"{question} steps", 1.0)


class Deaf:
    """Never answers, and hears nothing."""

    def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
        threading.Event().wait()
        raise AssertionError


class Run:
    systems = ("steps", "deaf")
    calibrations: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        self.built = {"steps": Steps(), "deaf": Deaf()}

    def system(self, name: str) -> Any:
        return self.built[name]


if __name__ == "__main__":
    port, drain_s = int(sys.argv[1]), float(sys.argv[2] if len(sys.argv) > 2 else 4)
    options = Options(Limits(threads=2, waiting=2, drain_s=drain_s))
    run(app_of(Run(), "toy", options), "127.0.0.1", port)
