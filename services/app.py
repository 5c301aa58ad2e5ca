"""The FastAPI application over one finished run: the guards in front, and the routes.

It binds nothing and trains nothing; `kinject serve` runs it on the loopback interface.
"""

from pathlib import Path

from fastapi import FastAPI

from kinject import __version__, study

from . import problems
from .desk import Desk
from .guard import BodyLimit, KnownHost
from .options import Options
from .routes import ask, browse, compare, edit, page, pushback, runs, state
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
    )
    problems.install(app)
    app.add_middleware(BodyLimit, limit=options.limits.body_bytes)
    if options.hosts:
        app.add_middleware(KnownHost, hosts=options.hosts)
    service = app.state.service = Service(run, Desk(run, options.limits), options, corpus, Shelf(run))
    for part in (page, ask, compare, state, browse, runs, pushback, edit):
        app.include_router(part.router(service))
    return app
