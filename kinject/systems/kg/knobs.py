"""A corpus as a faulty graph would hold it: facts left out, and facts with another fact's object.

What is lost or wrong depends on the fact's id and a seed alone, so that a greater share only adds to a smaller one.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from kinject.corpus import Corpus
from kinject.types import Fact


def degraded(corpus: Corpus, dropout: float, noise: float, seed: int) -> Corpus:
    """Without a share `dropout` of the facts; a share `noise` of the rest has another object of its relation."""
    kept = tuple(fact for fact in corpus.facts if _draw(seed, "dropout", fact).random() >= dropout)
    if not noise:
        return replace(corpus, facts=kept)
    # Drawn from the whole corpus: which object a fact is given does not depend on what is left out.
    others: dict[str, list[Fact]] = {}
    for fact in corpus.facts:
        others.setdefault(fact.relation, []).append(fact)
    return replace(corpus, facts=tuple(_misread(fact, noise, seed, others) for fact in kept))


def _misread(fact: Fact, noise: float, seed: int, others: Mapping[str, Sequence[Fact]]) -> Fact:
    """The only value of a relation is never misread."""
    rng = _draw(seed, "noise", fact)
    if rng.random() >= noise:
        return fact
    values = sorted({one.object for one in others[fact.relation]} - {fact.object})
    return replace(fact, object=rng.choice(values), aliases=()) if values else fact


def _draw(seed: int, knob: str, fact: Fact) -> random.Random:
    return random.Random(f"{seed}/{knob}/{fact.id}")
