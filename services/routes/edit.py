"""/edit: change one fact while the service runs, and watch each system follow. Off unless the service allows it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, FastAPI, Path, Query

from kinject.freshness import Change
from kinject.study import Run
from kinject.types import System

from .. import edit_schemas as shapes
from .. import problems
from ..editing import Editor, Effects
from ..schemas import NoQuery
from ..service import Service


def router(service: Service) -> APIRouter:
    loops: list[asyncio.AbstractEventLoop] = []

    def replace(name: str, system: System) -> None:
        # Only the event loop touches the desk.
        loops[0].call_soon_threadsafe(service.desk.replace, name, system)

    def latest() -> Run:
        run = service.shelf.book.run
        if not isinstance(run, Run):
            raise problems.ForbiddenError("what is served here is no run on disk, so nothing of it can be changed")
        return run

    editor = Editor(Effects(replace, service.shelf.replace))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loops[:] = [asyncio.get_running_loop()]
        yield
        editor.stop()

    routes = APIRouter(responses=problems.responses(403, 422, 503), lifespan=lifespan)

    @routes.post("/edit", status_code=202, responses=problems.responses(408, 409, 413))
    async def edit(body: shapes.EditRequest, query: Annotated[NoQuery, Query()]) -> shapes.BegunResponse:
        """Change a fact: every system is brought up to date by its own means, in a new run beside this one."""
        _see_allowed(service)
        change = Change("the edit", body.subject, body.relation, body.object, body.old or "", body.on)
        begun = await to_thread.run_sync(editor.begin, latest, change, date.today())
        return shapes.BegunResponse(id=begun.id)

    @routes.get("/edit/{id}", responses=problems.responses(404))
    async def progress(
        id: Annotated[str, Path(max_length=100, examples=["9f86d081884c7d65"])], query: Annotated[NoQuery, Query()]
    ) -> shapes.EditResponse:
        """How far each system has followed an edit."""
        _see_allowed(service)
        return shapes.progress(editor.find(id))

    return routes


def _see_allowed(service: Service) -> None:
    """Raises ForbiddenError where edits are not allowed. Who may send one is the guard's to say."""
    if not service.options.allow_edits:
        raise problems.ForbiddenError("facts cannot be changed here; `kinject serve --allow-edits` lets them")
