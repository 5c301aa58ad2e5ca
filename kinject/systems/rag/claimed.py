"""An index with one passage more, which somebody wrote: found by the same rankings, and nothing is built or stored.

By meaning the passage is where it would be. By words it is scored with the rarity of words that it would bring about,
while the others keep the scores that they had.
"""

import math
from collections import Counter
from functools import cached_property

from kinject.lm.compute import computes
from kinject.systems.rag.chunks import Chunk
from kinject.systems.rag.index import Index, Ranking, words

_MEASURED = 2000  # passages, evenly over the index, that tell how long one is


class ClaimedIndex(Index):
    """May be searched from many threads, as the index that it is made of goes on being."""

    def __init__(self, index: Index, claimed: Chunk) -> None:
        self.__dict__.update(index.__dict__)
        self.chunks = (*index.chunks, claimed)
        self._claimed = claimed

    @computes
    def _by_meaning(self, query: str, k: int) -> Ranking:
        score = float(self._vector(query)[0] @ self._vector(self._claimed.text)[0])
        return self._with(score, super()._by_meaning(query, k), k)

    def _by_words(self, query: str, k: int) -> Ranking:
        score = self._shared_words(query)
        found = super()._by_words(query, k)
        return self._with(score, found, k) if score > 0 else found

    def _with(self, score: float, found: Ranking, k: int) -> Ranking:
        added = [*found, (len(self.chunks) - 1, score)]
        return sorted(added, key=lambda one: -one[1])[:k]

    def _shared_words(self, query: str) -> float:
        """BM25 as bm25s counts it by default (Lucene's variant)."""
        bm25, own = self._parts.bm25, Counter(words(self._claimed.text))
        length = own.total() / self._usual_length
        damped = bm25.k1 * (1 - bm25.b + bm25.b * length)
        rarities = ((self._rarity(word), own[word]) for word in words(query) if word in own)
        return float(sum(rarity * count / (count + damped) for rarity, count in rarities))

    def _rarity(self, word: str) -> float:
        scores, place = self._parts.bm25.scores, self._parts.bm25.vocab_dict.get(word)
        having = 1 + (0 if place is None else int(scores["indptr"][place + 1] - scores["indptr"][place]))
        return math.log(1 + (len(self.chunks) - having + 0.5) / (having + 0.5))

    @cached_property
    def _usual_length(self) -> float:
        """In words; at least one, so that an index of empty passages divides nothing by nothing."""
        others = self.chunks[:-1]
        seen = others[:: max(1, len(others) // _MEASURED)]
        return max(1.0, sum(len(words(chunk.text)) for chunk in seen) / max(1, len(seen)))
