"""Reading prompts into a key-value cache: left-padded, in calls of bounded size, what was read before only once.

Prompts of one system begin alike (system message, tools), and a dialogue's next prompt begins with its last one. Does
not choose tokens.
"""

import inspect
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from transformers import Cache, DynamicCache, PreTrainedModel

from kinject.lm.beginnings import Beginning, Ids, Share, can_keep, dealt, kept, stop_recording

# Tokens of one call. On a CPU activations that leave its cache halve the speed (measured: 10 instead of 20 thousand
# tokens a second); on a GPU the bound is memory's.
CALL_TOKENS = {"cpu": 2048, "cuda": 32768}
SHARED_TOKENS = 32  # a shorter common beginning is not worth the copying
REMEMBERED = 4  # common beginnings kept for later batches
REMEMBERED_BYTES = 512 * 2**20  # of the latest rows


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


class Prefiller:
    """Reads batches for one model with one adapter, and remembers what it has read, to go on from there."""

    def __init__(self) -> None:
        self._beginnings: list[Beginning] = []
        self._rows: list[Beginning] = []
        self._last: Ids = ()

    def __call__(self, model: PreTrainedModel, sequences: Sequence[Ids]) -> Prefilled:
        cache = DynamicCache(config=model.config)
        if not can_keep(cache):
            batch = left_padded(sequences, model.device)
            return Prefilled(_read(model, batch, cache), batch, cache)
        self._learn(model, sequences)
        shares = self._shares(model, sequences)
        cache = dealt(shares, model.config)
        batch = left_padded(sequences, model.device, [share.length for share in shares])
        logits = _read(model, batch, cache)
        self._remember(kept(cache, sequences, shares))
        stop_recording(cache)
        return Prefilled(logits, batch, cache)

    def _shares(self, model: PreTrainedModel, sequences: Sequence[Ids]) -> list[Share]:
        """What each row takes of what is known, so that least is left to read; nothing where little would be saved.

        Rows of which little is known are first read as far as the others are, if that is less work.
        """
        known = [self._gone_on(ids) for ids in sequences]
        lefts = [len(ids) - share.length for ids, share in zip(sequences, known, strict=True)]
        width = min(lefts, key=lambda width: _work(lefts, width))
        behind = [row for row, left in enumerate(lefts) if left > width]
        if behind and _work(lefts, width) + SHARED_TOKENS * len(lefts) <= _work(lefts, max(lefts)):
            parts = [sequences[row][: len(sequences[row]) - width] for row in behind]
            for row, read in zip(behind, self._read_apart(model, parts), strict=True):
                known[row] = Share(read, len(read.ids))
        return self._aligned(sequences, known)

    def _read_apart(self, model: PreTrainedModel, sequences: Sequence[Ids]) -> list[Beginning]:
        shares = self._aligned(sequences, [self._gone_on(ids) for ids in sequences])
        cache = dealt(shares, model.config)
        _read(model, left_padded(sequences, model.device, [share.length for share in shares]), cache)
        return list(kept(cache, sequences, shares))

    def _aligned(self, sequences: Sequence[Ids], known: Sequence[Share]) -> list[Share]:
        """The shares cut so that all rows read equally many tokens: no padding comes between beginning and rest."""
        best, width = [Share()] * len(sequences), max(map(len, sequences)) - SHARED_TOKENS + 1
        for way in [known] + [[Share(own, _shared(ids, own.ids)) for ids in sequences] for own in self._beginnings]:
            left = max(len(ids) - share.length for ids, share in zip(sequences, way, strict=True))
            cut = [_cut(share, len(ids) - left) for ids, share in zip(sequences, way, strict=True)]
            if left < width and None not in cut:
                best, width = [share for share in cut if share], left
        return best

    def _gone_on(self, ids: Ids) -> Share:
        """The longest row that these tokens go on from, or else the beginning with which they have most in common."""
        rows = [own for own in self._rows if len(own.ids) < len(ids) and ids[: len(own.ids)] == own.ids]
        whole = max(rows, key=lambda own: len(own.ids), default=None)
        if whole:
            return Share(whole, len(whole.ids))
        shares = [Share(own, _shared(ids, own.ids)) for own in self._beginnings]
        return max(shares, key=lambda share: share.length, default=Share())

    def _remember(self, rows: Iterable[Beginning]) -> None:
        """The latest rows, as many as there is room for."""
        self._rows = [*(own for own in rows if len(own.ids) >= SHARED_TOKENS), *self._rows]
        used = list(accumulate(own.size_bytes for own in self._rows))
        self._rows = self._rows[: bisect_right(used, REMEMBERED_BYTES)]

    def _learn(self, model: PreTrainedModel, sequences: Sequence[Ids]) -> None:
        """Read the beginning that all rows, or a lone prompt and the one before it, have in common, unless known."""
        rows = list(sequences) if len(sequences) > 1 else [self._last, *sequences]
        self._last = sequences[0]
        # What the first and the last in order have in common, all in between have too.
        shared = rows[0][: min(_common(min(rows), max(rows)), min(map(len, rows)) - 1)]
        known = max((_common(shared, own.ids) for own in [*self._beginnings, *self._rows]), default=0)
        if len(shared) - known < SHARED_TOKENS:
            return
        cache = dealt([Share()], model.config)
        _read(model, left_padded([shared], model.device), cache)
        self._beginnings = [*kept(cache, [shared], [Share()]), *self._beginnings][:REMEMBERED]


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


def _work(lefts: Sequence[int], width: int) -> int:
    """Tokens to read, padding included, if rows with more than `width` left are first read up to there."""
    behind = [left - width for left in lefts if left > width]
    return len(lefts) * width + len(behind) * max(behind, default=0)


def _cut(share: Share, length: int) -> Share | None:
    """A share of another length; None where the states there are not kept."""
    if length <= 0 or share.beginning is None:
        return Share()
    return Share(share.beginning, length) if share.beginning.can_be_cut(length) else None


def _shared(ids: Ids, known: Ids) -> int:
    return min(_common(ids, known), len(ids) - 1)


def _common(first: Ids, second: Ids) -> int:
    """The length of the common beginning of two sequences."""
    length = min(len(first), len(second))
    if first[:length] == second[:length]:
        return length
    return next(place for place, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
