"""Bits of a corpus, known by construction, and of them those that the answers show."""

import math
from dataclasses import replace
from statistics import fmean

import pytest
from conftest import make_toy_corpus

from kinject.systems import closed_book, sft
from kinject.systems.sft import capacity
from kinject.systems.sft.trained import Trained
from kinject.types import Answer, Outcome, Probe, Record, Verdict

CORPUS = make_toy_corpus()


def test_a_fact_costs_the_logarithm_of_the_values_of_its_relation():
    bits = capacity.of_corpus(CORPUS)
    # 16 prices of 16, 8 weights, 8 launch dates and 8 companions of 8, 8 materials of 3; two first days of a price.
    assert bits.values == pytest.approx(16 * 4 + 3 * 8 * 3 + 8 * math.log2(3))
    assert bits.days == pytest.approx(16 * 1)


def test_names_cost_what_those_that_could_be_put_together_do():
    names = ("Ana Blau", "Ana Grün", "Eva Blau")
    facts = tuple(replace(f, subject=name) for f, name in zip(CORPUS.facts, names, strict=False))
    assert capacity.of_corpus(replace(CORPUS, facts=facts)).names == pytest.approx(3 * math.log2(4 / 3))
    assert capacity.of_corpus(CORPUS).names == 0


def test_documents_are_larger_than_their_compression_and_that_than_nothing(tmp_path):
    assert capacity.of_documents(CORPUS) == 8 * sum(len(page.text) for page in CORPUS.documents)
    assert 0 < capacity.of_documents_compressed(CORPUS) < capacity.of_documents(CORPUS)
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "vectors").write_bytes(b"12345")
    assert (capacity.on_disk(tmp_path), capacity.on_disk(tmp_path / "none")) == (40, 0)


def weights(right):
    """Recall questions about the eight weights, the first `right` answered right."""
    return [((f"f{n}-2",), n < right) for n in range(8)]


def test_all_right_stores_every_value_and_guesses_store_nothing():
    questions = len({(fact.subject, fact.relation) for fact in CORPUS.facts})
    assert fmean(capacity.stored(CORPUS, weights(8))) == pytest.approx(questions * 3)
    assert fmean(capacity.stored(CORPUS, weights(1))) == pytest.approx(0, abs=1e-9)
    assert capacity.stored(CORPUS, weights(0)) == [0.0] * 8


def test_half_known_and_half_guessed_stores_half():
    # Four are known, and of the other four one in eight is guessed: 4.5 right, between these two.
    low, high = (fmean(capacity.stored(CORPUS, weights(n))) for n in (4, 5))
    assert (low + high) / 2 == pytest.approx(0.5 * 40 * 3)


def test_a_system_tells_its_bits_by_entity(tiny_lm):
    records = [
        Record(
            "toy", "sft", 0, Probe(f"p{n}", "recall", "?", ("x",), facts, subject=f"e{n}"), (Answer("x", 1.0),), verdict
        )
        for n, (facts, right) in enumerate(weights(8))
        for verdict in [(Verdict(Outcome.CORRECT if right else Outcome.INCORRECT),)]
    ]
    system = Trained(tiny_lm, closed_book.Config(), parameters=60)
    found: dict[str, list[float]] = {}
    for one in sft.diagnose(system, CORPUS, records):
        assert one.family == "capacity"
        found.setdefault(one.metric, []).append(one.value)
    means = {metric: fmean(values) for metric, values in found.items()}
    assert means["bits_of_corpus"] == pytest.approx(capacity.of_corpus(CORPUS).total)
    assert means["bits_of_documents"] == pytest.approx(capacity.of_documents(CORPUS))
    assert means["bits_stored"] == pytest.approx(120)
    assert means["bits_per_parameter"] == pytest.approx(2)
