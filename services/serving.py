"""The process that serves: it takes no more questions when told to stop, and ends those that it has.

Binds one address and runs until a signal. What is served is the application's affair.
"""

import asyncio
import os
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from kinject import plugins
from kinject.errors import KinjectError

from . import logs
from .service import Service

LAST_WORDS_S = 2.0  # of the time to drain, for answers that are on their way out
SYSTEMS = "kinject.systems"
MOST_CONNECTIONS = 1024  # a second fence, far behind the desk's own: it answers without a problem's body


def run(app: FastAPI, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; a second one ends it at once."""
    service: Service = app.state.service
    threading.Thread(target=_warm, args=(service.desk.names,), name="kinject-warm", daemon=True).start()
    logs.configure(service.options.log)
    # uvicorn's own line for each request would have the question in it.
    config = uvicorn.Config(app, host, port, log_config=None, access_log=False, limit_concurrency=MOST_CONNECTIONS)
    config.timeout_graceful_shutdown = int(LAST_WORDS_S)
    _Server(config, service).run()
    if service.desk.is_busy:
        # A thread in a system that cannot be called off would keep the process until it has ended.
        os._exit(0)


class _Server(uvicorn.Server):
    """Listens on while it drains, so that who comes then is told to come back, and not that nobody is there."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[Any] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn would raise the signal again after its end, and the exit status were not 0.
        if self._loop is None or self._service.desk.draining:
            self.force_exit = self.should_exit = True
        else:
            self._service.desk.draining = True
            self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        self._stopping = asyncio.create_task(self._drained())

    async def _drained(self) -> None:
        await self._service.desk.drain(self._service.options.limits.drain_s - LAST_WORDS_S)
        self.should_exit = True


def _warm(names: tuple[str, ...]) -> None:
    """Import what the systems need, which takes seconds, beside serving: the first question does not wait for it."""
    for name in names:
        # One that cannot be imported says so to whoever asks it.
        with suppress(KinjectError, ImportError):
            plugins.load(SYSTEMS, name)
