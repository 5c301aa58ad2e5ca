"""Reading prompts into a key-value cache: left-padded, in calls of bounded size, shared beginnings only once.

Prompts of one system begin alike (system message, tools). Their common beginning is read once and its cache dealt out
to the rows of this and later batches. Does not choose tokens.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import pad
from transformers import Cache, DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer, LinearAttentionLayer

Ids = tuple[int, ...]

# Tokens of one call. On a CPU activations that leave its cache halve the speed (measured: 10 instead of 20 thousand
# tokens a second); on a GPU the bound is memory's.
CALL_TOKENS = {"cpu": 2048, "cuda": 32768}
SHARED_TOKENS = 32  # a shorter common beginning is not worth the copying
REMEMBERED = 4  # beginnings kept for later batches


@dataclass(frozen=True, eq=False, slots=True)
class Batch:
    """Inputs of a call: `mask` covers all tokens so far, `padded` says whether any of it is 0."""

    ids: torch.Tensor
    mask: torch.Tensor
    positions: torch.Tensor
    padded: bool

    def select(self, rows: torch.Tensor) -> "Batch":
        mask = self.mask[rows]
        return Batch(self.ids[rows], mask, self.positions[rows], self.padded and not bool(mask.all()))

    def followed_by(self, tokens: Sequence[int]) -> "Batch":
        ids = torch.tensor(tokens, device=self.ids.device)[:, None]
        mask = torch.cat([self.mask, torch.ones_like(ids)], dim=1)
        return Batch(ids, mask, self.positions[:, -1:] + 1, self.padded)

    def columns(self, start: int, end: int) -> "Batch":
        """Tokens `start` to `end` of those that are yet to be read."""
        read = self.mask.shape[1] - self.ids.shape[1]
        return Batch(self.ids[:, start:end], self.mask[:, : read + end], self.positions[:, start:end], self.padded)


@dataclass(frozen=True, eq=False, slots=True)
class Prefilled:
    """`logits` (rows, vocabulary) of the next token; `batch` and `cache` to go on from."""

    logits: torch.Tensor
    batch: Batch
    cache: Cache


@dataclass(frozen=True, eq=False, slots=True)
class _Beginning:
    ids: Ids
    cache: Cache


class Prefiller:
    """Reads batches for one model with one adapter, and remembers the beginnings that prompts had in common."""

    def __init__(self) -> None:
        self._beginnings: list[_Beginning] = []
        self._last: Ids = ()

    def __call__(self, model: PreTrainedModel, sequences: Sequence[Ids]) -> Prefilled:
        cache: Cache = DynamicCache(config=model.config)
        kept = [0] * len(sequences)
        if all(type(layer) in (DynamicLayer, LinearAttentionLayer) for layer in cache.layers):
            self._learn(model, sequences)
            beginning, kept = self._best(sequences)
            if beginning is not None:
                cache = _dealt(beginning.cache, kept, model)
        batch = left_padded(sequences, model.device, kept)
        return Prefilled(_read(model, batch, cache), batch, cache)

    def _best(self, sequences: Sequence[Ids]) -> tuple[_Beginning | None, list[int]]:
        """The beginning that leaves least to read, and how many of its tokens each row takes from it."""
        longest = max(map(len, sequences))
        best, kept, width = None, [0] * len(sequences), longest - SHARED_TOKENS + 1
        for beginning in self._beginnings:
            # At least one token is left to read: it gives the logits.
            common = [min(_common(ids, beginning.ids), len(ids) - 1) for ids in sequences]
            left = max(len(ids) - shared for ids, shared in zip(sequences, common, strict=True))
            if left < width:
                # All rows read the last `left` tokens, so that no padding comes between beginning and rest.
                best, kept, width = beginning, [max(0, len(ids) - left) for ids in sequences], left
        return best, kept

    def _learn(self, model: PreTrainedModel, sequences: Sequence[Ids]) -> None:
        """Read the beginning that all rows, or a lone prompt and the one before it, have in common, unless known."""
        rows = list(sequences) if len(sequences) > 1 else [self._last, *sequences]
        self._last = sequences[0]
        # What the first and the last in order have in common, all in between have too.
        shared = rows[0][: min(_common(min(rows), max(rows)), min(map(len, rows)) - 1)]
        known = max((_common(shared, beginning.ids) for beginning in self._beginnings), default=0)
        if len(shared) - known < SHARED_TOKENS:
            return
        cache: Any = DynamicCache(config=model.config)
        cache.activate_past_recording()
        _read(model, left_padded([shared], model.device), cache)
        if not any(any(layer.is_recurrent_states_initialized.values()) for layer in _linear(cache)):
            self._beginnings = [_Beginning(shared, cache), *self._beginnings][:REMEMBERED]


def left_padded(sequences: Sequence[Ids], device: torch.device, kept: Sequence[int] = ()) -> Batch:
    """A batch of what is left of each sequence after the `kept` tokens that a cache already holds."""
    kept = kept or [0] * len(sequences)
    cached = max(kept)
    width = max(len(ids) - held for ids, held in zip(sequences, kept, strict=True))
    ids = torch.zeros(len(sequences), width, dtype=torch.long)
    mask = torch.zeros(len(sequences), cached + width, dtype=torch.long)
    for row, (sequence, held) in enumerate(zip(sequences, kept, strict=True)):
        ids[row, width - len(sequence) + held :] = torch.tensor(sequence[held:])
        mask[row, cached + width - len(sequence) :] = 1
    positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, cached:]
    return Batch(ids.to(device), mask.to(device), positions.to(device), padded=not bool(mask.all()))


def forward(model: PreTrainedModel, batch: Batch, keep: int, **options: Any) -> torch.Tensor:
    """Logits of the last `keep` positions, (rows, keep, vocabulary)."""
    known = inspect.signature(model.forward).parameters
    if "position_ids" in known:  # models with relative positions have none
        options["position_ids"] = batch.positions
    if "logits_to_keep" in known:
        options["logits_to_keep"] = keep
    # Without padding no mask is passed: attention then takes the faster causal path.
    mask = batch.mask if batch.padded else None
    logits: torch.Tensor = model(input_ids=batch.ids, attention_mask=mask, **options).logits
    return logits[:, -keep:]


def _read(model: PreTrainedModel, batch: Batch, cache: Cache) -> torch.Tensor:
    rows, width = batch.ids.shape
    step = max(1, CALL_TOKENS[model.device.type] // rows)
    for start in range(0, width, step):
        part = batch.columns(start, min(start + step, width))
        logits = forward(model, part, keep=1, past_key_values=cache, use_cache=True)
    return logits[:, -1].float()


def _dealt(beginning: Cache, kept: Sequence[int], model: PreTrainedModel) -> Cache:
    """A cache with one row for each of `kept`: that many first tokens of the beginning, padded on the left."""
    dealt = DynamicCache(config=model.config)
    layers: Any = zip(beginning.layers, dealt.layers, strict=True)
    lengths = torch.tensor(kept, device=model.device)[:, None]
    slots = torch.arange(max(kept), device=model.device)[None]
    tokens = (slots - max(kept) + lengths).clamp(min=0)
    for source, target in layers:
        if type(source) is LinearAttentionLayer:
            size: Any = source.conv_kernel_size[0]
            states: Any = source.conv_states[0]
            history = pad(states, (size, 0))[0]
            window = lengths + torch.arange(size, device=model.device)[None]
            target.update_conv_state(history[:, window].transpose(0, 1).contiguous(), conv_kernel_size=size)
        else:
            pair = (source.keys, source.values)
            target.update(*(states[0][:, tokens].transpose(0, 1).contiguous() for states in pair))
    return dealt


def _linear(cache: Cache) -> list[Any]:
    return [layer for layer in cache.layers if isinstance(layer, LinearAttentionLayer)]


def _common(first: Ids, second: Ids) -> int:
    """The length of the common beginning of two sequences."""
    length = min(len(first), len(second))
    if first[:length] == second[:length]:
        return length
    return next(place for place, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
