"""One question to one system, as every route that asks does it: put as of its day, answered, and made into a response.

It streams nothing and knows no route.
"""

import time

from kinject.confidence import Least

from .schemas import AskRequest, AskResponse, response
from .service import Service


async def put(service: Service, asked: AskRequest) -> str:
    """The question in the words that the systems hear. Raises CorpusError for a day, where the corpus has none."""
    on, question = asked.on, asked.question
    return question if on is None else await service.desk.work(lambda: service.days.put(question, on))


async def answer(service: Service, name: str, asked: AskRequest, least: Least | None, said: str) -> AskResponse:
    """`said` is what `put` made of the question. Raises what the desk does."""
    start = time.perf_counter()
    gated = await service.desk.ask(name, said, tuple(turn.turn() for turn in asked.history), least)
    return response(name, asked, gated, 1000 * (time.perf_counter() - start), said)
