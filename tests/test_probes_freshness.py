"""Freshness: only what was superseded is asked for, its gold is what holds now, and stale is told from wrong."""

import random
from collections import Counter
from dataclasses import replace
from datetime import date

from conftest import make_toy_corpus

from kinject.corpus import Corpus, find, load
from kinject.grading import Grader
from kinject.probes import freshness
from kinject.types import Answer, Document, Fact, Outcome, Record, Relation, Verdict

TOY, CATALOG, PRESIDENTS = make_toy_corpus(), load(find("catalog")), load(find("presidents"))
PROBES = freshness.make(CATALOG, 400, random.Random(0))


def chairs(*facts: Fact, day: date | None = date(2024, 6, 1)) -> Corpus:
    relation = Relation("chair of", "entity", (), (), ("What does {subject} chair?",), ("Who chairs {object}?",))
    return Corpus("c", (Document("d", "-"),), facts, (relation,), day=day)


def held(subject: str, value: str, start: int, end: int | None = None) -> Fact:
    until = date(end, 1, 1) if end else None
    return Fact(f"{subject}-{value}-{start}", subject, "chair of", value, "d", (), date(start, 1, 1), until)


def asked(corpus: Corpus) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(probe.variant, probe.question, probe.gold) for probe in freshness.make(corpus, 50, random.Random(0))}


def test_gold_holds_now_and_something_else_held_before():
    facts = {fact.id: fact for fact in CATALOG.facts}
    for probe in PROBES:
        now = [facts[id] for id in probe.facts]
        assert all(fact.holds_on(CATALOG.day) for fact in now)
        if probe.variant == "forward":
            assert {f.object for f in CATALOG.facts_of(probe.subject, probe.relation)} > {f.object for f in now}


def test_a_superseded_answer_is_stale():
    grader = Grader(CATALOG)
    for probe in PROBES:
        if probe.variant == "forward":
            past = [f for f in CATALOG.facts_of(probe.subject, probe.relation) if f.id not in probe.facts]
            assert grader.grade(past[0].object, probe).error == "stale"


def test_a_former_president_is_stale():
    (probe,) = freshness.make(PRESIDENTS, 400, random.Random(0))
    assert (probe.gold, probe.pair) == (("Donald Trump",), "")
    assert Grader(PRESIDENTS).grade("Joe Biden", probe).error == "stale"


def test_every_twin_is_asked_in_the_same_words_and_never_changed():
    probes = {probe.id: probe for probe in PROBES}
    twins = [(probe, probes[probe.pair]) for probe in PROBES if probe.variant == "unchanged"]
    assert len(twins) > 80
    for same, changed in twins:
        assert (same.pair, same.relation) == (changed.id, changed.relation)
        if changed.variant == "forward":
            assert same.question.replace(same.subject, "") == changed.question.replace(changed.subject, "")
            assert len({fact.object for fact in CATALOG.facts_of(same.subject, same.relation)}) == 1


def test_a_corpus_without_superseded_values_gives_nothing():
    timeless = replace(TOY, facts=tuple(fact for fact in TOY.facts if fact.relation != "price"))
    assert freshness.make(timeless, 10, random.Random(0)) == []


def test_both_directions_are_asked():
    assert asked(chairs(held("Ada", "Orm", 2000, 2010), held("Ben", "Orm", 2010), held("Ada", "Vel", 2010))) == {
        ("forward", "What does Ada chair?", ("Vel",)),
        ("inverse", "Who chairs Orm?", ("Ben",)),
        ("unchanged", "What does Ben chair?", ("Orm",)),
        ("unchanged", "Who chairs Vel?", ("Ada",)),
    }


def test_who_shares_a_value_now_or_has_it_again_is_not_asked_for():
    shared = chairs(held("Ada", "Orm", 2000, 2010), held("Ben", "Orm", 2010), held("Cid", "Orm", 2010))
    again = chairs(held("Ada", "Orm", 2000, 2010), held("Ada", "Orm", 2012))
    assert {variant for variant, _, _ in asked(shared)} == set()
    assert asked(again) == set()


def test_what_is_only_to_come_makes_nothing_stale():
    coming = chairs(held("Ada", "Orm", 2000, 2030), held("Ada", "Vel", 2030), held("Eve", "Lum", 2000, 2010))
    assert asked(coming) == set()


def test_without_a_day_what_has_an_end_is_past():
    assert asked(chairs(held("Ada", "Orm", 2000, 2010), held("Ada", "Vel", 2010), day=None)) == {
        ("forward", "What does Ada chair?", ("Vel",))
    }


def test_an_odd_number_of_probes_leaves_the_last_without_a_twin():
    probes = freshness.make(CATALOG, 5, random.Random(0))
    assert [bool(probe.pair) for probe in probes] == [True] * 4 + [False]


def test_stale_and_accuracy_are_of_what_changed_and_the_drop_is_paired():
    right, stale, other = Verdict(Outcome.CORRECT), Verdict(Outcome.INCORRECT, "stale"), Verdict(Outcome.INCORRECT)
    said = {"forward": [right, stale, stale, stale], "inverse": [other] * 4, "unchanged": [right] * 8}
    records = [
        Record("s", "rag", 0, probe, (Answer("-", 0.5),), (said[probe.variant].pop(0),)) for probe in PROBES[:16]
    ]
    found = freshness.summarize(records)
    assert Counter({name: found[name].value for name in freshness.METRICS}) == {
        "accuracy": 0.125,
        "accuracy_forward": 0.25,
        "accuracy_inverse": 0.0,
        "stale": 0.375,
        "attempt_rate": 1.0,
        "accuracy_unchanged": 1.0,
        "drop": 0.875,
    }
