"""Each request by its id: in its answer, in what is logged while it is served, and in the line when it has ended.

The line and the observers are told the route and never the address, which has the question in it.
"""

import logging
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import problems
from .keyring import OWNER

HEADER = "X-Request-ID"
UNROUTED = "(none)"  # one name for all addresses that lead nowhere: whoever asks does not choose what is counted
UNENDED = 499  # no answer was begun: the client had gone
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SANE = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII)

_log = logging.getLogger("kinject.service.requests")


@dataclass(frozen=True, slots=True)
class Served:
    """A request that has ended. `seconds` until the last byte was handed on, with a stream the whole of it."""

    id: str
    method: str
    route: str
    status: int
    seconds: float
    owner: str | None  # of the key


Observer = Callable[[Served], None]


class Requests:
    """Gives each request its id: the one that it brings, if that is short and plain, else one of its own."""

    def __init__(self, app: ASGIApp, observers: tuple[Observer, ...] = ()) -> None:
        self._app = app
        self._observers = observers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        brought = Headers(scope=scope).get(HEADER, "")
        id = brought if SANE.fullmatch(brought) else secrets.token_hex(16)
        # Never reset: the server logs an error in this context when all of this has ended.
        problems.request_id.set(id)
        started, status = time.perf_counter(), UNENDED

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = id
            await send(message)

        try:
            await self._app(scope, receive, named)
        except Exception:  # raised again: the server logs it
            if status == UNENDED:
                # Starlette's own answer would pass by what stands before the routes, and have no id.
                await problems.unexpected()(scope, receive, named)
            raise
        finally:
            seconds = time.perf_counter() - started
            method = scope["method"] if scope["method"] in METHODS else "OTHER"
            served = Served(id, method, _route(scope), status, seconds, scope.get(OWNER))
            for observer in (_logged, *self._observers):
                observer(served)


def _logged(served: Served) -> None:
    ms = round(1000 * served.seconds, 3)
    fields = {"method": served.method, "route": served.route, "status": served.status, "ms": ms, "key": served.owner}
    text = f"{served.method} {served.route} {served.status} {ms:.1f} ms"
    _log.info(text, extra={"fields": {name: value for name, value in fields.items() if value is not None}})


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", UNROUTED))
