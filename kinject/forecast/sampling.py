"""A random part of a corpus: some of its entities, with the documents that state their facts.

Documents that state no fact are taken in the same proportion.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

from kinject.corpus import Corpus


def sampled(corpus: Corpus, entities: int, rng: random.Random) -> Corpus:
    """A corpus of that many entities, or the corpus itself if it has no more."""
    names = corpus.entities()
    if len(names) <= entities:
        return corpus
    return part(corpus, rng.sample(names, entities), rng)


def part(corpus: Corpus, names: Sequence[str], rng: random.Random) -> Corpus:
    """The corpus of some of its entities."""
    kept = set(names)
    facts = tuple(fact for fact in corpus.facts if fact.subject in kept)
    pages, stating = {fact.document_id for fact in facts}, {fact.document_id for fact in corpus.facts}
    share = len(kept) / len(corpus.entities())
    documents = tuple(d for d in corpus.documents if d.id in pages or (d.id not in stating and rng.random() < share))
    return replace(corpus, documents=documents, facts=facts)
