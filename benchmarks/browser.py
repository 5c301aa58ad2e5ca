"""Headless Chromium, found by one function and never downloaded, and an app served to it on the loopback interface."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, sync_playwright

from kinject.errors import OptionError

NAMED_BY = "KINJECT_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "the page is driven in Chromium, and none was found; try: apt-get install chromium, or "
    f"playwright install chromium, or set {NAMED_BY} to one that is there"
)
# Nothing but the page is to be asked for, so what the browser does by itself is switched off.
QUIET = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--font-render-hinting=none",
)


def chromium(playwrights_own: str = "") -> str | None:
    """The browser's path: what KINJECT_CHROMIUM names, one on the path, or Playwright's own."""
    on_path = next((found for name in NAMES if (found := shutil.which(name))), None)
    return os.environ.get(NAMED_BY) or on_path or (playwrights_own if Path(playwrights_own).is_file() else None)


@contextmanager
def browser() -> Iterator[Browser]:
    """Raises OptionError where there is no Chromium. While it is open, this thread has a running event loop."""
    with sync_playwright() as playwright:
        path = chromium(playwright.chromium.executable_path)
        if path is None:
            raise OptionError(MISSING)
        # Chromium's own sandbox needs what root in a container does not have, and what is shown here is our own.
        alone = () if os.geteuid() else ("--no-sandbox",)
        found = playwright.chromium.launch(executable_path=path, args=[*QUIET, *alone])
        try:
            yield found
        finally:
            found.close()


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The address of the app while uvicorn serves it on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "uvicorn stopped before it had started"
        thread.join(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
