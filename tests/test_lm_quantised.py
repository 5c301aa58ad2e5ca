"""Weights of fewer bits: by the name's suffix, another model by its fingerprint, trained by LoRA only."""

import sys

import pytest
from conftest import make_toy_corpus

from kinject import plugins
from kinject.errors import ModelError
from kinject.lm import open_model
from kinject.lm.base import Chat, Message
from kinject.lm.quantised import size_bytes, split

CHAT = Chat((Message("user", "What is the price of Aldo?"),), max_new_tokens=8)


@pytest.fixture(scope="module", params=["int8", "int4"])
def rounded(request, tiny_qwen3):
    opened = open_model(f"{tiny_qwen3}@{request.param}")
    yield opened
    opened.close()


def test_a_rounded_model_is_smaller_and_another_one(rounded, tiny_qwen3_lm):
    kind = rounded.info.details["quantised"]
    assert rounded.info.name == f"{tiny_qwen3_lm.info.name}@{kind}"
    assert rounded.info.fingerprint != tiny_qwen3_lm.info.fingerprint
    assert rounded.info.parameters == tiny_qwen3_lm.info.parameters
    assert size_bytes(rounded.model) < size_bytes(tiny_qwen3_lm.model)


def test_a_rounded_model_answers_nearly_as_it_would(rounded, tiny_qwen3_lm):
    assert rounded.complete(CHAT).log_probabilities
    scores = [lm.log_probability(CHAT, "20 EUR") for lm in (rounded, tiny_qwen3_lm)]
    assert scores[0] == pytest.approx(scores[1], rel=0.2)
    assert scores[0] != scores[1]


def test_a_rounded_model_is_trained_by_lora_only(rounded, tmp_path):
    sft = plugins.load("kinject.systems", "sft")
    with pytest.raises(ModelError, match=r"those of .*@int. are rounded: set sft\.method=lora"):
        sft.build(make_toy_corpus(), tmp_path, rounded, sft.Config())
    system = sft.build(make_toy_corpus(), tmp_path, rounded, sft.Config(method="lora", epochs=1, max_new_tokens=3))
    assert system.ask("Which weight does Aldo have?").usage.completion_tokens > 0
    assert sft.curve(tmp_path)[-1].tokens > 0


def test_a_suffix_names_the_weights(tmp_path):
    assert split("Qwen/Qwen3-0.6B@int8") == ("Qwen/Qwen3-0.6B", "int8")
    assert split("mini") == ("mini", "")
    folder = tmp_path / "mine@int8"
    folder.mkdir()
    assert split(str(folder)) == (str(folder), "")
    with pytest.raises(ModelError, match="no weights of kind 'int3' for mini; write mini@int8, mini@int4 or mini"):
        open_model("mini@int3")


def test_a_missing_torchao_is_named_with_its_command(monkeypatch, tiny_qwen3):
    monkeypatch.setitem(sys.modules, "torchao", None)
    with pytest.raises(ModelError, match=r"@int8 needs torchao: pip install 'kinject\[quantize\]'"):
        open_model(f"{tiny_qwen3}@int8")
