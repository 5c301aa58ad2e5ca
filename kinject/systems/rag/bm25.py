"""BM25 as bm25s counts it, imported without JAX.

It indexes and searches nothing itself.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["BM25"]


@contextmanager
def _absent(*names: str) -> Iterator[None]:
    """Modules that cannot be imported meanwhile, whether or not they are there."""
    modules: dict[str, Any] = sys.modules
    before = {name: modules[name] for name in names if name in modules}
    modules.update(dict.fromkeys(names))  # None in place of a module: its import raises ImportError
    try:
        yield
    finally:
        for name in names:
            del modules[name]
        modules.update(before)


# Where bm25s can import JAX it picks a first top-k with it at once, and JAX then takes three quarters of a GPU's
# memory, for good and from everyone on that GPU. numpy picks a few of some thousand scores as well.
with _absent("jax", "jax.lax"):
    from bm25s import BM25
