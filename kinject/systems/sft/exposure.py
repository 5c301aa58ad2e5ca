"""How often an epoch tells of each entity: alike, or as popularity weighs it. It renders nothing."""

import random
from collections import Counter
from collections.abc import Collection
from dataclasses import replace

from kinject.corpus import Corpus


def weights(corpus: Corpus, popularity: str, seed: int) -> dict[str, float]:
    """The expected exposures of each entity in an epoch, 1 on average.

    "degree" is the number of facts in which an entity is subject or object. An exponent s is Zipf's law, 1 / rank^s, in
    an order drawn by `seed`, so that popularity has nothing to do with what is said of an entity (arXiv:2212.10511).
    """
    names = corpus.entities()
    if popularity == "degree":
        degrees = Counter(name for fact in corpus.facts for name in (fact.subject, fact.object))
        raw = {name: float(degrees[name]) for name in names}
    else:
        order = random.Random(f"{seed}/popularity").sample(names, len(names))
        raw = {name: rank ** -float(popularity or 0) for rank, name in enumerate(order, start=1)}
    mean = sum(raw.values()) / len(raw)
    return {name: value / mean for name, value in raw.items()}


def parts(corpus: Corpus, popularity: str, seed: int, rng: random.Random) -> tuple[Corpus, ...]:
    """The corpus as often as its entities are told of: the n-th part has those with n exposures or more.

    What is left of an expected number is a chance. Pages of no fact are in the first part.
    """
    if not popularity:
        return (corpus,)
    times = {name: int(w) + (rng.random() < w % 1) for name, w in weights(corpus, popularity, seed).items()}
    free = {document.id for document in corpus.documents} - {fact.document_id for fact in corpus.facts}
    return tuple(
        about(corpus, [name for name, count in times.items() if count >= n], free if n == 1 else ())
        for n in range(1, max(times.values()) + 1)
    )


def about(corpus: Corpus, names: Collection[str], pages: Collection[str] = ()) -> Corpus:
    """Only the facts of these entities, with the pages that state them and further ones by id."""
    wanted = set(names)
    facts = tuple(fact for fact in corpus.facts if fact.subject in wanted)
    kept = {fact.document_id for fact in facts} | set(pages)
    return replace(corpus, facts=facts, documents=tuple(page for page in corpus.documents if page.id in kept))
