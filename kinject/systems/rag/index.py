"""Passages that can be searched by meaning (FAISS), by words (BM25), or by both and the names in the question.

By its meaning a question for "Vantor 300" is near to every Vantor, and by its words to "Vantor 300 Pro", which says
them more often. So the passages that name just what the question names, by some document's title, are a ranking too,
and those below that title are another. Where there are no titles, or the question holds none, these say nothing.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kinject.errors import StoreError
from kinject.lm.compute import computes
from kinject.systems._names import NamesInText, fold
from kinject.systems.rag import vectors as store
from kinject.systems.rag.bm25 import BM25
from kinject.systems.rag.chunks import Chunk
from kinject.systems.rag.embed import Embedder
from kinject.systems.rag.vectors import Kind, Vectors

Retriever = Literal["fused", "dense", "bm25"]

# Reciprocal rank fusion: a passage at rank r of a ranking scores 1 / (60 + r) (Cormack et al., SIGIR 2009).
_RRF = 60
# How far down each of the fused rankings counts.
_DEPTH = 50
_REMEMBERED = 1024  # vectors of questions: a study asks many of them again
_LOOKED_THROUGH = 100_000  # passages whose names are known
_CHUNKS, _WORDS = "chunks.jsonl", "bm25"
_WORD = re.compile(r"\w+")

Ranking = list[tuple[int, float]]  # a passage's place and its score, best first


@dataclass(frozen=True, slots=True)
class Hit:
    """`score` is a cosine (dense), a BM25 score or a fused reciprocal rank: comparable within one retriever only.

    `number` is the passage's place in `Index.chunks`.
    """

    chunk: Chunk
    score: float
    number: int


@dataclass(frozen=True)
class Parts:
    """What an index searches in; `exact` and `searched` are the same FAISS index where that is flat."""

    chunks: tuple[Chunk, ...]
    exact: Any
    searched: Any
    bm25: Any


class Index:
    def __init__(self, parts: Parts, embedder: Embedder, names: bool = True) -> None:
        self.chunks = parts.chunks
        self._parts = parts
        self._embedder = embedder
        self._names = NamesInText(fold(chunk.title) for chunk in parts.chunks if names)
        self._allowed: NDArray[np.bool_] | None = None
        self._vector = lru_cache(_REMEMBERED)(self._embed)
        self._named_in = lru_cache(_LOOKED_THROUGH)(self._names_of)

    def only(self, where: Callable[[Chunk], bool]) -> "Index":
        """The same index, which finds nothing but the passages for which `where` is true."""
        narrowed = Index.__new__(Index)
        narrowed.__dict__.update(self.__dict__)
        narrowed._allowed = np.array([where(chunk) for chunk in self.chunks], dtype=bool)
        return narrowed

    @property
    def size(self) -> int:
        """The passages that can be found."""
        return len(self.chunks) if self._allowed is None else int(self._allowed.sum())

    @cached_property
    def _by_document(self) -> dict[str, list[int]]:
        numbers: dict[str, list[int]] = defaultdict(list)
        for number, chunk in enumerate(self.chunks):
            numbers[chunk.document_id].append(number)
        return dict(numbers)

    def of_document(self, id: str) -> Sequence[int]:
        """The numbers of a document's passages."""
        return self._by_document.get(id, ())

    def search(self, query: str, k: int, retriever: Retriever = "fused") -> tuple[Hit, ...]:
        """The k best passages, best first; fewer where the corpus has fewer or, for BM25, where none shares a word."""
        if retriever == "dense":
            found = self._by_meaning(query, k)
        elif retriever == "bm25":
            found = self._by_words(query, k)
        else:
            found = self._fused(query)[:k]
        return tuple(Hit(self.chunks[number], score, number) for number, score in found)

    def cosine(self, query: str) -> float:
        """Of the passage that is nearest by meaning; unlike fused ranks it compares across questions."""
        return max((score for _, score in self._by_meaning(query, 1)), default=-1.0)

    def _fused(self, query: str) -> Ranking:
        rankings = [self._by_meaning(query, _DEPTH), self._by_words(query, _DEPTH)]
        wanted = set(self._names(query))
        if not wanted:
            return _fuse(*rankings)
        plain = _fuse(*rankings)
        naming = [one for one in plain if not wanted.isdisjoint(self._named_in(self.chunks[one[0]].text))]
        titled = [one for one in plain if fold(self.chunks[one[0]].title) in wanted]
        return _fuse(*rankings, naming, titled)

    def _names_of(self, text: str) -> frozenset[str]:
        return frozenset(self._names(text))

    def _embed(self, query: str) -> Vectors:
        return self._embedder.encode([query])

    @computes
    def _by_meaning(self, query: str, k: int) -> Ranking:
        if self._allowed is None:
            scores, numbers = self._parts.searched.search(self._vector(query), min(k, self.size))
        else:
            # A graph or lists of a few per cent allowed passages would miss them; to compare with these alone is exact.
            among = store.among(self._allowed)
            scores, numbers = self._parts.exact.search(self._vector(query), min(k, self.size), params=among)
        return [(int(n), float(score)) for n, score in zip(numbers[0], scores[0], strict=True) if n >= 0]

    def _by_words(self, query: str, k: int) -> Ranking:
        asked = words(query)
        if not asked:
            return []
        scores = self._parts.bm25.get_scores(asked)
        if self._allowed is not None:
            scores = np.where(self._allowed, scores, 0)
        best = np.argsort(-scores, kind="stable")[:k]
        return [(int(number), float(scores[number])) for number in best if scores[number] > 0]


def write(folder: Path, chunks: Sequence[Chunk], vectors: Vectors, kind: Kind = "flat") -> None:
    """Passages and their unit vectors, a row each, for `load`."""
    store.write(folder, vectors, kind)
    lines = (json.dumps(asdict(chunk), ensure_ascii=False) + "\n" for chunk in chunks)
    (folder / _CHUNKS).write_text("".join(lines), encoding="utf-8")
    # Every added passage changes how rare a word is, and so the scores of all others: BM25 is counted anew.
    bm25 = BM25()
    bm25.index([words(chunk.text) for chunk in chunks], show_progress=False)
    bm25.save(folder / _WORDS, show_progress=False)


def load(folder: Path, embedder: Embedder, names: bool = True) -> Index:
    """Read what `write` wrote. Raises StoreError if vectors and passages do not belong together."""
    exact = store.exact(folder)
    chunks = read_chunks(folder)
    if exact.ntotal != len(chunks):
        raise StoreError(f"{folder} holds {exact.ntotal} vectors for {len(chunks)} passages; delete it to rebuild it")
    parts = Parts(chunks, exact, store.searched(folder, exact), BM25.load(folder / _WORDS, mmap=True))
    return Index(parts, embedder, names)


def read_chunks(folder: Path) -> tuple[Chunk, ...]:
    lines = (folder / _CHUNKS).read_text(encoding="utf-8").split("\n")
    return tuple(Chunk(**json.loads(line)) for line in lines if line)


def _fuse(*rankings: Sequence[tuple[int, float]]) -> Ranking:
    scores: dict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, (number, _) in enumerate(ranking, start=1):
            scores[number] += 1 / (_RRF + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
