"""Full, frozen and LoRA: which weights are trained, and that what was trained is what answers."""

from contextlib import closing
from dataclasses import replace

import pytest
import torch
from conftest import make_toy_corpus
from safetensors.torch import load_file

from kinject.errors import ModelError
from kinject.lm.base import Chat
from kinject.lm.loading import load
from kinject.lm.local import LocalLM
from kinject.lm.optim import MasterWeights
from kinject.lm.prompts import dialogue
from kinject.systems import sft
from kinject.systems.sft import methods

CORPUS = make_toy_corpus()
QUICK = sft.Config(epochs=1, batch_tokens=1024, max_new_tokens=2, lora_rank=4)
ASKED = Chat(dialogue("What is the price of Aldo?"))


def trainable(loaded):
    return {name for name, weight in loaded.model.named_parameters() if weight.requires_grad}


def test_frozen_first_layers_and_embeddings_stay_as_they_are(tiny_lm, tiny_lfm2, tmp_path):
    system = sft.build(CORPUS, tmp_path, tiny_lm, replace(QUICK, method="frozen", frozen_layers=2))
    before, after = load_file(tiny_lfm2 / "model.safetensors"), load_file(tmp_path / "model" / "model.safetensors")
    same = {name for name, weight in before.items() if torch.equal(weight, after[name])}
    assert same == {n for n in before if n.startswith(("model.embed_tokens", "model.layers.0.", "model.layers.1."))}
    assert system.parameters == sum(weight.numel() for name, weight in before.items() if name not in same)


def test_at_least_one_layer_must_be_trained(tiny_lfm2):
    with pytest.raises(ModelError, match="the model has 3 layers, so frozen_layers=3 leaves none"):
        methods.prepare(load(str(tiny_lfm2), "cpu"), replace(QUICK, method="frozen", frozen_layers=3))


TARGETS = {
    "all-linear": {"in_proj", "out_proj", "q_proj", "k_proj", "v_proj", "w1", "w2", "w3"},
    "attention": {"in_proj", "out_proj", "q_proj", "k_proj", "v_proj"},
    "mlp": {"w1", "w2", "w3"},
}


@pytest.mark.parametrize("targets", TARGETS)
def test_an_adapter_lies_beside_the_layers_that_are_named(tiny_lfm2, targets):
    loaded = load(str(tiny_lfm2), "cpu")
    methods.prepare(loaded, replace(QUICK, method="lora", lora_targets=targets))
    names = trainable(loaded)
    assert {name.split(".lora_")[0].rsplit(".", 1)[1] for name in names} == TARGETS[targets]
    assert all("lora_" in name for name in names)


@pytest.mark.parametrize("embeddings", [False, True])
def test_the_optimiser_sees_trainable_weights_only(tiny_lfm2, embeddings):
    loaded = load(str(tiny_lfm2), "cpu")
    methods.prepare(loaded, replace(QUICK, method="lora", lora_embeddings=embeddings))
    masters = [t for name, t in MasterWeights(loaded.model, 1e-3, 1e-3).tensors().items() if name.startswith("master")]
    assert len(masters) == len({id(w) for w in loaded.model.parameters() if w.requires_grad})
    assert any("embed_tokens" in name for name in trainable(loaded)) == embeddings


@pytest.mark.parametrize("targets", ["all-linear", "mlp"])
def test_an_adapter_with_embeddings_answers_as_it_was_trained(either_lm, tmp_path, targets):
    config = replace(QUICK, method="lora", lora_embeddings=True, lora_targets=targets)
    system = sft.build(CORPUS, tmp_path, either_lm, config)
    weights = load_file(tmp_path / "model" / "adapter_model.safetensors")
    assert {"lora_" in name for name in weights} == {True}
    assert system.parameters == sum(weight.numel() for weight in weights.values())
    alone = load(either_lm.info.name, "cpu")
    alone.model.float()
    methods.prepare(alone, config, tmp_path / "model")
    with closing(LocalLM.start(alone)) as trained:
        assert system.model.log_probability(ASKED, "20 EUR") == pytest.approx(trained.log_probability(ASKED, "20 EUR"))
    assert system.model.log_probability(ASKED, "20 EUR") != either_lm.log_probability(ASKED, "20 EUR")


def test_adapters_of_two_studies_answer_from_one_base(tiny_lm, tmp_path):
    alone = tiny_lm.log_probability(ASKED, "20 EUR")
    systems = [
        sft.build(CORPUS, tmp_path / str(seed), tiny_lm, replace(QUICK, method="lora", seed=seed)) for seed in (1, 2)
    ]
    assert {id(system.model.model) for system in systems} == {id(tiny_lm.model)}
    first, second = (system.model.log_probability(ASKED, "20 EUR") for system in systems)
    assert len({alone, first, second}) == 3
    assert (tiny_lm.log_probability(ASKED, "20 EUR"), systems[0].model.log_probability(ASKED, "20 EUR")) == (
        pytest.approx(alone),
        pytest.approx(first),
    )


def test_full_training_counts_every_weight_once(tiny_lm, tmp_path):
    assert sft.build(CORPUS, tmp_path, tiny_lm, QUICK).parameters == tiny_lm.info.parameters


def test_float32_and_checkpointing_train_to_the_same_weights(tiny_qwen3_lm, tmp_path):
    for name, option in (("plain", {}), ("checkpointing", {"gradient_checkpointing": True})):
        sft.build(CORPUS, tmp_path / name, tiny_qwen3_lm, replace(QUICK, dtype="float32", **option))
    one, two = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("plain", "checkpointing"))
    for name, weight in one.items():
        assert weight.dtype == torch.float32
        torch.testing.assert_close(two[name], weight, rtol=1e-4, atol=1e-5)
