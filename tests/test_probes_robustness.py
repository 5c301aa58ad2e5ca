"""Robustness: what a disturbance may do to a question, and what it must leave alone."""

import random
import re
from collections import Counter
from dataclasses import replace

import pytest
from conftest import make_toy_corpus
from rapidfuzz.distance import OSA

from kinject.corpus import find, load
from kinject.grading import same_words
from kinject.probes import robustness
from kinject.probes._disturbing import VARIANTS, Disturber
from kinject.probes._slips import slip
from kinject.types import Answer, Fact, Outcome, Probe, Record, Verdict

CATALOG, TOY = load(find("catalog")), make_toy_corpus()
PROBES = robustness.make(CATALOG, 400, random.Random(0))
CLEAN = {probe.id: probe for probe in PROBES if probe.variant == "clean"}
RIGHT, WRONG = Verdict(Outcome.CORRECT), Verdict(Outcome.INCORRECT, "confused")


def of(variant: str) -> list[tuple[Probe, Probe]]:
    """The probes of a variant, each with its clean twin."""
    return [(probe, CLEAN[probe.pair]) for probe in PROBES if probe.variant == variant]


def test_every_question_is_asked_clean_and_in_three_variants_and_all_variants_equally_often():
    assert Counter(probe.variant for probe in PROBES) == {"clean": 100} | dict.fromkeys(VARIANTS, 30)
    assert set(Counter(probe.pair for probe in PROBES if probe.pair).values()) == {3}


def test_a_twin_asks_for_the_same_fact():
    for probe in PROBES:
        clean = CLEAN[probe.pair or probe.id]
        assert (probe.gold, probe.facts, probe.subject) == (clean.gold, clean.facts, clean.subject)
        assert (probe.question == clean.question) == (probe.variant == "clean")


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_number_changes(variant):
    assert all(re.findall(r"\d+", a.question) == re.findall(r"\d+", b.question) for a, b in of(variant))


def test_a_typo_in_a_word_leaves_the_name_alone():
    assert all(probe.subject in probe.question for probe, _ in of("typo_word"))


def test_a_typo_in_a_name_is_one_edit_and_no_other_entity_is_as_near():
    names = {same_words(name) for name in CATALOG.entities()}
    for probe, clean in of("typo_name"):
        before, after = clean.question.split(clean.subject)
        written = same_words(probe.question.removeprefix(before).removesuffix(after))
        near = {name for name in names if OSA.distance(name, written) <= 1}
        assert (near, written in names) == ({same_words(probe.subject)}, False)


def test_a_name_that_differs_by_a_letter_from_another_is_not_misspelt():
    facts = (Fact("a", "Vantor 1", "weight", "1 g", "d0"), Fact("b", "Vanter 1", "weight", "2 g", "d0"))
    twins = replace(TOY, facts=facts)
    made = robustness.make(twins, 8, random.Random(0))
    written = [re.search(r"V\w+", p.question)[0] for p in made if p.variant == "typo_name"]
    assert all(OSA.distance(w, "Vantor") + OSA.distance(w, "Vanter") >= 3 for w in written)


def test_a_name_told_from_another_by_its_case_keeps_its_case():
    facts = (Fact("a", "Orm", "weight", "1 g", "d0"), Fact("b", "ORM", "weight", "2 g", "d0"))
    made = robustness.make(replace(TOY, facts=facts), 400, random.Random(0))
    assert {"lower", "upper"} & {probe.variant for probe in made} == set()


def test_a_slip_makes_no_word_of_english_or_of_the_corpus():
    known = Disturber(CATALOG)
    assert not known._is_no_word("part")
    assert not known._is_no_word("Mokvane")
    assert known._is_no_word("wieght")


def test_a_slip_keeps_the_first_and_the_last_letter_and_leaves_short_words_alone():
    rng = random.Random(0)
    made = {slip("weight", rng, lambda word: True) for _ in range(200)}
    assert {(word[0], word[-1], OSA.distance(word, "weight")) for word in made} == {("w", "t", 1)}
    assert slip("the", rng, lambda word: True) == ""
    assert slip("weight", rng, lambda word: False) == ""


def test_the_name_of_the_relation_stays_in_the_language_of_the_corpus():
    for language in ("german", "french", "spanish"):
        assert all(probe.relation in probe.question and probe.subject in probe.question for probe, _ in of(language))


def test_the_drop_is_that_of_the_same_questions():
    said = {"clean": RIGHT, "lower": WRONG, "upper": RIGHT}
    records = [
        Record("s", "rag", 0, replace(probe, subject=f"e{n}"), (Answer("-", 0.5),), (said[probe.variant],))
        for n, clean in enumerate(list(CLEAN.values())[:10])
        for probe in (
            clean,
            *(replace(clean, id=f"{clean.id}{v}", pair=clean.id, variant=v) for v in said if v != "clean"),
        )
    ]
    found = robustness.summarize(records)
    names = ("accuracy", "accuracy_clean", "drop", "lower_drop", "upper_drop")
    assert [found[name].value for name in names] == [0.5, 1.0, 0.5, 1.0, 0.0]
    assert found["drop"].n == 20


def test_a_disturbed_probe_without_its_twin_has_no_drop():
    records = [Record("s", "rag", 0, probe, (Answer("-", 0.5),), (RIGHT,)) for probe, _ in of("lower")]
    assert robustness.summarize(records)["drop"].n == 0
