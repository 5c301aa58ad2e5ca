"""benchmarks.activation: what is injected shows without a document, what is activated only with one."""

import json
import random
from types import SimpleNamespace

import pytest
from conftest import FakeLM, make_toy_corpus

from benchmarks import activation
from kinject.corpus import save
from kinject.errors import OptionError
from kinject.systems import ift, sft
from kinject.systems.closed_book import ClosedBook, Config

CORPUS = make_toy_corpus()


def model(knows=False, reads=False):
    """Says the price of the entity that is asked about if it knows it, or if it reads and a passage is there."""

    def reply(chat):
        asked = chat.messages[-1].content
        facts = [f for f in CORPUS.current().facts if f.subject in asked.splitlines()[0] and f.relation == "price"]
        return facts[0].object if knows or (reads and "[1]" in asked) else "I don't know."

    return FakeLM(reply)


@pytest.fixture
def trained(monkeypatch):
    """ift reads and sft knows; neither is really trained."""

    def plugin(name):
        lm = model(reads=name == "ift", knows=name == "sft")
        config = {"ift": ift.Config, "sft": sft.Config}[name]
        return SimpleNamespace(Config=config, build=lambda *inputs: ClosedBook(lm, Config()))

    monkeypatch.setattr(activation, "_plugin", plugin)
    monkeypatch.setattr(activation, "open_model", lambda name: model())


def test_injection_shows_closed_book_and_activation_with_the_document(trained, tmp_path, capsys):
    prices = tuple(fact for fact in CORPUS.facts if fact.relation == "price")
    save(activation.replace(CORPUS, facts=prices, relations=CORPUS.relations[:1]), tmp_path / "toy")
    activation.main([str(tmp_path / "toy"), "--entities", "5", "--n", "5", "--out", str(tmp_path)])
    rows = json.loads((tmp_path / "activation-toy.json").read_text())["rows"]
    found = {(row["model"], row["condition"], row["metric"]): row["value"] for row in rows}
    right = {key[:2]: value for key, value in found.items() if key[2] == "accuracy"}
    assert right == {
        ("base", activation.CLOSED): 0,
        ("base", activation.OPEN): 0,
        ("ift", activation.CLOSED): 0,
        ("ift", activation.OPEN): 1,
        ("sft", activation.CLOSED): 1,
        ("sft", activation.OPEN): 1,
    }
    assert found["ift", activation.CLOSED, "accuracy_less_base"] == 0
    assert found["ift", activation.OPEN, "accuracy_less_base"] == 1
    assert "### toy: 5 entities" in capsys.readouterr().out


def test_a_sample_has_the_documents_of_its_facts_and_no_other():
    some = activation.sample(CORPUS, 3, random.Random(0))
    assert len(some.entities()) == 3
    assert {page.id for page in some.documents} == {fact.document_id for fact in some.facts}
    assert activation.sample(CORPUS, 99, random.Random(0)) == CORPUS


def test_options_go_to_the_system_that_they_name():
    found = activation.settled(["ift.made=9", "sft.epochs=3"])
    assert (found["ift"].made, found["sft"].epochs) == (9, 3)
    with pytest.raises(OptionError, match=r"no setting 'rag.k=1': write SYSTEM\.KEY=VALUE for one of ift, sft"):
        activation.settled(["rag.k=1"])
