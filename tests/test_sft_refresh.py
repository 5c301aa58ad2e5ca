"""Weights that are brought up to date: on what changed, from where they were, whole or not at all."""

import random
from dataclasses import replace

import pytest
from conftest import FakeLM, make_toy_corpus
from safetensors.torch import load_file

from kinject.errors import ModelError, StoreError
from kinject.systems import sft
from kinject.systems.sft import refresh
from kinject.types import Document, Fact

BEFORE = make_toy_corpus()
ALDO = next(fact for fact in BEFORE.facts_of("Aldo", "weight"))
NEW = Fact("new", "Zerna", "weight", "9 g", "dz")
AFTER = replace(
    BEFORE,
    documents=(*BEFORE.documents, Document("dz", "Zerna weighs 9 g.", "Zerna")),
    facts=(*(replace(f, object="999 g") if f is ALDO else f for f in BEFORE.facts), NEW),
)
QUICK = sft.Config(epochs=1, refresh_epochs=2, max_new_tokens=2, lora_rank=4)


def refuse(step):
    raise AssertionError("it trains")


def test_what_changed_is_a_new_value_a_new_subject_or_another_value_of_now():
    assert refresh.changed(BEFORE, AFTER) == {("Aldo", "weight"), ("Zerna", "weight")}
    assert refresh.changed(BEFORE, BEFORE) == set()
    earlier = replace(BEFORE, day=BEFORE.day.replace(year=2023))
    assert refresh.changed(earlier, BEFORE) == {(name, "price") for name in BEFORE.entities()}


def test_an_epoch_of_an_update_holds_what_changed_and_a_sample_of_the_rest():
    drawn = [refresh.lesson(BEFORE, AFTER, 3.0, random.Random(seed)) for seed in range(3)]
    keys = [{(fact.subject, fact.relation) for fact in corpus.facts} for corpus in drawn]
    assert all(refresh.changed(BEFORE, AFTER) <= found for found in keys)
    assert {len(found) for found in keys} == {2 + 6}
    assert keys[0] != keys[1]


@pytest.mark.parametrize("method", ["full", "lora"])
def test_an_update_goes_on_from_the_weights_and_is_opened_without_training(tiny_lm, tmp_path, method):
    config = replace(QUICK, method=method)
    first = sft.build(BEFORE, tmp_path, tiny_lm, config)
    name = "adapter_model.safetensors" if method == "lora" else "model.safetensors"
    old = load_file(tmp_path / "model" / name)
    steps = []
    updated = sft.update(BEFORE, AFTER, tmp_path, tiny_lm, config, steps.append)
    new = load_file(tmp_path / "model" / name)
    assert old.keys() == new.keys()
    assert any((old[key] != new[key]).any() for key in old)
    assert len(steps) > 1
    opened = sft.build(AFTER, tmp_path, tiny_lm, config, refuse)
    assert opened.ask("What?").text == updated.ask("What?").text
    assert first.model.info.fingerprint != opened.model.info.fingerprint
    assert sft.update(BEFORE, AFTER, tmp_path, tiny_lm, config, refuse).parameters == opened.parameters
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints", "curve.json", "model"]


def test_an_update_can_be_updated(tiny_lm, tmp_path):
    later = replace(AFTER, facts=(*AFTER.facts[:-1], replace(NEW, object="8 g")))
    sft.build(BEFORE, tmp_path, tiny_lm, QUICK)
    sft.update(BEFORE, AFTER, tmp_path, tiny_lm, QUICK)
    sft.update(AFTER, later, tmp_path, tiny_lm, QUICK)
    sft.build(later, tmp_path, tiny_lm, QUICK, refuse)


def test_a_killed_update_leaves_the_old_weights_and_goes_on(tiny_lm, tmp_path):
    def kill(step):
        if step.note == "epoch 2":
            raise KeyboardInterrupt

    for store in (tmp_path / "killed", tmp_path / "whole"):
        sft.build(BEFORE, store, tiny_lm, QUICK)
    with pytest.raises(KeyboardInterrupt):
        sft.update(BEFORE, AFTER, tmp_path / "killed", tiny_lm, QUICK, kill)
    sft.build(BEFORE, tmp_path / "killed", tiny_lm, QUICK, refuse)
    for store in (tmp_path / "killed", tmp_path / "whole"):
        sft.update(BEFORE, AFTER, store, tiny_lm, QUICK)
    killed, whole = (load_file(tmp_path / s / "model" / "model.safetensors") for s in ("killed", "whole"))
    assert all((killed[name] == whole[name]).all() for name in whole)


def test_weights_of_another_corpus_are_not_updated(tiny_lm, tmp_path):
    with pytest.raises(StoreError, match="was not made from the corpus before the update"):
        sft.update(BEFORE, AFTER, tmp_path, tiny_lm, QUICK)


def test_a_model_elsewhere_cannot_be_updated(tmp_path):
    with pytest.raises(ModelError, match="use a local model"):
        sft.update(BEFORE, AFTER, tmp_path, FakeLM(lambda chat: "x"), QUICK)
