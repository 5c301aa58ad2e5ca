"""Loading and saving without the progress bars of transformers, which would write across the study's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import transformers.utils.logging


@contextmanager
def no_bars() -> Iterator[None]:
    bars: Any = transformers.utils.logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            bars.enable_progress_bar()
