"""Inject one corpus into a language model by training, retrieval and a knowledge graph, and measure what holds.

`kinject.load_run(path)` gives a finished run as data frames.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Only when it is asked for: `import kinject` stays light.
    if name == "load_run":
        return import_module("kinject.frames").load_run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
