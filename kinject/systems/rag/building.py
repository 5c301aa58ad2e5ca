"""An index kept in a folder and brought up to date: only passages that are new are embedded.

A passage's vector depends on its text and the embedder alone. So whatever an older index of that embedder holds is
taken from it, whichever documents and options that was made of. What searches the vectors is made anew.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from kinject.progress import Progress, Step
from kinject.store import crash_point, new_artifact
from kinject.systems.rag import index, vectors
from kinject.systems.rag.chunks import Chunk
from kinject.systems.rag.embed import Embedder
from kinject.systems.rag.vectors import Kind, Vectors

_MADE = "made.json"
_BATCH = 256


@dataclass(frozen=True)
class Made:
    """How an index was made. `recall` is that of the ten nearest of its own vectors against exact search."""

    passages: int
    embedded: int
    kind: Kind
    recall: float
    embedder: str
    fingerprint: str  # the embedder's
    embedding_seconds: float
    indexing_seconds: float

    @property
    def rate(self) -> float:
        """Passages embedded a second; 0 where there was none to embed."""
        return self.embedded / self.embedding_seconds if self.embedded else 0.0


@dataclass(frozen=True)
class Wanted:
    """`fingerprint` is that of the whole index; `name` and `embedder` are the embedder's."""

    fingerprint: str
    chunks: tuple[Chunk, ...]
    name: str
    embedder: Embedder
    kind: Kind


def make(folder: Path, wanted: Wanted, progress: Progress) -> None:
    """Replace the index in `folder`, if any, by the one that is wanted."""
    started = time.perf_counter()
    texts = [chunk.text for chunk in wanted.chunks]
    known = _known(folder, wanted.embedder.fingerprint)
    new = [text for text in dict.fromkeys(texts) if text not in known]
    rows = _embedded(new, len(texts), wanted.embedder, progress)
    embedded = time.perf_counter()
    crash_point("rag.embedded")
    known.update(zip(new, rows, strict=True))
    stacked = np.stack([known[text] for text in texts])
    with new_artifact(folder, wanted.fingerprint) as unfinished:
        index.write(unfinished, wanted.chunks, stacked, wanted.kind)
        exact = vectors.exact(unfinished)
        recall = vectors.recall(vectors.searched(unfinished, exact), exact) if wanted.kind != "flat" else 1.0
        seconds = embedded - started, time.perf_counter() - embedded
        made = Made(
            len(texts), len(new), wanted.kind, recall, wanted.name, wanted.embedder.fingerprint, seconds[0], seconds[1]
        )
        (unfinished / _MADE).write_text(json.dumps(asdict(made) | {"rate": made.rate}, indent=1), encoding="utf-8")


def read_made(folder: Path) -> Made:
    row = json.loads((folder / _MADE).read_text(encoding="utf-8"))
    del row["rate"]
    return Made(**row)


def _known(folder: Path, fingerprint: str) -> dict[str, Vectors]:
    """The vectors of an older index by the texts of their passages, if the same embedder made them."""
    # An older kinject left no word of how it embedded.
    if not (folder / _MADE).exists() or read_made(folder).fingerprint != fingerprint:
        return {}
    exact = vectors.exact(folder)
    return dict(zip((chunk.text for chunk in index.read_chunks(folder)), exact.reconstruct_n(), strict=True))


def _embedded(new: Sequence[str], of: int, embedder: Embedder, progress: Progress) -> list[Vectors]:
    note = f"{len(new)} of {of} passages are new" if len(new) < of else ""
    rows: list[Vectors] = []
    progress(Step("index", 0, len(new), note))
    for start in range(0, len(new), _BATCH):
        rows.extend(embedder.encode(new[start : start + _BATCH]))
        progress(Step("index", len(rows), len(new), note))
    return rows
