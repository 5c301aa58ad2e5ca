"""recall@k, MRR and nDCG of rankings, and what the diagnosis of rag makes of them."""

import math

import pytest
from conftest import FakeLM, make_toy_corpus
from word_hashes import WordHashes

from kinject.systems import rag
from kinject.systems.rag import embed
from kinject.systems.rag.metrics import Ranking, measured
from kinject.types import Answer, Outcome, Probe, Record, Verdict

CORPUS = make_toy_corpus()


def one(*found, gold):
    return measured([Ranking(found, frozenset(gold))], (1, 3))[0]


def test_the_second_of_three_passages_is_found_within_three():
    expected = {"recall@1": 0, "recall@3": 1, "mrr": 0.5, "ndcg@10": 1 / math.log2(3)}
    assert one(7, 4, 9, gold=[4]) == pytest.approx(expected)


def test_one_gold_passage_is_enough_for_recall_and_ndcg_wants_them_all():
    expected = {"recall@1": 1, "recall@3": 1, "mrr": 1, "ndcg@10": 1 / (1 + 1 / math.log2(3))}
    assert one(4, 7, gold=[4, 5]) == pytest.approx(expected)


@pytest.mark.parametrize(("found", "gold"), [((1, 2), [3]), ((), [3]), ((1, 2), []), ((), [])])
def test_what_cannot_be_found_was_not_found(found, gold):
    assert one(*found, gold=gold) == {"recall@1": 0, "recall@3": 0, "mrr": 0, "ndcg@10": 0}


def test_rankings_keep_their_order_and_numbers_do_not_break_ties():
    right, wrong = Ranking((10, 9), frozenset({10})), Ranking((9, 10), frozenset({10}))
    assert [values["mrr"] for values in measured([right, wrong, right], (1,))] == [1.0, 0.5, 1.0]


def test_a_diagnosis_tells_finding_from_reading(tmp_path, monkeypatch):
    monkeypatch.setattr(embed, "load", lambda name: WordHashes())
    system = rag.build(CORPUS, tmp_path, FakeLM(lambda chat: "no"), rag.Config(k=1, retriever="bm25"))
    (weight,) = CORPUS.facts_of("Aldo", "weight")
    asked = [("Which weight does Aldo have?", Outcome.CORRECT), ("Which weight does Hessa have?", Outcome.INCORRECT)]
    records = [
        Record("s", "rag", 0, Probe(q, "recall", q, ("100 g",), (weight.id,), subject="Aldo"), (Answer("", 0),), (v,))
        for q, v in ((question, Verdict(outcome)) for question, outcome in asked)
    ]
    found = {(o.metric, o.value) for o in rag.diagnose(system, CORPUS, records) if o.family == "retrieval"}
    assert {("recall@1", 1.0), ("recall@1", 0.0), ("accuracy_given_gold", 1.0)} <= found
    assert ("accuracy_without_gold", 0.0) in found
