"""/ask: one question to one system, with the dialogue so far."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from kinject.confidence import Least
from kinject.errors import OptionError

from .. import asking, events, problems
from ..presence import as_ready, unless_gone
from ..schemas import AskQuery, AskRequest, AskResponse, PostQuery, TextEvent
from ..service import Service

STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "The answer, or with `stream` its events", "content": {events.MEDIA_TYPE: {}}}
}


def router(service: Service) -> APIRouter:
    routes = APIRouter(responses=problems.RESPONSES)

    @routes.get("/ask", response_model=AskResponse, responses=STREAM)
    async def ask(request: Request, query: Annotated[AskQuery, Query()]) -> Response | AskResponse:
        """Ask one question without history."""
        asked = AskRequest(system=query.system, question=query.question, on=query.on)
        return await _respond(service, request, asked, query.min_confidence, query.stream)

    @routes.post("/ask", response_model=AskResponse, responses=STREAM)
    async def ask_on(
        request: Request, body: AskRequest, query: Annotated[PostQuery, Query()]
    ) -> Response | AskResponse:
        """Ask one question after a dialogue."""
        if None not in (body.system, query.system) and body.system != query.system:
            raise OptionError(f"the address names system {query.system!r} and the body {body.system!r}; name one")
        asked = body.model_copy(update={"system": body.system or query.system})
        return await _respond(service, request, asked, query.min_confidence, query.stream)

    return routes


async def _respond(
    service: Service, request: Request, asked: AskRequest, least: Least | None, stream: bool
) -> Response | AskResponse:
    said = await unless_gone(request, asking.put(service, asked))
    answer = asking.answer(service, asked.system or "", asked, least, said)
    if not stream:
        return await unless_gone(request, answer)
    task = asyncio.create_task(answer)
    # What the desk refuses it refuses in the first step: that is a problem with its status, and no stream.
    await asyncio.sleep(0)
    if task.done():
        task.result()
    return events.response(_events(request, task))


async def _events(request: Request, task: "asyncio.Task[AskResponse]") -> AsyncIterator[bytes]:
    async with aclosing(as_ready(request, [task])) as ready:
        async for ended in ready:
            if ended is None:
                yield events.BEAT
            elif error := ended.exception():
                assert isinstance(error, Exception)
                yield events.event("error", problems.of(error))
            else:
                yield events.event("text", TextEvent(delta=task.result().answer))
                yield events.event("answer", task.result())
