"""/ask: one question to one system, with the dialogue so far."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from kinject.confidence import Least
from kinject.errors import OptionError

from .. import asking, events, problems
from ..presence import as_said, unless_gone
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
    words = await unless_gone(request, asking.put(service, asked))
    pieces: asyncio.Queue[str | None] = asyncio.Queue()
    wish = asking.Wish(least, pieces.put_nowait if stream else None)
    answer = asking.answer(service, asked.system or "", asked, words, wish)
    if not stream:
        return await unless_gone(request, answer)
    task = asyncio.create_task(answer)
    # What the desk refuses it refuses in the first step: that is a problem with its status, and no stream.
    await asyncio.sleep(0)
    if task.done():
        task.result()
    return events.response(_events(request, task, pieces))


async def _events(
    request: Request, task: "asyncio.Task[AskResponse]", pieces: "asyncio.Queue[str | None]"
) -> AsyncIterator[bytes]:
    said = ""
    async with aclosing(as_said(request, task, pieces)) as saying:
        async for piece in saying:
            said += piece
            yield events.event("text", TextEvent(delta=piece)) if piece else events.BEAT
    if task.cancelled():
        return
    if error := task.exception():
        assert isinstance(error, Exception)
        yield events.event("error", problems.of(error))
        return
    answer = task.result()
    if rest := answer.answer.removeprefix(said):
        yield events.event("text", TextEvent(delta=rest))
    yield events.event("answer", answer)
