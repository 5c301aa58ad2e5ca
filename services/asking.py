"""One question to one system, as every route that asks does it: put as of its day, answered, and made into a response.

It knows no route.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from kinject.confidence import Least

from .schemas import AskRequest, AskResponse, response
from .service import Service


async def put(service: Service, asked: AskRequest) -> str:
    """The question in the words that the systems hear. Raises CorpusError for a day, where the corpus has none."""
    on, question = asked.on, asked.question
    return question if on is None else await service.desk.work(lambda: service.days.put(question, on))


@dataclass(frozen=True, slots=True)
class Wish:
    """How an answer is wanted: `least` so sure, and its pieces told to `said` while it is written."""

    least: Least | None = None
    said: Callable[[str], None] | None = None


async def answer(service: Service, name: str, asked: AskRequest, words: str, wish: Wish) -> AskResponse:
    """`words` are what `put` made of the question. Raises what the desk does."""
    start = time.perf_counter()
    history = tuple(turn.turn() for turn in asked.history)
    gated = await service.desk.ask(name, words, history, wish.least, wish.said)
    return response(name, asked, gated, 1000 * (time.perf_counter() - start), words)
