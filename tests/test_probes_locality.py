"""Locality: questions outside the corpus, true gold, and what counts as harm."""

import json
import random
from collections import Counter
from dataclasses import replace
from importlib import resources

import pytest
from conftest import make_toy_corpus

from kinject.corpus import find, load
from kinject.grading import Grader, same_words
from kinject.lm.prompts import reading
from kinject.probes import locality
from kinject.probes._reading import _ATTRIBUTES, Coiner, pages
from kinject.types import Answer, Fact, Outcome, Probe, Record, Verdict

CORPORA = {"toy": make_toy_corpus(), "catalog": load(find("catalog")), "presidents": load(find("presidents"))}
PROBES = locality.make(CORPORA["catalog"], 200, random.Random(0))
GENERAL = [
    json.loads(line)
    for line in resources.files("kinject.probes").joinpath("general.jsonl").read_text(encoding="utf-8").splitlines()
]


def of(variant: str) -> list[Probe]:
    return [probe for probe in PROBES if probe.variant == variant]


def test_the_variants_are_asked_in_turn_and_general_knowledge_as_far_as_it_goes():
    assert Counter(probe.variant for probe in PROBES) == dict.fromkeys(locality.VARIANTS, 50)
    many = Counter(probe.variant for probe in locality.make(CORPORA["toy"], 1000, random.Random(0)))
    assert (many["general"], sum(many.values())) == (len(GENERAL), 1000)


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=CORPORA)
def test_no_coined_name_occurs_in_the_corpus(corpus):
    words = {word for document in corpus.documents for word in same_words(document.text).split()}
    words |= {word for fact in corpus.facts for word in same_words(f"{fact.subject} {fact.object}").split()}
    coined = [p.subject.casefold() for p in locality.make(corpus, 200, random.Random(0)) if p.variant != "general"]
    assert (set(coined) & words, len(set(coined))) == (set(), len(coined))


def test_a_name_that_is_taken_is_not_coined():
    free = Coiner((), random.Random(0)).name()
    assert Coiner({free.casefold()}, random.Random(0)).name() != free


def test_pages_state_the_gold_value_of_the_right_thing_only():
    rng = random.Random(0)
    for _ in range(200):
        told = pages(Coiner((), rng), rng, answered=True)
        own, other = sorted(told.passages, key=lambda passage: not passage.startswith(f"{told.subject}: "))
        stated = [same_words(passage).split().count(same_words(told.value).split()[0]) for passage in (own, other)]
        assert stated == [1, 0], told


def test_silent_pages_say_nothing_of_what_is_asked():
    rng = random.Random(0)
    for _ in range(200):
        silent = pages(Coiner((), rng), rng, answered=False)
        (asked,) = (a for a in _ATTRIBUTES if a.question.format(s=silent.subject) == silent.question)
        before, after = asked.statement.format(s=silent.subject, v="|").split("|")
        assert not any(before in passage and after in passage.split(before)[1] for passage in silent.passages)


def test_pages_are_put_to_a_model_as_passages_are():
    (probe,) = locality.make(CORPORA["toy"], 1, random.Random(0))
    question, passages, again = probe.question.split("\n\n")
    assert question == again
    lines = [line.split("] ", 1)[1] for line in passages.split("\n")]
    assert reading(question, lines)[-1].content == probe.question


def test_general_questions_are_many_asked_once_and_right_in_every_spelling():
    grader = Grader(CORPORA["catalog"])
    assert len({row["question"] for row in GENERAL}) == len(GENERAL) >= 120
    for row in GENERAL:
        probe = Probe("p", "locality", row["question"], tuple(row["gold"]), subject=row["subject"])
        assert {grader.grade(f"It is {value}.", probe).outcome for value in row["gold"]} == {Outcome.CORRECT}, row
        assert grader.grade("I don't know.", probe).outcome is Outcome.NOT_ATTEMPTED


def test_no_general_question_is_about_an_entity_of_the_corpus():
    countries = replace(CORPORA["toy"], facts=(Fact("f", "France", "weight", "1 g", "d0"),))
    asked = [probe.question for probe in locality.make(countries, 800, random.Random(0))]
    assert "What is the capital of France?" not in asked
    assert "What is the capital of Poland?" in asked


def test_an_abstention_is_due_where_nothing_is_known():
    right, none, wrong = (Verdict(outcome) for outcome in (Outcome.CORRECT, Outcome.NOT_ATTEMPTED, Outcome.INCORRECT))
    said = {"pages": (right, none), "silent_pages": (none, wrong), "unknown": (none, none), "general": (wrong, right)}
    records = [
        Record("s", "rag", 0, probe, (Answer("-", 0.5),), (verdict,))
        for variant, verdicts in said.items()
        for probe, verdict in zip(of(variant), verdicts, strict=False)
    ]
    found = {name: (estimate.value, estimate.n) for name, estimate in locality.summarize(records).items()}
    assert found == {
        "accuracy": (0.625, 8),
        "accuracy_pages": (0.5, 2),
        "accuracy_silent_pages": (0.5, 2),
        "accuracy_unknown": (1.0, 2),
        "accuracy_general": (0.5, 2),
        "hallucination": (0.25, 4),
        "over_refusal": (0.5, 2),
    }
