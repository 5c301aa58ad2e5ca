"""Headless Chromium for the tests of the page: found by one function, and never downloaded by them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "the tests of the page need Chromium, and none was found; try: apt-get install chromium, or "
    "`.venv/bin/playwright install chromium`, or set KINJECT_CHROMIUM to one that is there"
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
    named = os.environ.get("KINJECT_CHROMIUM")
    on_path = next((found for name in NAMES if (found := shutil.which(name))), None)
    return named or on_path or (playwrights_own if Path(playwrights_own).is_file() else None)


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = chromium(playwright.chromium.executable_path)
        if path is None:
            pytest.fail(MISSING, pytrace=False)
        # Chromium's own sandbox needs what a container of root does not have; what is shown here is ours.
        alone = () if os.geteuid() else ("--no-sandbox",)
        found = playwright.chromium.launch(executable_path=path, args=[*QUIET, *alone])
        yield found
        found.close()
