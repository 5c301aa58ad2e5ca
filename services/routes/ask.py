"""/ask: one question to one system, with the dialogue so far."""

import time
from typing import Annotated

from fastapi import APIRouter, Query

from kinject.confidence import Least
from kinject.errors import OptionError

from .. import problems
from ..desk import Desk
from ..schemas import AskQuery, AskRequest, AskResponse, PostQuery, response
from ..service import Service


def router(service: Service) -> APIRouter:
    routes = APIRouter(responses=problems.RESPONSES)

    @routes.get("/ask")
    async def ask(query: Annotated[AskQuery, Query()]) -> AskResponse:
        """Ask one question without history."""
        return await _answer(service.desk, query.system, AskRequest(question=query.question), query.min_confidence)

    @routes.post("/ask")
    async def ask_on(body: AskRequest, query: Annotated[PostQuery, Query()]) -> AskResponse:
        """Ask one question after a dialogue."""
        if None not in (body.system, query.system) and body.system != query.system:
            raise OptionError(f"the address names system {query.system!r} and the body {body.system!r}; name one")
        return await _answer(service.desk, body.system or query.system or "", body, query.min_confidence)

    return routes


async def _answer(desk: Desk, name: str, asked: AskRequest, least: Least | None) -> AskResponse:
    start = time.perf_counter()
    gated = await desk.ask(name, asked.question, tuple(turn.turn() for turn in asked.history), least)
    return response(name, asked, gated, latency_ms=1000 * (time.perf_counter() - start))
