"""Who may ask: a request without a known key is refused before anything of it is read.

Knows no route but the few that are open to all.
"""

from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from kinject.keys import Keys

from . import problems
from .schemas import Problem

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="kinject"'}
# The page and the API's description hold nothing of the run, and who watches the service has no key.
OPEN = ("/", "/docs", "/openapi.json", "/health")
OPEN_BELOW = ("/static/", "/health/")
OWNER = "kinject.owner"  # in the scope: the name of the key that was used

scheme = HTTPBearer(auto_error=False, description="a key of `kinject key add`")


def is_open(path: str) -> bool:
    return path in OPEN or path.startswith(OPEN_BELOW)


class KeyRequired:
    """Lets in who sends `Authorization: Bearer KEY` with a key that is known; a key anywhere else is not looked at."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        kind, _, key = Headers(scope=scope).get("authorization", "").partition(" ")
        owner = self._keys.owner(key.strip()) if kind.lower() == "bearer" else None
        if owner is None:
            detail = "no such key" if key else "this service wants a key: send the header Authorization: Bearer KEY"
            refusal = problems.problem(Problem(title="Unauthorized", status=401, detail=detail), CHALLENGE)
            await refusal(scope, receive, send)
            return
        scope[OWNER] = owner
        await self._app(scope, receive, send)
