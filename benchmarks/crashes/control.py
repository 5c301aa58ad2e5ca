"""The same study without protection, which the harness must catch: else it would not see a fault of the real one.

Files and folders are written straight to their places, a folder counts as finished as soon as it has its manifest,
which comes first, and a kill takes the ends of the files written last with it, as a power cut takes what is not synced.
"""

import json
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kinject import store
from kinject.store.artifact import MANIFEST
from kinject.store.files import remove

_CUT = 2  # files: with a third, a folder would lose its manifest too, and be built again


def unprotect() -> None:
    """Take the protection of this process off, for good."""
    swaps: list[tuple[Callable[..., Any], Callable[..., Any]]] = [
        (store.new_artifact, _artifact),
        (store.artifact_is, _is),
        (store.write_whole, _write),
    ]
    for module in [module for name, module in sys.modules.items() if name.startswith("kinject")]:
        for old, new in swaps:
            if getattr(module, old.__name__, None) is old:
                setattr(module, old.__name__, new)


def lose(folder: Path, rng: random.Random) -> None:
    """Cut the files that were written last, each somewhere."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size]
    for path in sorted(files, key=lambda path: path.stat().st_mtime_ns)[-_CUT:]:
        with path.open("r+b") as file:
            file.truncate(rng.randrange(path.stat().st_size))


@contextmanager
def _artifact(path: Path, fingerprint: str) -> Iterator[Path]:
    remove(path)
    path.mkdir(parents=True)
    _write(path / MANIFEST, json.dumps(fingerprint))
    yield path
    store.crash_point("artifact.filled")


def _is(path: Path, fingerprint: str) -> bool:
    return (path / MANIFEST).exists() and (path / MANIFEST).read_text(encoding="utf-8") == json.dumps(fingerprint)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    store.crash_point("file.written")
