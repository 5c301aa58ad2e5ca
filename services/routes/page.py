"""/ and /static: the page and its parts, as they lay in the package when the service started.

A request names a key of a table and never a path, and what the page shows it asks of the other routes itself.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from ..service import Service

TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
# No inline script or style, nothing from elsewhere: text of a corpus that slips into the markup stays dead.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class Part:
    body: bytes
    type: str
    etag: str


def router(service: Service) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    parts = _parts()

    @routes.api_route("/", methods=["GET", "HEAD"])
    async def page(request: Request) -> Response:
        return _answer(request, parts[INDEX])

    @routes.api_route("/static/{name}", methods=["GET", "HEAD"])
    async def part(request: Request, name: str) -> Response:
        if name not in parts:
            raise HTTPException(404, "the page has no such part")
        return _answer(request, parts[name])

    return routes


def _parts() -> Mapping[str, Part]:
    """The files beside index.html by name; others than those of `TYPES` are none of the page's."""
    folder = resources.files(__package__.rpartition(".")[0]) / "page"
    files = (each for each in folder.iterdir() if each.name.rpartition(".")[2] in TYPES)
    return {each.name: _part(each.name, each.read_bytes()) for each in files}


def _part(name: str, body: bytes) -> Part:
    return Part(body, TYPES[name.rpartition(".")[2]], f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _answer(request: Request, part: Part) -> Response:
    # The modules import each other by name, so they are asked for again at every load, and 304 is the usual answer.
    headers = {
        "ETag": part.etag,
        "Cache-Control": "no-cache",
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    if part.etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(part.body, media_type=part.type, headers=headers)
