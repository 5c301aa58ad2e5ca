"""Lessons as padded tensors: groups of about equal length, and of about equal size, so that little is padding."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from kinject.lab import pointers
from kinject.lab.encoding import Encoded
from kinject.lab.pointers import Supervision

_MULTIPLE = 32  # lengths are padded to it, so that few shapes occur


@dataclass(frozen=True, slots=True)
class Batch:
    """Right-padded ids [rows, length]; the flat positions whose next token is predicted, with targets and weights."""

    ids: torch.Tensor
    positions: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
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
    ids = torch.full((len(group), longest), pad)
    positions: list[int] = []
    targets: list[int] = []
    weights: list[float] = []
    answers: list[tuple[str, int, int]] = []
    for row, e in enumerate(group):
        ids[row, : len(e.ids)] = torch.tensor(e.ids)
        decisive = {link.position + 1: link.weight for link in e.copies}
        messages: list[list[int]] = []  # of the assistant: the final answer is the last, a call the one before it
        for t in range(1, len(e.ids)):
            if e.learnt[t] or rng.random() < share:
                if e.learnt[t] and not e.learnt[t - 1]:
                    messages.append([])
                if e.learnt[t]:
                    messages[-1].append(len(positions))
                positions.append(row * longest + t - 1)
                targets.append(e.ids[t])
                weights.append(decisive.get(t, 1.0) if e.learnt[t] else weight / share)
        answers.append((e.ability, messages[-1][0], messages[-1][-1] + 1))
        if e.calls:
            answers.append((f"{e.ability}_call", messages[-2][0], messages[-2][-1] + 1))
    return Batch(
        ids,
        torch.tensor(positions),
        torch.tensor(targets),
        torch.tensor(weights),
        pointers.collate(group, longest),
        tuple(answers),
        sum(len(e.ids) for e in group),
    )
