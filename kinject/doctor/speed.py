"""Whether torch sees a GPU, how fast the cores multiply matrices, and mini reads and writes: some seconds.

Rough on purpose: it tells a slow machine from a fast one. kinject.forecast says what a study would take.
"""

import time
from collections.abc import Callable, Iterator

from kinject.doctor.rows import Row
from kinject.lm import open_model
from kinject.lm.base import LM, Chat, Message
from kinject.lm.compute import computes

SIDE = 1024  # of the matrices
ENOUGH_S = 1.0
WORDS = 400  # of a text to read: below half of mini's window
Clock = Callable[[], float]


def examine() -> Iterator[Row]:
    yield Row("GPU", _gpu())
    yield Row("matrices", f"{_multiplied() / 1e9:.0f} GFLOP/s with 32 bits")
    model = open_model("mini")
    try:
        read, written = reading(model), writing(model)
    finally:
        model.close()
    yield Row("mini reads", f"{read:,.0f} tokens/s")
    yield Row("mini writes", f"{written:,.0f} tokens/s, one answer at a time")


def reading(model: LM, clock: Clock = time.perf_counter) -> float:
    """Tokens a second of a prompt that the model has not seen; the first one is for warming up."""
    for first in (0, WORDS):
        text = " ".join(str(number) for number in range(first, first + WORDS))
        started = clock()
        said = model.complete(Chat((Message("user", text),), max_new_tokens=1))
        seconds = clock() - started
    return said.prompt_tokens / seconds


def writing(model: LM, clock: Clock = time.perf_counter) -> float:
    """Tokens a second of short answers, one after the other, the reading of their prompts included."""
    started, seconds, tokens, number = clock(), 0.0, 0, 0
    while seconds < ENOUGH_S:
        question = f"List every number from {number} to {number + 40}."
        tokens += model.complete(Chat((Message("user", question),), max_new_tokens=16)).tokens
        seconds, number = clock() - started, number + 1
    return tokens / seconds


@computes
def _multiplied() -> float:
    """Floating point operations a second."""
    import torch

    one = torch.ones(SIDE, SIDE)
    one @ one  # the first pays for waking the threads
    started, done = time.perf_counter(), 0
    while time.perf_counter() - started < ENOUGH_S:
        one @ one
        done += 2 * SIDE**3
    return done / (time.perf_counter() - started)


def _gpu() -> str:
    import torch

    if not torch.cuda.is_available():
        return f"none that torch {torch.__version__} sees; everything runs on the cores"
    return ", ".join(torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count()))
