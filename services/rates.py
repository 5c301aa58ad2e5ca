"""How much one client may ask: a bucket of tokens for each, which fills as time goes by.

A client is a key where the service wants one, else an address; behind a proxy on this machine that is the one that the
proxy names in X-Forwarded-For (uvicorn).
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from . import problems
from .keyring import OWNER, is_open
from .schemas import Problem

CLIENTS = 10_000  # remembered; beyond them the one that was last seen longest ago is forgotten
SITE_BITS = 64  # of an IPv6 address: one client has all that begin alike


class Buckets:
    """`per_minute` at once from who has not asked for a minute, and so many in every minute after."""

    def __init__(self, per_minute: int, now: Callable[[], float] = time.monotonic) -> None:
        self._most = per_minute
        self._now = now
        self._buckets = OrderedDict[str, tuple[float, float]]()  # tokens, and when there were so many

    def __len__(self) -> int:
        return len(self._buckets)

    def wait(self, client: str) -> float:
        """Takes a token and is 0, or takes none and is the seconds until there is one."""
        now = self._now()
        tokens, then = self._buckets.pop(client, (float(self._most), now))
        tokens = min(self._most, tokens + (now - then) * self._most / 60)
        short = max(0.0, 1 - tokens)
        self._buckets[client] = (tokens if short else tokens - 1), now
        if len(self._buckets) > CLIENTS:
            self._buckets.popitem(last=False)
        return short * 60 / self._most


class Rate:
    """Refuses who asks too often, and says when to come back."""

    def __init__(self, app: ASGIApp, per_minute: int) -> None:
        self._app = app
        self._per_minute = per_minute
        self._buckets = Buckets(per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_open(scope["path"]) and (wait := self._buckets.wait(client(scope))):
            detail = f"one client may send {self._per_minute} requests a minute"
            said = Problem(title="Too Many Requests", status=429, detail=detail)
            await problems.problem(said, {"Retry-After": str(math.ceil(wait))})(scope, receive, send)
            return
        await self._app(scope, receive, send)


def client(scope: Scope) -> str:
    """`key alice`, or the address."""
    if OWNER in scope:
        return f"key {scope[OWNER]}"
    host = (scope.get("client") or ("",))[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host  # a name, as of a test client, or none, as over a Unix socket
    if isinstance(address, ipaddress.IPv6Address) and not address.ipv4_mapped:
        return str(ipaddress.ip_network((int(address), SITE_BITS), strict=False))
    return host
