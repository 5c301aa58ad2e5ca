"""What stands before the routes: a request too large, or meant for another host, is refused before it is read.

Written here because Starlette's own guards answer in plain text, and every error of this service is a problem.
"""

import asyncio
import re
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import problems
from .schemas import Problem


class KnownHost:
    """Refuses a request that names another host than `hosts`.

    A web page can point a name of its own at the loopback address and so read what listens there (DNS
    rebinding); the name that it used is then in the Host header.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = re.sub(r":\d+$", "", Headers(scope=scope).get("host", "")).lower() if scope["type"] == "http" else ""
        if scope["type"] != "http" or host in self._hosts:
            await self._app(scope, receive, send)
            return
        detail = f"found host {host[:80]!r}; this service answers to {', '.join(sorted(self._hosts))} (see --host)"
        refusal = problems.problem(Problem(title="Misdirected Request", status=421, detail=detail))
        await refusal(scope, receive, send)


class BodyLimit:
    """Refuses a body of more than `limit` bytes: at once where the length is announced, else when it is reached.

    One that is not there whole after `seconds` is refused as well.
    """

    def __init__(self, app: ASGIApp, limit: int, seconds: float) -> None:
        self._app = app
        self._limit = limit
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        detail = f"the body has more than {self._limit} bytes"
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced[:20]) > self._limit:
            # The connection is closed, or the unread body would be taken for the next request.
            refusal = problems.problem(
                Problem(title="Content Too Large", status=413, detail=detail), {"Connection": "close"}
            )
            await refusal(scope, receive, send)
            return
        received, is_whole = 0, False
        end = asyncio.get_running_loop().time() + self._seconds

        async def counted() -> Message:
            nonlocal received, is_whole
            try:
                # Behind the body comes only that the client has gone away, which may take as long as it likes.
                async with asyncio.timeout_at(None if is_whole else end):
                    message = await receive()
            except TimeoutError as error:
                late = f"the body was not whole after {self._seconds:g} s"
                raise HTTPException(408, late, {"Connection": "close"}) from error
            is_whole = not message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > self._limit:
                raise HTTPException(413, detail, {"Connection": "close"})
            return message

        await self._app(scope, counted, send)
