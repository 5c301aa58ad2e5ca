"""The FastAPI application over one finished run: the guards in front, and the routes.

It binds nothing and trains nothing; `kinject serve` runs it on the loopback interface.
"""

from pathlib import Path

from fastapi import Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware

from kinject import __version__, study

from . import problems
from .desk import Desk
from .guard import BodyLimit, KnownHost
from .headers import Headers, cross_origin
from .keyring import KeyRequired, scheme
from .metrics import Metrics
from .options import Options
from .rates import Rate
from .requests import Requests
from .routes import ask, browse, compare, docs, edit, health, metrics, page, pushback, runs, state, v1
from .service import Service
from .shelf import Finished, Shelf

DESCRIPTION = "One question, put to any system of a finished kinject run."
DEFAULTS = Options()


def create_app(run_folder: Path, options: Options = DEFAULTS) -> FastAPI:
    """The service over a run on disk. Raises StoreError where the folder holds no whole run."""
    run = study.open_run(run_folder)
    return app_of(run, run.corpus.name, options)


def app_of(run: Finished, corpus: str, options: Options = DEFAULTS) -> FastAPI:
    """The service over anything that can name and load its systems."""
    app = FastAPI(
        title="kinject",
        version=__version__,
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,  # they would fetch scripts from elsewhere
        redoc_url=None,
    )
    problems.install(app)
    service = app.state.service = Service(run, Desk(run, options.limits), options, corpus, Shelf(run))
    counts = Metrics(service.desk, options.limits)
    _guard(app, options, counts)
    for part in (page, docs, health):
        app.include_router(part.router(service))
    needs = [Depends(scheme)] if options.keys else []
    refusals = problems.responses(*((401,) if options.keys else ()), *((429,) if options.per_minute else ()))
    guarded = [part.router(service) for part in (ask, compare, state, browse, runs, pushback, edit, v1)]
    for router in (*guarded, metrics.router(counts)):
        app.include_router(router, dependencies=needs, responses=refusals)
    return app


def _guard(app: FastAPI, options: Options, counts: Metrics) -> None:
    """What is added last is asked first."""
    app.add_middleware(BodyLimit, limit=options.limits.body_bytes, seconds=options.limits.body_s)
    if options.per_minute:
        app.add_middleware(Rate, per_minute=options.per_minute)
    if options.keys:
        app.add_middleware(KeyRequired, keys=options.keys)
    if options.origins:
        # Before the keys: a browser asks whether it may send one without sending it.
        app.add_middleware(CORSMiddleware, **cross_origin(options.origins))
    if options.hosts:
        app.add_middleware(KnownHost, hosts=options.hosts)
    app.add_middleware(Requests, observers=(counts.requested,))
    app.add_middleware(Headers)
