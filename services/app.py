"""The FastAPI application over one finished run: /ask, /systems, /health.

It binds nothing and trains nothing; `kinject serve` runs it on the loopback interface.
"""

import time
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Query

from kinject import __version__, study
from kinject.confidence import Least
from kinject.errors import OptionError

from . import problems
from .desk import LIMITS, Desk, Limits, Run
from .guard import LOOPBACK, BodyLimit, KnownHost
from .schemas import (
    AskQuery,
    AskRequest,
    AskResponse,
    HealthResponse,
    NoQuery,
    PostQuery,
    SystemModel,
    SystemsResponse,
    response,
)

DESCRIPTION = "One question, put to any system of a finished kinject run."


def create_app(run_folder: Path, limits: Limits = LIMITS, hosts: Collection[str] = LOOPBACK) -> FastAPI:
    """The service over a run on disk, answering to `hosts`, or to any where it is empty.

    Raises StoreError where the folder holds no whole run.
    """
    run = study.open_run(run_folder)
    return app_of(run, run.corpus.name, limits, hosts)


def app_of(run: Run, corpus: str, limits: Limits = LIMITS, hosts: Collection[str] = LOOPBACK) -> FastAPI:
    """The service over anything that can name and load its systems."""
    app = FastAPI(
        title="kinject",
        version=__version__,
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    problems.install(app)
    app.add_middleware(BodyLimit, limit=limits.body_bytes)
    if hosts:
        app.add_middleware(KnownHost, hosts=hosts)
    desk = Desk(run, limits)

    @app.get("/ask", responses=problems.RESPONSES)
    async def ask(query: Annotated[AskQuery, Query()]) -> AskResponse:
        """Ask one question without history."""
        return await _answer(desk, query.system, AskRequest(question=query.question), query.min_confidence)

    @app.post("/ask", responses=problems.RESPONSES)
    async def ask_on(body: AskRequest, query: Annotated[PostQuery, Query()]) -> AskResponse:
        """Ask one question after a dialogue."""
        if None not in (body.system, query.system) and body.system != query.system:
            raise OptionError(f"the address names system {query.system!r} and the body {body.system!r}; name one")
        return await _answer(desk, body.system or query.system or "", body, query.min_confidence)

    @app.get("/systems", responses=problems.RESPONSES)
    async def systems(query: Annotated[NoQuery, Query()]) -> SystemsResponse:
        """The names that /ask takes."""
        known = (SystemModel(name=name, loaded=desk.is_loaded(name)) for name in desk.names)
        return SystemsResponse(corpus=corpus, systems=tuple(known))

    @app.get("/health", responses=problems.RESPONSES)
    async def health(query: Annotated[NoQuery, Query()]) -> HealthResponse:
        """Whether the service is alive; it never waits for a model."""
        return HealthResponse()

    return app


async def _answer(desk: Desk, name: str, asked: AskRequest, least: Least | None) -> AskResponse:
    start = time.perf_counter()
    gated = await desk.ask(name, asked.question, tuple(turn.turn() for turn in asked.history), least)
    return response(name, asked, gated, latency_ms=1000 * (time.perf_counter() - start))
