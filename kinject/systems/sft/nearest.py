"""Which of the statements that were trained on are nearest to a question, by BM25. They are rendered, not recorded.

An epoch draws its wordings at random. Here each fact stands once, in the first of its own, with the answer it trains.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import bm25s
import numpy as np

from kinject.corpus import Corpus
from kinject.lm.prompts import stated
from kinject.systems.rag.index import words
from kinject.systems.sft.text import statement
from kinject.types import Fact


@dataclass(frozen=True, slots=True)
class Near:
    """A fact as it is stated and as it is answered in training; `score` is BM25's, comparable within one question."""

    fact: Fact
    statement: str
    answer: str
    score: float


class Statements:
    """An index over the facts of a corpus: made in time that grows with them, then asked often."""

    def __init__(self, corpus: Corpus) -> None:
        self._facts = corpus.facts
        self._said = list(_said(corpus))
        self._bm25 = bm25s.BM25()
        self._bm25.index(
            [words(f"{f.relation} {text}") for f, text in zip(self._facts, self._said, strict=True)],
            show_progress=False,
        )

    def nearest(self, question: str, n: int) -> list[Near]:
        """At most n that share a word with the question, the nearest first."""
        asked = words(question)
        if not asked:
            return []
        scores = self._bm25.get_scores(asked)
        best = np.argsort(-scores, kind="stable")[:n]
        return [self._near(int(place), float(scores[place])) for place in best if scores[place] > 0]

    def _near(self, place: int, score: float) -> Near:
        fact = self._facts[place]
        return Near(fact, self._said[place], stated(fact.subject, fact.relation, fact.object), score)


def _said(corpus: Corpus) -> Iterator[str]:
    for fact in corpus.facts:
        yield statement(corpus, fact, random.Random(fact.id), True)
