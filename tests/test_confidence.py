"""Signals, their calibration on one half of the entities, and what is withheld for want of it."""

import random
from dataclasses import replace

import numpy as np
import pytest

from kinject.confidence import (
    METRICS,
    Calibration,
    Case,
    Curve,
    Gate,
    Gated,
    calibrate,
    cases_of,
    halves,
    least,
    measured,
    methods_of,
    of_method,
    read,
    signals_of,
    to_row,
)
from kinject.confidence.calibrating import fit
from kinject.errors import OptionError, StoreError
from kinject.store import JsonLines
from kinject.systems import hybrid
from kinject.types import Answer, Evidence, Outcome, Probe, Record, Usage, Verdict

SURE = Calibration("probability", Curve((0.2, 0.8), (0.1, 0.9)), 0.7, 0.1, 40, {"probability": 0.8})
ABSTAINED = "I don't know."


def passages(*scored, supports=0):
    return tuple(
        Evidence(f"document {id}", "text", score, supports=rank == supports)
        for rank, (id, score) in enumerate(scored, start=1)
    )


def record(entity="Aldo", outcome=Outcome.CORRECT, seed=0, turns=(), confidence=0.5, kind="recall"):
    probe = Probe("p", kind, "Weight?", ("1 g",), turns=turns, subject=entity)
    count = 1 + len(turns)
    return Record("toy", "sft", seed, probe, (Answer("1 g", confidence),) * count, (Verdict(outcome),) * count)


def cases(n, rng, noise=0.0):
    """Answers that are right with the chance that they claim; a second signal is noise."""
    made = []
    for number in range(n):
        chance = rng.random()
        signals = {"probability": chance, "retrieval_margin": rng.random() if noise else chance**3}
        made.append(Case(signals, rng.random() < chance, f"entity {number}"))
    return made


def test_every_answer_has_its_own_probability_and_that_a_token():
    answer = Answer("1 g", 0.25, usage=Usage(completion_tokens=2))
    assert signals_of("sft", answer) == {"probability": 0.25, "token_probability": 0.5}


def test_a_model_that_tells_no_probabilities_has_no_signal():
    assert signals_of("sft", Answer("1 g", 0.0, confidence_method="unavailable")) == {}


def test_a_probability_of_the_last_words_alone_is_no_one_a_token():
    answer = Answer("1 g", 0.25, usage=Usage(completion_tokens=9), confidence_method="answer_probability")
    assert signals_of("kg", answer) == {"probability": 0.25}


@pytest.mark.parametrize(
    ("evidence", "margin", "support"),
    [
        (passages(("a", 0.6), ("a", 0.5), ("b", 0.2), supports=2), 0.5, 0.5),
        (passages(("a", 0.6), ("b", 0.6), supports=1), 0.0, 1.0),
        (passages(("a", -1.0), ("b", -3.0)), 0.5, 0.0),
        (passages(("a", 0.0), ("b", 0.0)), 0.0, 0.0),
        (passages(("a", 0.4)), 1.0, 0.0),
    ],
)
def test_retrieval_is_sure_of_a_passage_that_leads_those_of_other_documents(evidence, margin, support):
    found = signals_of("rag", Answer("1 g", 0.5, evidence))
    assert (found["retrieval_margin"], found["passage_support"]) == (pytest.approx(margin), support)


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        (("Aldo | weight | 1 g",), 1.0),
        (("no entity 'Alda'", "Aldo | weight | 1 g"), 0.5),
        (("Aldo | weight | 2 g",), 0.5),
        (("no entity 'Alda'",), 0.0),
        (("cannot repeat get_fact with the same arguments",), 0.0),
    ],
)
def test_tools_are_sure_of_what_their_last_result_states(results, expected):
    evidence = tuple(Evidence("get_fact(x)", text, 1.0) for text in results)
    answer = Answer("1 g", 0.5, (*evidence, Evidence("fact f1", "Aldo | weight | 1 g"), Evidence("stopped", "")))
    assert signals_of("kg", answer)["tool_success"] == expected


def test_an_answer_without_passages_or_calls_has_no_such_signal():
    answer = Answer("1 g", 0.5, (Evidence("error", "too long"), Evidence("document a", "text")))
    assert (signals_of("rag", answer), signals_of("kg", answer)) == ({"probability": 0.5},) * 2


def test_a_blend_has_the_signals_of_its_parts():
    evidence = (Evidence("answered by kg", "why"), Evidence("get_fact(x)", "1 g", 1.0), *passages(("a", 0.4)))
    expected = {"retrieval_margin": 1.0, "passage_support": 0.0, "tool_success": 1.0}
    assert hybrid.signals(Answer("1 g", 0.5, evidence)) == expected


def test_cases_are_the_attempted_first_answers_of_the_first_seed():
    records = [
        record("Aldo", confidence=0.9),
        record("Brila", Outcome.INCORRECT, confidence=0.2),
        record("Corvo", Outcome.NOT_ATTEMPTED),
        record("Dunet", seed=1),
        record("Elmar", turns=("No.",)),
        record("Fenja", kind="injection"),
    ]
    assert cases_of(records) == (
        Case({"probability": 0.9}, True, "Aldo"),
        Case({"probability": 0.2}, False, "Brila"),
    )


def test_no_entity_is_on_both_sides_and_a_larger_study_splits_alike():
    many = cases(400, random.Random(0)) * 2
    split, fewer = halves(many), halves(many[:200])
    dev, test = ({case.entity for case in side} for side in (split.dev, split.test))
    assert (dev & test, len(dev) + len(test)) == (set(), 400)
    assert {case.entity for case in fewer.dev} <= dev
    assert 150 < len(dev) < 250


def test_the_curve_finds_the_chance_that_a_signal_stands_for():
    curve = fit(cases(4000, random.Random(1)), "retrieval_margin")
    # The signal is the cube of the chance.
    assert [curve(chance**3) for chance in (0.2, 0.5, 0.9)] == pytest.approx([0.2, 0.5, 0.9], abs=0.06)


def test_the_curve_only_rises_and_ties_nothing_that_the_signal_tells_apart():
    curve = fit(cases(300, random.Random(2)), "probability")
    assert np.all(np.diff(curve.x) > 0)
    assert np.all(np.diff(curve.y) > 0)


@pytest.mark.parametrize(("right", "n", "chance"), [(True, 0, 0.5), (True, 8, 0.9), (False, 8, 0.1)])
def test_a_signal_that_tells_nothing_gives_the_rule_of_succession(right, n, chance):
    curve = fit([Case({}, right, str(number)) for number in range(n)], "probability")
    assert curve(0.0) == pytest.approx(chance)


def test_the_method_that_tells_right_from_wrong_best_on_dev_is_taken():
    dev = [
        Case({"probability": case.signals["retrieval_margin"], "retrieval_margin": case.signals["probability"]}, *rest)
        for case in cases(200, random.Random(3), noise=1.0)
        for rest in ((case.right, case.entity),)
    ]
    found = calibrate(dev)
    assert found.method == "retrieval_margin"
    assert set(found.dev_auroc) == set(methods_of(dev)) == {"probability", "retrieval_margin"}


def test_of_equals_the_first_method_is_taken_and_one_sort_of_answers_has_no_auroc():
    dev = [Case({"probability": 0.5, "tool_success": 0.5}, True, "Aldo")]
    found = calibrate(dev)
    assert (found.method, found.dev_auroc) == ("probability", {"probability": None, "tool_success": None})


def test_the_threshold_answers_as_many_as_hold_the_risk():
    dev = cases(600, random.Random(4))
    found = calibrate(dev, target_risk=0.2)
    kept = [case for case in dev if found.confidence(case.signals) >= found.threshold]
    assert 1 - np.mean([case.right for case in kept]) <= 0.2
    least_sure = min(found.confidence(case.signals) for case in kept)
    one_more = [c for c in dev if found.confidence(c.signals) >= least_sure - 0.05]
    assert 1 - np.mean([case.right for case in one_more]) > 0.2


@pytest.mark.parametrize("dev", [[], [Case({"probability": 0.9}, False, "Aldo")]])
def test_where_no_threshold_holds_the_risk_nothing_reaches_it(dev):
    found = calibrate(dev)
    assert (found.threshold, found.dev_n) == (1.0, len(dev))
    assert found.confidence({"probability": 1.0}) < 1


def test_the_test_half_alone_is_measured():
    split = halves(cases(300, random.Random(5)))
    found = measured(split, calibrate(split.dev))
    methods = ("probability", "retrieval_margin")
    own = {f"{metric}_{method}" for metric in ("auroc", "aurc") for method in methods}
    assert set(found) == own | {name for name in METRICS if "*" not in name}
    assert {estimate.n for name, estimate in found.items() if name != "accuracy_at_threshold"} == {len(split.test)}
    assert found["accuracy_at_threshold"].n == round(found["coverage"].value * len(split.test))


def test_calibration_mends_a_signal_that_is_no_chance():
    split = halves(
        [
            replace(case, signals={"probability": case.signals["retrieval_margin"]})
            for case in cases(2000, random.Random(6))
        ]
    )
    found = measured(split, calibrate(split.dev))
    assert found["brier"].high < found["brier_before"].low


def test_a_method_is_judged_by_its_own_curve():
    split = halves(cases(800, random.Random(7)))
    found = of_method(split, "retrieval_margin")
    assert set(found) == {"auroc", "aurc", "brier", "ece", "accuracy_at_80_coverage"}
    assert found["ece"].value < 0.1


def test_a_system_that_answered_nothing_has_no_numbers_but_n():
    found = measured(halves(()), calibrate(()))
    assert {estimate.n for estimate in found.values()} == {0}


def test_a_calibration_on_disk_is_the_same_and_a_flipped_byte_is_found(tmp_path):
    path = tmp_path / "confidence.jsonl"
    odd = replace(SURE, dev_auroc={"probability": None})
    with JsonLines(path) as log:
        log.append(to_row("kg", SURE))
        log.append(to_row("rag", odd))
    assert read(tmp_path) == {"kg": SURE, "rag": odd}
    path.write_text(path.read_text(encoding="utf-8").replace("0.9", "0.8", 1), encoding="utf-8")
    with pytest.raises(StoreError, match=r"confidence.jsonl:1: damaged line"):
        read(tmp_path)


def test_a_calibration_that_does_not_fit_is_named_and_none_is_none(tmp_path):
    assert read(tmp_path) == {}
    with JsonLines(tmp_path / "confidence.jsonl") as log:
        log.append({"system": "kg", "method": "probability"})
    with pytest.raises(StoreError, match="the calibration of 'kg' does not fit; run the study again"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("confidence", "wanted", "text", "withheld"),
    [
        (0.9, None, "1 g", False),
        (0.1, None, "1 g", False),
        (0.5, 0.5, "1 g", False),
        (0.5, 0.51, ABSTAINED, True),
        (0.65, "auto", "1 g", False),
        (0.64, "auto", ABSTAINED, True),
    ],
)
def test_what_is_not_sure_enough_is_withheld(confidence, wanted, text, withheld):
    gated = Gate("sft", SURE, wanted)(Answer("1 g", confidence))
    assert (gated.answer.text, gated.withheld) == (text, withheld)
    assert gated.calibrated == pytest.approx(np.interp(confidence, (0.2, 0.8), (0.1, 0.9)))


@pytest.mark.parametrize("text", ["I don't know.", "Aldo, weight: I don't know", " "])
def test_an_abstention_is_given_as_it_is_and_has_no_chance_to_be_right(text):
    answer = Answer(text, 0.01)
    assert Gate("sft", SURE, 0.9)(answer) == Gated(answer, None, withheld=False)


def test_an_abstention_in_other_words_may_state_a_value_and_is_given_only_where_anything_is():
    answer = Answer("I am not sure, perhaps 1 g.", 0.99)
    assert Gate("sft", SURE)(answer) == Gated(answer, None, withheld=False)
    assert Gate("sft", SURE, 0.1)(answer) == Gated(replace(answer, text=ABSTAINED), None, withheld=True)


def test_without_a_calibration_answers_are_given_as_they_are():
    answer = Answer("1 g", 0.01)
    assert Gate("sft", None)(answer) == Gated(answer, None, withheld=False)


def test_a_run_without_a_calibration_cannot_withhold():
    with pytest.raises(OptionError, match="this run has none for 'sft'; run the study again, or ask without"):
        Gate("sft", None, 0.5)


@pytest.mark.parametrize("text", ["0", "1.1", "-1", "nan", "half"])
def test_a_least_confidence_is_a_share_or_auto(text):
    with pytest.raises(OptionError, match=f"above 0 and at most 1, or auto; found {text}"):
        Gate("sft", SURE, least(text))


def test_auto_and_numbers_are_read():
    assert [least(text) for text in (None, "auto", "0.8")] == [None, "auto", 0.8]
