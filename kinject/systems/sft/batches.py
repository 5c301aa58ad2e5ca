"""Examples as token ids, in right-padded batches of rows of about equal length.

A text is cut where it is longer than the window; it never shares a row with another one.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from kinject.lm.encoding import ChatEncoder
from kinject.lm.prompts import dialogue
from kinject.systems.sft.text import Example

# A PreTrainedTokenizerBase, of which transformers leaves half the methods untyped.
Tokenizer = Any

_QUESTION = "What is asked here?"


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


def encode(examples: Sequence[Example], encoder: ChatEncoder, tokenizer: Tokenizer, longest: int) -> Iterator[Row]:
    """Every token of a text is learnt, and of a dialogue the answer's, its end included."""
    before, after = _frame(tokenizer)
    texts = [encoder.harmless(example.answer) for example in examples]
    prompts = [before + encoder.harmless(e.question) + after if e.question else "" for e in examples]
    # All at once: one call for each, through the template, would take longer than the training.
    answer_ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
    prompt_ids = tokenizer(prompts, add_special_tokens=False)["input_ids"]
    end = tokenizer.eos_token_id
    for prompt, answer in zip(prompt_ids, answer_ids, strict=True):
        ids = (*prompt, *answer, end)
        if prompt and len(ids) <= longest:
            yield Row(ids, len(prompt))
        elif not prompt:
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


def _frame(tokenizer: Tokenizer) -> tuple[str, str]:
    """What the chat template puts before and after a question."""
    messages = [{"role": m.role, "content": m.content} for m in dialogue(_QUESTION)]
    options = {"add_generation_prompt": True, "enable_thinking": False}
    before, _, after = str(tokenizer.apply_chat_template(messages, tokenize=False, **options)).partition(_QUESTION)
    return before, after


def _collate(rows: Sequence[Row], pad: int) -> Batch:
    length = max(len(row.ids) for row in rows)
    ids = torch.tensor([row.ids + (pad,) * (length - len(row.ids)) for row in rows])
    positions = [n * length + t - 1 for n, row in enumerate(rows) for t in range(row.learnt, len(row.ids))]
    targets = [token for row in rows for token in row.ids[row.learnt :]]
    return Batch(ids, torch.tensor(positions), torch.tensor(targets), sum(len(row.ids) for row in rows))
