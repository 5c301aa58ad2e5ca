"""Examples as token ids, in right-padded batches of rows of about equal length.

A text is cut where it is longer than the window; it never shares a row with another one here (see `packing`).
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from operator import eq
from typing import Any

import torch

from kinject.lm.encoding import ChatEncoder
from kinject.lm.prompts import dialogue
from kinject.lm.template import ChatTemplate
from kinject.systems.sft.text import Example
from kinject.types import Turn

# A PreTrainedTokenizerBase, of which transformers leaves half the methods untyped.
Tokenizer = Any

_QUESTION, _ANSWER, _NEXT = "What is asked here?", "This is answered.", "And what is asked then?"


@dataclass(frozen=True, slots=True)
class Row:
    """Token ids, and of each whether it is predicted."""

    ids: tuple[int, ...]
    learnt: tuple[bool, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """Of texts that share a row: `segments` [rows, length] says which one a token is of, `places` where in it."""

    segments: torch.Tensor
    places: torch.Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """`ids` [rows, length]; `positions` of [rows * length] whose next token is predicted, and those tokens."""

    ids: torch.Tensor
    positions: torch.Tensor
    targets: torch.Tensor
    tokens: int
    packed: Packed | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """What a chat template puts around questions; `again` stands before every question but the first."""

    first: str
    again: str
    after: str
    can_go_on: bool  # whether an answer in the middle of a dialogue ends as the last one does


def frame(tokenizer: Tokenizer) -> Frame:
    template = ChatTemplate(tokenizer, tokenizer.name_or_path)
    first, _, after = template.render(dialogue(_QUESTION)).partition(_QUESTION)
    history = (Turn("user", _QUESTION), Turn("assistant", _ANSWER))
    longer = template.render(dialogue(_NEXT, history)).partition(_ANSWER)[2]
    between, _, after_next = longer.partition(_NEXT)
    can_go_on = between.startswith(tokenizer.eos_token) and after_next == after
    return Frame(first, between.removeprefix(tokenizer.eos_token), after, can_go_on)


def encode(
    windows: Sequence[Sequence[Example]], encoder: ChatEncoder, tokenizer: Tokenizer, longest: int
) -> Iterator[Row]:
    """Every token of a text is learnt, and the answers' of a dialogue or by themselves, their ends included.

    A text is cut where it is longer than `longest`; a question that does not fit into a dialogue begins another one,
    and is left out only if it is too long by itself.
    """
    around = frame(tokenizer)

    def prompted(example: Example, before: str) -> str:
        return before + encoder.harmless(example.question) + around.after if example.question else ""

    pieces: list[str] = []
    for window in windows:
        for n, example in enumerate(window):
            pieces += [prompted(example, around.again if n else around.first)]
            pieces += [encoder.harmless(example.answer), encoder.harmless(example.given)]
    # All at once: one call for each, through the template, would take longer than the training.
    ids = iter(tokenizer(pieces, add_special_tokens=False)["input_ids"])
    end = tokenizer.eos_token_id
    for window in windows:
        row: list[int] = []
        learnt: list[bool] = []
        for n, example in enumerate(window):
            prompt, answer = next(ids), [*next(ids), end]
            # Where a tokenizer joins the end of what is given to what follows, that token is learnt.
            given = sum(takewhile(bool, map(eq, answer, next(ids))))
            if n and (not row or len(row) + len(prompt) + len(answer) > longest):
                if row:
                    yield Row(tuple(row), tuple(learnt))
                row, learnt = [], []
                prompt = tokenizer(prompted(example, around.first), add_special_tokens=False)["input_ids"]
            if len(prompt) + len(answer) <= longest or not example.question:
                row += [*prompt, *answer]
                learnt += [False] * (len(prompt) + given) + [True] * (len(answer) - given)
        for start in range(0, len(row), longest):
            yield Row(tuple(row[start : start + longest]), tuple(learnt[start : start + longest]))


def padding(tokenizer: Tokenizer) -> int:
    """What rows are filled up with: a tokenizer without a token for that ends them again."""
    pad: int | None = tokenizer.pad_token_id
    end: int = tokenizer.eos_token_id
    return end if pad is None else pad


def batched(rows: Iterable[Row], batch_tokens: int, pad: int, rng: random.Random) -> list[Batch]:
    """Batches of at most `batch_tokens`, padding included (one row at least), in random order."""
    shuffled = [row for row in rows if any(row.learnt[1:])]
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
    learnt = [(n, t) for n, row in enumerate(rows) for t in range(1, len(row.ids)) if row.learnt[t]]
    positions = [n * length + t - 1 for n, t in learnt]
    targets = [rows[n].ids[t] for n, t in learnt]
    return Batch(ids, torch.tensor(positions), torch.tensor(targets), sum(len(row.ids) for row in rows))
