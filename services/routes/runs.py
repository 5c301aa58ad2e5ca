"""/runs and /report: the finished runs beside the served one, and their reports.

A request names a run by its id, which is looked up in the listing: no part of it becomes a path.
"""

import os
from pathlib import Path
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from kinject.study.listing import find, listed

from .. import browse_schemas as shapes
from .. import problems
from ..schemas import NoQuery
from ..service import Service

# A report has its styles and drawings inside, runs nothing and asks for nothing.
_INERT = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'self'; sandbox"
)


def router(service: Service) -> APIRouter:
    routes = APIRouter(responses=problems.responses(422, 503))

    @routes.get("/runs")
    async def runs(query: Annotated[NoQuery, Query()]) -> shapes.RunsResponse:
        """The runs in the folder of the served one, with their headline numbers."""
        folder = service.shelf.book.run.folder.resolve()
        found = await to_thread.run_sync(listed, folder.parent)
        return shapes.RunsResponse(runs=tuple(shapes.run(one, folder.name) for one in found))

    @routes.get("/report", response_class=HTMLResponse, responses=problems.responses(404))
    async def report(query: Annotated[shapes.ReportQuery, Query()]) -> HTMLResponse:
        """The report of a run, one page of HTML."""
        folder = service.shelf.book.run.folder.resolve()
        wanted = folder.name if query.run is None else query.run
        text = await to_thread.run_sync(_report, folder.parent, wanted)
        return HTMLResponse(text, headers={"Content-Security-Policy": _INERT})

    return routes


def _report(folder: Path, wanted: str) -> str:
    found = find(folder, wanted)
    if found is None:
        raise problems.NotFoundError(f"no run {wanted[:80]!r}; /runs lists the known ones")
    page = found.report
    if page is None:
        raise problems.NotFoundError(f"run {found.id!r} has no report; `kinject report` writes one")
    # Between the look and the reading a link could have taken its place.
    with open(os.open(page, os.O_RDONLY | os.O_NOFOLLOW), encoding="utf-8") as file:
        return file.read()
