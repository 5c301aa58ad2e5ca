"""Passages that can be searched by meaning (FAISS), by words (BM25) or by both.

A flat FAISS index is exact, and fast enough up to about 200,000 passages. Vectors and passages are stored; BM25 is
made from the passages when they are loaded.
"""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import bm25s
import faiss
import numpy as np

from kinject.errors import StoreError
from kinject.lm.compute import computes
from kinject.systems.rag.chunks import Chunk
from kinject.systems.rag.embed import Embedder, Vectors

Retriever = Literal["fused", "dense", "bm25"]

# Reciprocal rank fusion: a passage at rank r of a ranking scores 1 / (60 + r) (Cormack et al., SIGIR 2009).
_RRF = 60
# How far down each of the fused rankings counts.
_DEPTH = 50
_VECTORS, _CHUNKS = "vectors.faiss", "chunks.jsonl"
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Hit:
    """`score` is a cosine (dense), a BM25 score or a fused reciprocal rank: comparable within one retriever only."""

    chunk: Chunk
    score: float


class Index:
    def __init__(self, chunks: Sequence[Chunk], vectors: faiss.Index, embedder: Embedder) -> None:
        self.chunks = tuple(chunks)
        self._vectors = vectors
        self._embedder = embedder
        self._bm25 = bm25s.BM25()
        self._bm25.index([_words(chunk.text) for chunk in self.chunks], show_progress=False)

    def search(self, query: str, k: int, retriever: Retriever = "fused") -> tuple[Hit, ...]:
        """The k best passages, best first; fewer where the corpus has fewer or, for BM25, where none shares a word."""
        if retriever == "dense":
            found = self._by_meaning(query, k)
        elif retriever == "bm25":
            found = self._by_words(query, k)
        else:
            found = _fuse(self._by_meaning(query, _DEPTH), self._by_words(query, _DEPTH))[:k]
        return tuple(Hit(self.chunks[number], score) for number, score in found)

    @computes
    def _by_meaning(self, query: str, k: int) -> list[tuple[int, float]]:
        scores, numbers = self._vectors.search(self._embedder.encode([query]), min(k, len(self.chunks)))
        return [(int(number), float(score)) for number, score in zip(numbers[0], scores[0], strict=True)]

    def _by_words(self, query: str, k: int) -> list[tuple[int, float]]:
        words = _words(query)
        if not words:
            return []
        scores = self._bm25.get_scores(words)
        best = np.argsort(-scores, kind="stable")[:k]
        return [(int(number), float(scores[number])) for number in best if scores[number] > 0]


def write(folder: Path, chunks: Sequence[Chunk], vectors: Vectors) -> None:
    """Passages and their vectors, a row each, for `load`."""
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    faiss.write_index(flat, str(folder / _VECTORS))
    lines = (json.dumps(asdict(chunk), ensure_ascii=False) + "\n" for chunk in chunks)
    (folder / _CHUNKS).write_text("".join(lines), encoding="utf-8")


def load(folder: Path, embedder: Embedder) -> Index:
    """Read what `write` wrote. Raises StoreError if vectors and passages do not belong together."""
    vectors = faiss.read_index(str(folder / _VECTORS))
    lines = (folder / _CHUNKS).read_text(encoding="utf-8").splitlines()
    if vectors.ntotal != len(lines):
        raise StoreError(f"{folder} holds {vectors.ntotal} vectors for {len(lines)} passages; delete it to rebuild it")
    return Index([Chunk(**json.loads(line)) for line in lines], vectors, embedder)


def _fuse(*rankings: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    scores: dict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, (number, _) in enumerate(ranking, start=1):
            scores[number] += 1 / (_RRF + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
