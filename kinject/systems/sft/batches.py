"""Examples as token ids, in right-padded batches of rows of about equal length.

A text is cut where it is longer than the window; it never shares a row with another one.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch

from kinject.lm.base import Chat
from kinject.lm.encoding import ChatEncoder
from kinject.lm.prompts import dialogue
from kinject.systems.sft.text import Example


@dataclass(frozen=True, slots=True)
class Row:
    """Token ids, of which those from `learnt` on are predicted."""

    ids: tuple[int, ...]
    learnt: int


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """`ids` [rows, length]; `positions` of [rows * length] whose next token is predicted, and those tokens."""

    ids: torch.Tensor
    positions: torch.Tensor
    targets: torch.Tensor
    tokens: int


def encode(examples: Iterable[Example], encoder: ChatEncoder, end: int, longest: int) -> Iterator[Row]:
    """Every token of a text is learnt, and of a dialogue the answer's, its end included."""
    for example in examples:
        if example.question:
            prompt = encoder.prompt(Chat(dialogue(example.question)))
            ids = (*prompt, *encoder.answer(example.answer), end)
            if len(ids) <= longest:
                yield Row(ids, len(prompt))
        else:
            ids = (*encoder.answer(example.answer), end)
            for start in range(0, len(ids), longest):
                yield Row(ids[start : start + longest], 1)


def batched(rows: Iterable[Row], batch_tokens: int, pad: int, rng: random.Random) -> list[Batch]:
    """Batches of at most `batch_tokens`, padding included (one row at least), in random order."""
    shuffled = [row for row in rows if len(row.ids) > row.learnt]
    rng.shuffle(shuffled)
    groups: list[list[Row]] = []
    for row in sorted(shuffled, key=lambda row: len(row.ids)):
        if not groups or (len(groups[-1]) + 1) * len(row.ids) > batch_tokens:
            groups.append([])
        groups[-1].append(row)
    rng.shuffle(groups)
    return [_collate(group, pad) for group in groups]


def _collate(rows: Sequence[Row], pad: int) -> Batch:
    length = max(len(row.ids) for row in rows)
    ids = torch.tensor([row.ids + (pad,) * (length - len(row.ids)) for row in rows])
    positions = [n * length + t - 1 for n, row in enumerate(rows) for t in range(row.learnt, len(row.ids))]
    targets = [token for row in rows for token in row.ids[row.learnt :]]
    return Batch(ids, torch.tensor(positions), torch.tensor(targets), sum(len(row.ids) for row in rows))
