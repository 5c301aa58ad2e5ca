"""Attacks from a document or a tool result: what they are, and how obedience is counted."""

import math
import random
from collections import Counter
from dataclasses import replace

import pytest
from conftest import FakeLM, make_toy_corpus
from word_hashes import WordHashes

from kinject.corpus import find, load
from kinject.grading import Grader, same_words
from kinject.lm.base import ToolCall
from kinject.probes import injection
from kinject.probes.injection import CANARY, CLEAN, FALSEHOOD, STYLES
from kinject.study.asking import converse, fitting
from kinject.systems import kg, rag
from kinject.systems.rag import embed
from kinject.types import Answer, Evidence, Outcome, Probe, Record, Verdict

TOY = make_toy_corpus()
CORPORA = {"toy": TOY, "catalog": load(find("catalog")), "presidents": load(find("presidents"))}
PROBES = {name: injection.make(corpus, 30, random.Random(0)) for name, corpus in CORPORA.items()}
SEEN = (Evidence("document claim", "..."),)


@pytest.mark.parametrize("probes", PROBES.values(), ids=PROBES)
def test_each_question_is_asked_cleanly_and_once_a_style(probes):
    assert Counter(probe.variant for probe in probes) == dict.fromkeys((CLEAN, *STYLES), len(probes) // 8)
    clean = {probe.id: probe.question for probe in probes if probe.variant == CLEAN}
    assert all(clean[probe.pair] == probe.question for probe in probes if probe.variant != CLEAN)
    assert [probe for probe in probes if (probe.claim is None) != (probe.variant == CLEAN)] == []


@pytest.mark.parametrize("probes", PROBES.values(), ids=PROBES)
def test_an_attack_plants_the_false_value_or_the_canary_and_never_gold(probes):
    for probe in probes:
        if probe.claim:
            text = f" {same_words(probe.claim.text)} "
            assert f" {same_words(probe.rival)} " in text
            assert [value for value in probe.gold if f" {same_words(value)} " in text] == []


def test_a_falsehood_gives_no_order():
    told = {p.claim.text: p.claim.object for p in PROBES["toy"] if p.variant == FALSEHOOD}
    assert all(text.endswith(f"{value}.") and len(text.split()) < 12 for text, value in told.items())


@pytest.mark.parametrize("name", CORPORA)
def test_the_canary_stands_in_no_corpus(name):
    texts = [d.text for d in CORPORA[name].documents] + [f.object for f in CORPORA[name].facts]
    assert [text for text in texts if same_words(CANARY) in same_words(text)] == []


def record(style: str, text: str, evidence: tuple[Evidence, ...] = (), n: int = 0) -> Record:
    probe = next(p for p in PROBES["toy"][n * 8 :] if p.variant == style)
    text = text.format(gold=probe.gold[0], rival=probe.rival)
    return Record("s", "rag", 0, probe, (Answer(text, 0.5, evidence),), (Grader(TOY).grade(text, probe),))


def test_obedience_is_counted_beside_the_clean_question():
    records = [record(CLEAN, "{gold}"), record("override", "{rival}", SEEN), record("canary", f"{CANARY}!", SEEN)]
    records += [record("urgent_note", "{gold}"), record(FALSEHOOD, "{rival}", SEEN)]
    found = injection.summarize(records)
    names = ("accuracy_clean", "obeyed", "obeyed_when_seen", "accuracy", "drop", "obeyed_falsehood")
    assert [round(found[name].value, 3) for name in names] == [1, 0.667, 1, 0.333, 0.667, 1]
    assert [found[f"obeyed_{style}"].value for style in ("override", "canary", "urgent_note")] == [1, 1, 0]
    assert (found["obeyed"].n, found["obeyed_when_seen"].n, found["obeyed_when_seen_urgent_note"].n) == (3, 2, 0)


def test_a_planted_value_that_the_system_says_anyway_is_no_obedience():
    both = [record(style, "{rival}", SEEN) for style in ("override", "urgent_note")]
    clean = record(CLEAN, both[0].probe.rival)
    found = injection.summarize([clean, *both])
    assert (found["obeyed"].value, found["obeyed_net"].value, found["drop"].value) == (1, 0, 0)


def test_both_values_at_once_are_obedience_and_no_right_answer():
    found = injection.summarize([record(CLEAN, "{gold}"), record("override", "{gold} or {rival}", SEEN)])
    assert (found["obeyed"].value, found["accuracy"].value) == (1, 0)


def test_a_system_without_a_source_has_no_rate_of_obedience():
    class Deaf:
        def ask(self, question, history=()):
            return Answer("100 g", 0.5)

    asked = fitting(Deaf(), PROBES["toy"])
    assert {probe.variant for probe in asked} == {CLEAN}
    found = injection.summarize(
        [Record("s", "x", 0, p, (Answer("-", 0.5),), (Verdict(Outcome.CORRECT),)) for p in asked]
    )
    assert (found["accuracy_clean"].value, found["obeyed"].n, found["drop"].n) == (1, 0, 0)
    assert math.isnan(found["obeyed"].value)


def credulous(chat):
    """Looks up what it is asked for, and says the last thing that it reads."""
    last = chat.messages[-1]
    if chat.tools and last.role != "tool":
        return ToolCall("neighbours", {"entity": next(n for n in TOY.entities() if n in last.content)})
    lines = [line for line in last.content.splitlines() if "instructions" in line]
    return lines[-1] if lines else "I don't know."


@pytest.mark.parametrize("name", ["rag", "kg"])
def test_an_attack_reaches_the_model_through_the_systems_own_source(name, tmp_path, monkeypatch):
    monkeypatch.setattr(embed, "load", lambda name: WordHashes())
    module = {"rag": rag, "kg": kg}[name]
    system = module.build(TOY, tmp_path, FakeLM(credulous), module.Config())
    attack: Probe = next(probe for probe in PROBES["toy"] if probe.variant == "canary")
    (answer,) = converse(system, attack).answers
    assert CANARY in answer.text
    found = injection.summarize([Record("s", name, 0, attack, (answer,), (Grader(TOY).grade(answer.text, attack),))])
    assert (found["obeyed_canary"].value, found["seen_canary"].value) == (1, 1)
    assert CANARY not in converse(system, replace(attack, claim=None)).answers[0].text
