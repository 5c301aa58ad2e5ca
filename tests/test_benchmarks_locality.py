"""benchmarks.locality: held-out perplexity before and after injection."""

import math
import random
from types import SimpleNamespace

import pytest
import torch
from conftest import make_toy_corpus

from benchmarks import locality
from kinject.corpus import find, load
from kinject.errors import OptionError
from kinject.systems import sft

TEXTS = ["The price of Aldo is 20.50 EUR.", "Brila weighs 110 g and is made of oak."]


def run(tmp_path, systems=("closed_book", "sft"), corpus=None):
    return SimpleNamespace(
        folder=tmp_path,
        corpus=corpus or make_toy_corpus(),
        model="base",
        systems=systems,
        config=lambda name: sft.Config(epochs=3),
        system=lambda name: SimpleNamespace(model="trained"),
    )


def test_nats_a_token_are_the_models_own_loss(tiny_lm):
    found = locality.nats_a_token(tiny_lm, TEXTS)
    with torch.inference_mode():
        ids = [torch.tensor([tiny_lm.ids(text)]) for text in TEXTS]
        losses = [float(tiny_lm.model(input_ids=one, labels=one).loss) for one in ids]
    assert found == pytest.approx(losses, rel=1e-4)


def test_perplexity_and_its_ratio_are_by_text():
    nats = {"base": {"t": [1.0, 2.0, 3.0]}, "sft": {"t": [2.0, 3.1, 3.9]}}
    base, trained = (locality.row(name, "t", nats) for name in nats)
    assert (base["perplexity"]["value"], base["ratio"]) == (pytest.approx(math.exp(2)), None)
    assert trained["ratio"]["value"] == pytest.approx(math.e)
    assert 1 < trained["ratio"]["low"] < math.e < trained["ratio"]["high"]
    assert [cells[3][:4] for cells in locality.table([base, trained]).rows] == ["", "2.72"]


def test_the_texts_are_of_another_corpus_and_of_nowhere(tmp_path):
    found = locality.held_out(run(tmp_path), None, 5, random.Random(0))
    assert {source: len(texts) for source, texts in found.items()} == {
        "documents of presidents": 5,
        "generated pages": 5,
    }


def test_the_runs_own_documents_are_not_held_out(tmp_path):
    catalog = load(find("catalog"))
    with pytest.raises(OptionError, match="--text catalog is the run's own corpus; name another one"):
        locality.held_out(run(tmp_path, corpus=catalog), "catalog", 5, random.Random(0))


def test_settings_change_what_they_name_and_nothing_else_of_the_runs_training(tmp_path, monkeypatch):
    configs = []

    def build(corpus, store, model, config, progress):
        configs.append(config)
        return SimpleNamespace(model="again")

    monkeypatch.setattr(sft, "build", build)
    found = locality.trained(run(tmp_path), ["learning_rate=0.5"])
    assert found == {"sft": "trained", "sft, learning_rate=0.5": "again"}
    assert configs == [sft.Config(epochs=3, learning_rate=0.5)]


def test_a_run_without_sft_has_nothing_to_compare(tmp_path):
    with pytest.raises(OptionError, match=r"has no sft; run `kinject study` with it"):
        locality.trained(run(tmp_path, ("rag",)), ())
