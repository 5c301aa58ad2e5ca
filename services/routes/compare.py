"""/compare: one question to several systems at once, of which none waits for another and none fails another."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from kinject.errors import CalledOffError, OptionError, OverloadedError

from .. import asking, events, problems
from ..comparing import CompareQuery, CompareRequest, CompareResponse, Done, Failed, StreamQuery
from ..presence import as_ready
from ..problems import UnknownSystemError
from ..schemas import AskRequest, AskResponse
from ..service import Service

STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "The answers, or with `stream` their events", "content": {events.MEDIA_TYPE: {}}}
}
Task = asyncio.Task[AskResponse]


def router(service: Service) -> APIRouter:
    routes = APIRouter(responses=problems.RESPONSES)

    @routes.get("/compare", response_model=CompareResponse, responses=STREAM)
    async def compare(request: Request, query: Annotated[CompareQuery, Query()]) -> Response | CompareResponse:
        """Ask several systems one question without history."""
        asked = CompareRequest(**query.model_dump(exclude={"stream"}))
        return await _respond(service, request, asked, query.stream)

    @routes.post("/compare", response_model=CompareResponse, responses=STREAM)
    async def compare_on(
        request: Request, body: CompareRequest, query: Annotated[StreamQuery, Query()]
    ) -> Response | CompareResponse:
        """Ask several systems one question, each after its own dialogue."""
        return await _respond(service, request, body, query.stream)

    return routes


async def _respond(
    service: Service, request: Request, asked: CompareRequest, stream: bool
) -> Response | CompareResponse:
    tasks = await _begin(service, asked)
    if stream:
        return events.response(_events(request, tasks))
    async with aclosing(as_ready(request, tasks.values())) as ready:
        async for _ in ready:
            pass
    if any(task.cancelled() for task in tasks.values()):
        raise CalledOffError("the client has gone away")
    return CompareResponse(answers=tuple(_ended(name, task) for name, task in tasks.items()))


async def _begin(service: Service, asked: CompareRequest) -> dict[str, Task]:
    """The systems at work. Raises what holds for all of them: an unknown name, or that the desk takes none."""
    names = asked.systems or service.desk.names
    for name in names:
        if name not in service.desk.names:
            raise UnknownSystemError(name, service.desk.names)
    for name in asked.histories:
        if name not in names:
            raise OptionError(f"there is a history for {name[:80]!r}, which is not among the systems asked")
    each = {
        name: AskRequest(system=name, question=asked.question, on=asked.on, history=asked.histories.get(name, ()))
        for name in names
    }
    words, wish = await asking.put(service, each[names[0]]), asking.Wish(asked.min_confidence)
    tasks = {name: asyncio.create_task(asking.answer(service, name, one, words, wish)) for name, one in each.items()}
    # What the desk refuses it refuses in the first step.
    await asyncio.sleep(0)
    errors = [task.exception() if task.done() else None for task in tasks.values()]
    if all(isinstance(error, OverloadedError) for error in errors) and errors[0]:
        raise errors[0]
    return tasks


async def _events(request: Request, tasks: Mapping[str, Task]) -> AsyncIterator[bytes]:
    names = {task: name for name, task in tasks.items()}
    answered = 0
    async with aclosing(as_ready(request, tasks.values())) as ready:
        async for task in ready:
            if task is None:
                yield events.BEAT
                continue
            ended = _ended(names[task], task)
            answered += isinstance(ended, AskResponse)
            yield events.event("error" if isinstance(ended, Failed) else "answer", ended)
    yield events.event("done", Done(answered=answered, failed=len(tasks) - answered))


def _ended(name: str, task: Task) -> AskResponse | Failed:
    error = task.exception()
    if error is None:
        return task.result()
    assert isinstance(error, Exception)
    return Failed(system=name, problem=problems.of(error))
