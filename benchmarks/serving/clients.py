"""Clients in a closed loop: each asks its next question when it has the answer to the one before.

They judge nothing; a client that is told to come back later does so.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import httpx2

REFUSED = 503
TIMEOUT_S = 90.0


@dataclass(frozen=True, slots=True)
class Asked:
    system: str
    question: str


@dataclass(frozen=True, slots=True)
class Reply:
    """How one question ended, and how many tries were told to come back before (`refused`).

    `status` is that of the last try, or 0 where there was none, and then `error` says why.
    """

    asked: Asked
    status: int
    answer: str
    seconds: float
    refused: int = 0
    error: str = ""


@dataclass(frozen=True)
class Block:
    """One stretch of questions by a fixed number of clients."""

    replies: tuple[Reply, ...]
    seconds: float

    @property
    def per_second(self) -> float:
        return len(self.replies) / self.seconds


def ask(url: str, asked: Sequence[Asked], clients: int) -> Block:
    """Every question once; a reply each, in the order in which they came."""
    return asyncio.run(_ask(url, iter(asked), clients))


async def _ask(url: str, asked: Iterator[Asked], clients: int) -> Block:
    replies: list[Reply] = []
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=clients)
    async with httpx2.AsyncClient(base_url=url, limits=limits, timeout=TIMEOUT_S, trust_env=False) as http:

        async def client() -> None:
            for one in asked:  # shared: each question is taken by one of them
                replies.append(await _reply(http, one))

        started = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(clients)))
        return Block(tuple(replies), time.perf_counter() - started)


async def _reply(http: httpx2.AsyncClient, asked: Asked) -> Reply:
    refused = 0
    while True:
        started = time.perf_counter()
        try:
            response = await http.post("/ask", json={"system": asked.system, "question": asked.question})
        except httpx2.HTTPError as error:
            return Reply(asked, 0, "", time.perf_counter() - started, refused, type(error).__name__)
        seconds = time.perf_counter() - started
        if response.status_code != REFUSED:
            answer = response.json().get("answer", "")
            return Reply(asked, response.status_code, answer, seconds, refused)
        refused += 1
        await asyncio.sleep(float(response.headers["retry-after"]))
