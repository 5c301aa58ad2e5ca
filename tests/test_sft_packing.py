"""Texts in one row do not see each other, in a model with convolutions as in one without."""

import random

import pytest
import torch
import torch.nn.functional as F
from conftest import make_toy_corpus

from kinject.errors import ModelError
from kinject.lm.loading import load
from kinject.systems import sft
from kinject.systems.sft import packing
from kinject.systems.sft.batches import Row, batched

CORPUS = make_toy_corpus()


@pytest.fixture(params=["tiny_lfm2", "tiny_qwen3"])
def loaded(request):
    found = load(str(request.getfixturevalue(request.param)), "cpu")
    found.model.float()
    return found


def losses(model, batch):
    with torch.no_grad():
        logits = model(input_ids=batch.ids, use_cache=False, **packing.inputs(model, batch)).logits.flatten(0, 1)
        found = F.cross_entropy(logits[batch.positions], batch.targets, reduction="none")
    return sorted(zip(batch.targets.tolist(), found.tolist(), strict=True))


def test_losses_of_packed_texts_are_those_of_the_texts_alone(loaded):
    rows = sft.rows(CORPUS, sft.Config(), loaded.tokenizer, random.Random(0))[:12]
    (packed,) = packing.packed(rows, 10**6, 0, packing.gap_of(loaded.model), random.Random(0))
    alone = sorted(pair for batch in batched(rows, 1, 0, random.Random(0)) for pair in losses(loaded.model, batch))
    assert [token for token, _ in alone] == [token for token, _ in losses(loaded.model, packed)]
    together = torch.tensor([loss for _, loss in losses(loaded.model, packed)])
    torch.testing.assert_close(together, torch.tensor([loss for _, loss in alone]), rtol=1e-5, atol=1e-5)


def test_packed_rows_keep_to_their_size_and_lose_no_text():
    rows = [Row(tuple(range(n)), (True,) * n) for n in range(2, 40)]
    batches = packing.packed(rows, 100, 0, 3, random.Random(0))
    assert max(batch.ids.numel() for batch in batches) <= 100
    assert sum(batch.tokens for batch in batches) == sum(len(row.ids) for row in rows)
    assert sum(len(batch.targets) for batch in batches) == sum(len(row.ids) - 1 for row in rows)


def test_a_model_that_keeps_packed_texts_apart_passes(loaded):
    packing.check(loaded.model)


def test_a_model_in_which_texts_see_each_other_is_refused(tiny_lfm2, monkeypatch):
    model = load(str(tiny_lfm2), "cpu").model
    monkeypatch.setattr(packing, "_has_convolutions", lambda model: False)
    with pytest.raises(ModelError, match="does not keep packed texts apart; train it with packing=false"):
        packing.check(model)


def test_a_packed_training_learns(tiny_lm, tmp_path):
    sft.build(CORPUS, tmp_path, tiny_lm, sft.Config(epochs=2, packing=True, max_new_tokens=2))
    first, last = (epoch.loss for epoch in sft.curve(tmp_path)[1:])
    assert last < first
