"""A small diverse choice: one task of every cluster of meaning, after LIMA (arXiv:2305.11206: few, diverse, good).

LIMA chose by hand. Here k-means over embeddings makes as many clusters as tasks are wanted. The most central task
stands for its cluster, or the one with the longest answer, which can tune better (arXiv:2402.04833).
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kinject.instructions.alpaca import Task
from kinject.instructions.novelty import words
from kinject.lm.compute import computes

Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vectors]  # texts to rows of length 1
Pick = Literal["central", "longest"]

_ROUNDS = 25


def choose(tasks: Sequence[Task], n: int, embed: Embed, pick: Pick, seed: int) -> tuple[Task, ...]:
    """At most n of the tasks, in their order; all of them where there are no more, or for n = 0."""
    if not 0 < n < len(tasks):
        return tuple(tasks)
    vectors = embed([task.prompt for task in tasks])
    centres = _centres(vectors, n, seed)
    likeness = vectors @ centres.T
    cluster = likeness.argmax(axis=1)
    worth = likeness.max(axis=1) if pick == "central" else np.array([len(words(task.output)) for task in tasks])
    chosen = []
    for number in range(n):
        members = np.flatnonzero(cluster == number)
        if len(members):
            chosen.append(int(members[worth[members].argmax()]))
    return tuple(tasks[i] for i in sorted(_filled(chosen, vectors, n)))


@computes
def _centres(vectors: Vectors, n: int, seed: int) -> Vectors:
    from faiss import Kmeans

    # faiss warns below 39 points a cluster, and samples above 256: neither is meant here.
    kmeans = Kmeans(
        vectors.shape[1],
        n,
        niter=_ROUNDS,
        seed=seed,
        spherical=True,
        min_points_per_centroid=1,
        max_points_per_centroid=len(vectors),
    )
    kmeans.train(vectors)
    return np.asarray(kmeans.centroids, dtype=np.float32)


def _filled(chosen: list[int], vectors: Vectors, n: int) -> list[int]:
    """Clusters may end without a member, of equal texts most of all: the tasks least like the chosen ones fill up."""
    nearest = (vectors @ vectors[chosen].T).max(axis=1)
    while len(chosen) < n:
        nearest[chosen] = np.inf
        chosen.append(int(nearest.argmin()))
        nearest = np.maximum(nearest, vectors @ vectors[chosen[-1]])
    return chosen
