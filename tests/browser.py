"""The browser of the page's tests: where there is none they fail with one line that says what to install."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser

from benchmarks import browser as found
from kinject.errors import OptionError


@contextmanager
def browser() -> Iterator[Browser]:
    try:
        opening = found.browser()
        window = opening.__enter__()
    except OptionError as error:
        pytest.fail(str(error), pytrace=False)
    try:
        yield window
    finally:
        opening.__exit__(None, None, None)
