"""Texts that share a row without seeing each other: a block-diagonal mask, and positions that begin anew.

Short convolutions look back over a few tokens; for them as many empty tokens stand between two texts. Whether a model
keeps packed texts apart is not looked up but tried.
"""

import random
from collections.abc import Iterable
from typing import Any

import torch

from kinject.errors import ModelError
from kinject.lm.compute import computes
from kinject.systems.sft.batches import Batch, Packed, Row

# A PreTrainedModel, of which transformers leaves half the methods untyped.
Network = Any

# Two texts whose hidden states differ by more than this share of their length have seen each other.
_ROUNDING = {torch.float32: 1e-4, torch.bfloat16: 5e-2, torch.float16: 5e-3}


def packed(rows: Iterable[Row], batch_tokens: int, pad: int, gap: int, rng: random.Random) -> list[Batch]:
    """Batches of one row of at most `batch_tokens` (one text at least), filled with texts in random order."""
    shuffled = [row for row in rows if any(row.learnt[1:])]
    rng.shuffle(shuffled)
    groups: list[list[Row]] = []
    room = 0
    for row in shuffled:
        if not groups or len(row.ids) + gap > room:
            groups.append([])
            room = batch_tokens + gap
        groups[-1].append(row)
        room -= len(row.ids) + gap
    return [_joined(group, pad, gap) for group in groups]


def gap_of(model: Network) -> int:
    """The empty tokens that this model needs between two texts: what its convolutions look back over."""
    config = model.config.get_text_config()
    return int(config.conv_L_cache) - 1 if _has_convolutions(model) else 0


def inputs(model: Network, batch: Batch) -> dict[str, Any]:
    """What the model is given beside the tokens, so that the texts of a packed batch do not see each other."""
    if batch.packed is None:
        return {}
    segments, places = batch.packed.segments.to(model.device), batch.packed.places.to(model.device)
    if not _has_convolutions(model):
        # From positions that begin anew transformers makes the mask itself, whatever the kind of attention.
        return {"position_ids": places}
    length = segments.shape[1]
    same = segments[:, None, :, None] == segments[:, None, None, :]
    causal = torch.ones(length, length, dtype=torch.bool, device=model.device).tril()
    return {"position_ids": places, "attention_mask": {"full_attention": same & causal, "conv": segments >= 0}}


@computes
@torch.no_grad()
def check(model: Network) -> None:
    """Try it on two short texts. Raises ModelError for a model in which one sees the other."""
    one, two = (Row(tuple(range(first, first + 9)), (True,) * 9) for first in (10, 40))
    batch = _joined([one, two], 0, gap_of(model))
    together = model.base_model(batch.ids.to(model.device), use_cache=False, **inputs(model, batch))
    alone = model.base_model(torch.tensor([two.ids], device=model.device), use_cache=False)
    apart = together.last_hidden_state[0, -9:].float() - alone.last_hidden_state[0].float()
    if float(apart.norm() / alone.last_hidden_state.float().norm()) > _ROUNDING[model.dtype]:
        raise ModelError(f"{type(model).__name__} does not keep packed texts apart; train it with packing=false")


def _has_convolutions(model: Network) -> bool:
    return "conv" in (getattr(model.config.get_text_config(), "layer_types", None) or ())


def _joined(rows: list[Row], pad: int, gap: int) -> Batch:
    """One row; `segments` numbers its texts, and is below 0 between them."""
    ids: list[int] = []
    segments: list[int] = []
    places: list[int] = []
    positions: list[int] = []
    for number, row in enumerate(rows):
        if number:
            ids, segments, places = [*ids, *[pad] * gap], [*segments, *[-1] * gap], [*places, *range(gap)]
        positions += [len(ids) + t - 1 for t in range(1, len(row.ids)) if row.learnt[t]]
        ids, segments, places = [*ids, *row.ids], [*segments, *[number] * len(row.ids)], [*places, *range(len(row.ids))]
    targets = [row.ids[t] for row in rows for t in range(1, len(row.ids)) if row.learnt[t]]
    tensors = torch.tensor([ids]), torch.tensor(positions), torch.tensor(targets)
    tokens = sum(len(row.ids) for row in rows)
    return Batch(*tensors, tokens, Packed(torch.tensor([segments]), torch.tensor([places])))
