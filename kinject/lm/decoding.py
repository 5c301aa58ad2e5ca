"""Decoding, greedy or sampled, and teacher forcing of a batch of token sequences on one transformers model.

A batch is padded on the left, prefilled and decoded together; a row leaves the batch when it is done.
Does not know chats, templates or who asks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from kinject.lm.beginnings import Ids
from kinject.lm.grammar import Constraint
from kinject.lm.prefill import Prefiller, forward, left_padded
from kinject.lm.sampling import Sampling


def _always() -> bool:
    return True


@dataclass(frozen=True, eq=False, slots=True)
class Prompt:
    """A row whose prompt is not wanted any more leaves its batch before the next token.

    `said` is told what is written, after each token that is not the last.
    """

    ids: Ids
    max_new_tokens: int
    constraint: Constraint | None = None
    sampling: Sampling | None = None
    is_wanted: Callable[[], bool] = _always
    said: Callable[[Ids], None] | None = None


@dataclass(frozen=True, slots=True)
class Generated:
    """`ids` without the stop token; `log_probabilities` with that of the stop token where `stopped`.

    They are of the model's own distribution, a log-softmax in float32 before any grammar. `unconstrained` is
    False where the prompt's grammar overruled the model.
    """

    ids: Ids
    log_probabilities: tuple[float, ...]
    stopped: bool
    unconstrained: bool = True
    stop: int | None = None  # the token that it stopped with


@dataclass(frozen=True, slots=True)
class Forced:
    """An answer to score: natural log-probability of `answer` after `ids`, and of stopping after it."""

    ids: Ids
    answer: Ids


@torch.inference_mode()
def generate(
    model: PreTrainedModel,
    prompts: Sequence[Prompt],
    stop_ids: frozenset[int],
    done: Callable[[int, Generated], None],
    prefill: Prefiller | None = None,
) -> None:
    """Decode every prompt; `done(index, generated)` is called for each that is wanted, as soon as it has ended."""
    rows = [_Row(index, prompt) for index, prompt in enumerate(prompts)]
    read = (prefill or Prefiller())(model, [prompt.ids for prompt in prompts])
    batch, cache, logits = read.batch, read.cache, read.logits
    while True:
        tokens = _next_tokens(rows, logits)
        normaliser = logits.logsumexp(-1)
        chosen = logits.gather(1, torch.tensor(tokens, device=logits.device)[:, None])[:, 0]
        going = []
        for place, (row, token, logp) in enumerate(zip(rows, tokens, (chosen - normaliser).tolist(), strict=True)):
            if row.add(token, logp, stop_ids):
                done(row.index, row.generated)
            elif row.prompt.is_wanted():
                going.append(place)
                if row.prompt.said:
                    row.prompt.said(tuple(row.ids))
        if len(going) < len(rows):
            rows, tokens = [rows[place] for place in going], [tokens[place] for place in going]
            if not rows:
                return
            kept: Any = torch.tensor(going, device=model.device)
            # Also narrows the states of convolutions, which batch_select_indices does not.
            cache.reorder_cache(kept)
            batch = batch.select(kept)
        batch = batch.followed_by(tokens)
        logits = forward(model, batch, keep=1, past_key_values=cache, use_cache=True)[:, -1].float()


@torch.inference_mode()
def score(model: PreTrainedModel, answers: Sequence[Forced], stop_ids: frozenset[int]) -> list[float]:
    """Teacher-forced log-probabilities, in one call of the model."""
    batch = left_padded([row.ids + row.answer for row in answers], model.device)
    keep = 1 + max(len(row.answer) for row in answers)
    logits = forward(model, batch, keep=keep, use_cache=False)
    stops = torch.tensor(sorted(stop_ids), device=model.device)
    scores = []
    for row, row_logits in zip(answers, logits, strict=True):
        logp = row_logits[-1 - len(row.answer) :].float().log_softmax(-1)
        answer = torch.tensor(row.answer, dtype=torch.long, device=model.device)
        scores.append(float(logp[:-1].gather(1, answer[:, None]).sum() + logp[-1, stops].logsumexp(0)))
    return scores


@dataclass(eq=False, slots=True)
class _Row:
    index: int
    prompt: Prompt
    ids: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    stopped: bool = False
    stop: int | None = None
    rng: np.random.Generator | None = field(init=False)
    constraint: Constraint | None = field(init=False)

    def __post_init__(self) -> None:
        # What it has allowed so far is of this row: a prompt can be decoded again.
        self.constraint = self.prompt.constraint.copy() if self.prompt.constraint else None
        sampling = self.prompt.sampling
        self.rng = sampling.rng(self.prompt.ids) if sampling else None

    def choose(self, likeliest: int, logits: torch.Tensor) -> int:
        """Where the grammar forbids what was drawn, it is the likeliest that is allowed."""
        first = likeliest
        if self.rng is not None and (sampling := self.prompt.sampling):
            chances = (logits / sampling.temperature).softmax(-1, dtype=torch.float64).cumsum(-1)
            drawn = torch.searchsorted(chances, self.rng.random() * float(chances[-1]), right=True)
            first = min(int(drawn), len(chances) - 1)
        return self.constraint.choose(first, logits) if self.constraint else first

    def add(self, token: int, logp: float, stop_ids: frozenset[int]) -> bool:
        """Whether the row has ended with this token."""
        self.log_probabilities.append(logp)
        self.stopped = token in stop_ids
        if self.stopped:
            self.stop = token
        else:
            self.ids.append(token)
        return self.stopped or len(self.ids) >= self.prompt.max_new_tokens

    @property
    def generated(self) -> Generated:
        unconstrained = self.constraint is None or self.constraint.unconstrained
        return Generated(tuple(self.ids), tuple(self.log_probabilities), self.stopped, unconstrained, self.stop)


def _next_tokens(rows: Sequence[_Row], logits: torch.Tensor) -> list[int]:
    likeliest: list[int] = logits.argmax(-1).tolist()
    return [row.choose(first, logits[place]) for place, (row, first) in enumerate(zip(rows, likeliest, strict=True))]
