"""Teacher forcing of whole token sequences: every token's log-probability and the likeliest tokens in its place.

Knows no chats and no queue.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedModel

from kinject.lm.beginnings import Ids
from kinject.lm.prefill import forward, left_padded
from kinject.lm.tokens import Likely

LOGITS = 1 << 27  # of one call: half a gigabyte in float32


@dataclass(frozen=True, slots=True)
class Read:
    """A sequence to score; `top` is how many of the likeliest tokens are wanted at each place."""

    ids: Ids
    top: int


@torch.inference_mode()
def read(model: PreTrainedModel, rows: Sequence[Read]) -> list[tuple[Likely, ...]]:
    """The scored tokens of every row, in as many calls as the logits need to fit in memory."""
    return [scored for part in _parts(model, rows) for scored in _read(model, part)]


def _parts(model: PreTrainedModel, rows: Sequence[Read]) -> Iterator[Sequence[Read]]:
    """Rows come sorted by length or nearly so: neighbours are read together."""
    embeddings: Any = model.get_input_embeddings()
    vocabulary = int(embeddings.weight.shape[0])
    part: list[Read] = []
    for row in rows:
        longest = max(len(each.ids) for each in (*part, row))
        if part and (len(part) + 1) * longest * vocabulary > LOGITS:
            yield part
            part = []
        part.append(row)
    yield part


def _read(model: PreTrainedModel, rows: Sequence[Read]) -> Iterator[tuple[Likely, ...]]:
    batch = left_padded([row.ids for row in rows], model.device)
    logits = forward(model, batch, keep=batch.ids.shape[1], use_cache=False)
    for row, row_logits in zip(rows, logits, strict=True):
        # What stands at a place says what follows it, so the last place is for nobody and the first token has none.
        chances = row_logits[-len(row.ids) : -1].float().log_softmax(-1)
        taken = torch.tensor(row.ids[1:], dtype=torch.long, device=model.device)
        own = chances.gather(1, taken[:, None])[:, 0].tolist()
        best = chances.topk(min(row.top, chances.shape[-1]), -1)
        tops = [
            tuple(zip(*each, strict=True)) for each in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]
        later = (Likely(*each) for each in zip(row.ids[1:], own, tops, strict=True))
        yield (Likely(row.ids[0], None, ()), *later)
