"""Whether the client is still there: what is done for one that has gone away is cancelled.

Starlette tells a route nothing of it, and uvicorn only who asks for the next message of the request.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

from fastapi import Request

from kinject.errors import CalledOffError

T = TypeVar("T")
BEAT_S = 10.0


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What the work returns or raises. Raises CalledOffError where the client leaves before; the work is cancelled."""
    async with aclosing(as_ready(request, [asyncio.create_task(work)])) as ready:
        async for task in ready:
            if task:
                return task.result()
    raise CalledOffError("the client has gone away")


async def as_ready(
    request: Request, tasks: Collection["asyncio.Task[T]"]
) -> AsyncGenerator["asyncio.Task[T] | None", None]:
    """The tasks as they end, and None where none has for ten seconds; nothing more once the client has gone.

    Those that are left when the generator is closed are cancelled.
    """
    gone = asyncio.create_task(_gone(request))
    waiting = set(tasks)
    try:
        while waiting and not gone.done():
            done, _ = await asyncio.wait({gone, *waiting}, timeout=BEAT_S, return_when=asyncio.FIRST_COMPLETED)
            # In the order in which they were begun, where several have ended.
            for ended in [task for task in tasks if task in done and task in waiting]:
                waiting.remove(ended)
                yield ended
            if not done:
                yield None
    finally:
        for each in (gone, *waiting):
            each.cancel()
        await asyncio.gather(gone, *waiting, return_exceptions=True)


async def as_said(
    request: Request, task: "asyncio.Task[Any]", pieces: "asyncio.Queue[str | None]"
) -> AsyncGenerator[str, None]:
    """The pieces as they come, until the task has ended, and an empty one where none has come for ten seconds.

    Nothing more once the client has gone. The task is cancelled when the generator is closed before its end.
    """
    gone = asyncio.create_task(_gone(request))
    for each in (gone, task):
        each.add_done_callback(lambda _: pieces.put_nowait(None))
    try:
        while True:
            try:
                piece = await asyncio.wait_for(pieces.get(), BEAT_S)
            except TimeoutError:
                piece = ""
            if piece is None:
                return
            yield piece
    finally:
        for each in (gone, task):
            each.cancel()
        await asyncio.gather(gone, task, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
