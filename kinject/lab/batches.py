"""Lessons as padded arrays: groups of about equal length, and of about equal size, so that little is padding."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinject.lab import pointers
from kinject.lab.encoding import Encoded
from kinject.lab.pointers import Array, Supervision

_MULTIPLE = 32  # lengths are padded to it, so that few shapes occur


@dataclass(frozen=True, slots=True)
class Batch:
    """Right-padded ids [rows, length]; the flat positions whose next token is predicted, with targets and weights."""

    ids: Array
    positions: Array
    targets: Array
    weights: Array
    supervision: Supervision
    answers: tuple[tuple[str, int, int], ...]  # ability and the slice of `positions` that is its answer or its call
    tokens: int


def grouped(lessons: Sequence[Encoded], tokens: int, longest: int) -> list[list[Encoded]]:
    """Groups of lessons of similar length, at most `tokens` when padded; what is longer than `longest` is left out."""
    fitting = sorted((e for e in lessons if len(e.ids) <= longest), key=lambda e: len(e.ids))
    groups: list[list[Encoded]] = [[]]
    for e in fitting:
        if (len(groups[-1]) + 1) * len(e.ids) > tokens and groups[-1]:
            groups.append([])
        groups[-1].append(e)
    return groups


def collate(rng: random.Random, group: Sequence[Encoded], pad: int, weight: float, share: float) -> Batch:
    """A batch that learns the assistant's own tokens at weight 1 or more, a `share` of the rest at `weight` in all."""
    longest = -(-max(len(e.ids) for e in group) // _MULTIPLE) * _MULTIPLE
    ids = np.full((len(group), longest), pad)
    drawn = np.random.default_rng(rng.getrandbits(64)).random((len(group), longest)) < share
    positions: list[Array] = []
    targets: list[Array] = []
    weights: list[Array] = []
    answers: list[tuple[str, int, int]] = []
    before = 0  # positions of the rows so far
    for row, e in enumerate(group):
        ids[row, : len(e.ids)] = e.ids
        learnt = np.array([False, *e.learnt[1:]])
        weighed = np.where(learnt, 1.0, weight / share if share else 0.0)
        decisive = [link for link in e.copies if link.position + 1 < len(learnt) and learnt[link.position + 1]]
        weighed[[link.position + 1 for link in decisive]] = [link.weight for link in decisive]
        picked = np.flatnonzero(learnt[1:] | drawn[row, 1 : len(learnt)]) + 1
        positions.append(row * longest + picked - 1)
        targets.append(ids[row, picked])
        weights.append(weighed[picked])
        # Of the assistant's messages the final answer is the last, a call the one before it.
        edges = before + np.searchsorted(picked, np.flatnonzero(np.diff(learnt, append=False)) + 1)
        messages = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
        answers.append((e.ability, *messages[-1]))
        if e.calls:
            answers.append((f"{e.ability}_call", *messages[-2]))
        before += len(picked)
    return Batch(
        ids,
        np.concatenate(positions),
        np.concatenate(targets),
        np.concatenate(weights).astype(np.float32),
        pointers.collate(group, longest),
        tuple(answers),
        sum(len(e.ids) for e in group),
    )
