"""Questions a second from one caller and from many, in the same run and in turns that cancel drift.

Whom it asks is any function from a question to nothing: a system in this process, or a service by its URL.
"""

import http.client
import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from kinject.errors import ModelError, OptionError

Ask = Callable[[str], object]
_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Block:
    """One stretch of questions by a fixed number of callers; `latencies_s` has one entry a question."""

    callers: int
    seconds: float
    latencies_s: tuple[float, ...]

    @property
    def per_second(self) -> float:
        return len(self.latencies_s) / self.seconds


@dataclass(frozen=True)
class Load:
    """`ratio` is the median over pairs of (many callers' rate / one caller's rate); low and high are the extremes."""

    alone: float
    together: float
    ratio: float
    ratio_low: float
    ratio_high: float
    alone_p50_s: float
    alone_p95_s: float
    together_p50_s: float
    together_p95_s: float
    pairs: int
    questions: int


def measure(ask: Ask, questions: Sequence[str], callers: int, pairs: int) -> Load:
    """Each pair has an equal share of the questions, one block alone and one together, in the order ABBA.

    No question is asked twice: models remember their answers, and a remembered answer costs nothing. Two questions
    warm up first.
    """
    warm_up, rest = questions[:2], questions[2:]
    size = len(rest) // (2 * pairs)
    if not size:
        raise OptionError(f"{len(questions)} different questions are too few for {pairs} pairs; ask for fewer --pairs")
    blocks = [rest[i * size : (i + 1) * size] for i in range(2 * pairs)]
    _block(ask, warm_up, 1)
    alone: list[Block] = []
    together: list[Block] = []
    for n in range(pairs):
        order = ((1, alone), (callers, together)) if n % 2 == 0 else ((callers, together), (1, alone))
        for offset, (count, found) in enumerate(order):
            found.append(_block(ask, blocks[2 * n + offset], count))
    ratios = [b.per_second / a.per_second for a, b in zip(alone, together, strict=True)]
    alone_p50_s, alone_p95_s = _percentiles(alone)
    together_p50_s, together_p95_s = _percentiles(together)
    return Load(
        alone=median(block.per_second for block in alone),
        together=median(block.per_second for block in together),
        ratio=median(ratios),
        ratio_low=min(ratios),
        ratio_high=max(ratios),
        alone_p50_s=alone_p50_s,
        alone_p95_s=alone_p95_s,
        together_p50_s=together_p50_s,
        together_p95_s=together_p95_s,
        pairs=pairs,
        questions=2 * pairs * size,
    )


class Service:
    """POST /ask of a running kinject service, on one kept connection a caller. Closes them when its block ends."""

    def __init__(self, url: str, system: str) -> None:
        address = urlsplit(url)
        self._url, self._system = url, system
        self._host, self._port = address.hostname or "127.0.0.1", address.port or 80
        self._own = threading.local()
        self._all: list[http.client.HTTPConnection] = []

    def ask(self, question: str) -> Any:
        body = json.dumps({"system": self._system, "question": question})
        try:
            connection = self._connection()
            connection.request("POST", "/ask", body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            content = reply.read()
        except (OSError, http.client.HTTPException) as error:
            raise ModelError(f"no answer from {self._url}: {error}; start it with: kinject serve RUN") from error
        if reply.status != http.client.OK:
            said = content[:200].decode(errors="replace")
            raise ModelError(f"{self._url}/ask answered {reply.status}: {said}")
        return json.loads(content)

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)
            self._all.append(self._own.connection)
        connection: http.client.HTTPConnection = self._own.connection
        return connection

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._all:
            connection.close()


def _block(ask: Ask, questions: Sequence[str], callers: int) -> Block:
    def timed(question: str) -> float:
        started = time.perf_counter()
        ask(question)
        return time.perf_counter() - started

    with ThreadPoolExecutor(callers) as pool:
        started = time.perf_counter()
        latencies_s = tuple(pool.map(timed, questions))
        return Block(callers, time.perf_counter() - started, latencies_s)


def _percentiles(blocks: Sequence[Block]) -> tuple[float, float]:
    p50, p95 = np.percentile([second for block in blocks for second in block.latencies_s], [50, 95])
    return float(p50), float(p95)
