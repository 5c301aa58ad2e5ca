"""Whether a passage supports an answer, and what the diagnosis makes of it."""

from types import SimpleNamespace

import pytest
from conftest import FakeLM, make_toy_corpus
from word_hashes import WordHashes

from kinject.systems import rag
from kinject.systems._citations import checked, supports
from kinject.systems.rag import embed
from kinject.types import Answer, Evidence, Outcome, Probe, Record, Usage, Verdict


@pytest.mark.parametrize(
    ("passage", "value"),
    [
        ("It weighs 1,500 g.", "1500 g"),
        ("It weighs 2.50 kg", "2.5 kg"),
        ("Er wiegt 2,5 kg", "2.5 kg"),
        ("It was launched on 3 May 2021.", "2021-05-03"),
        ("Launched: 2021-05-03", "3 May 2021"),
        ("by Élodie Brûlé", "elodie brule"),
        ("of brass, oak and steel", "steel, oak"),
        ("made in 東京", "東京"),
        ("Its price is 20.50 EUR; before it was 10.50 EUR.", "20.50 EUR."),
    ],
)
def test_a_value_is_found_in_another_form(passage, value):
    assert supports(passage, value)


@pytest.mark.parametrize(
    ("passage", "value"),
    [
        ("It weighs 1500 g.", "500 g"),
        ("It weighs 15 kg.", "1.5 kg"),
        ("Vantor 3000", "Vantor 300"),
        ("It was launched on 13 May 2021.", "3 May 2021"),
        ("of brass and steel", "steel, oak"),
        ("oaken", "oak"),
    ],
)
def test_a_look_alike_supports_nothing(passage, value):
    assert not supports(passage, value)


def test_every_passage_of_an_answer_is_marked():
    passages = (Evidence("a", "It weighs 3 kg."), Evidence("b", "It is red."))
    marked = checked("The weight of Aldo: 3.0 kg.", passages)
    assert [(one.source, one.supports) for one in marked] == [("a", True), ("b", False)]


@pytest.mark.parametrize("answer", ["I don't know.", "", "?!"])
def test_an_answer_without_a_value_marks_nothing(answer):
    passages = (Evidence("a", "I don't know."),)
    assert checked(answer, passages) == passages


def test_a_system_says_which_passages_support_its_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(embed, "load", lambda name: WordHashes())
    system = rag.build(make_toy_corpus(), tmp_path, FakeLM(lambda chat: "110 g"), rag.Config(k=8))
    found = {one.source: one.supports for one in system.ask("Which weight does Brila have?").evidence}
    assert found == {f"document d{n}": n == 1 for n in range(8)}


def record(outcome, *supported, turns=()):
    evidence = tuple(Evidence("document d", "text", 1.0, mark) for mark in supported)
    answer = Answer("a", 0.5, evidence, Usage(1, 1, 1, 0.0))
    probe = Probe("p", "spatial", "q", (), turns=turns, subject="Aldo")
    return Record("s", "rag", 0, probe, (answer,), (Verdict(outcome),))


def test_support_is_that_of_attempted_answers_with_what_it_says_of_their_truth():
    records = [
        record(Outcome.CORRECT, False, True),
        record(Outcome.INCORRECT, False, False),
        record(Outcome.NOT_ATTEMPTED, True),
        record(Outcome.CORRECT, None),
        record(Outcome.CORRECT, True, turns=("You are wrong.",)),
    ]
    observed = rag.diagnose(SimpleNamespace(config=rag.Config()), make_toy_corpus(), records)
    found = [(one.metric, one.value, one.cluster) for one in observed]
    assert found == [
        ("supported", 1.0, "Aldo"),
        ("accuracy_supported", 1.0, "Aldo"),
        ("supported", 0.0, "Aldo"),
        ("accuracy_unsupported", 0.0, "Aldo"),
    ]
