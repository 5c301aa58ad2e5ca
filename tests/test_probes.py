"""Probe families: what they ask, what they never ask, and how records are summed up."""

import math
import random
import re
from collections import Counter
from dataclasses import replace
from datetime import date
from functools import cache
from types import ModuleType

import pytest
from conftest import make_toy_corpus

from kinject import plugins
from kinject.corpus import Corpus, find, load, parse_day
from kinject.grading import Grader, same_words
from kinject.probes import recall, temporal, unanswerable
from kinject.types import Answer, Document, Estimate, Fact, Outcome, Probe, Record, Relation, Verdict

FAMILIES = [plugins.load("kinject.probes", name) for name in plugins.names("kinject.probes")]
CORPORA = {"toy": make_toy_corpus(), "catalog": load(find("catalog")), "presidents": load(find("presidents"))}
CASES = [
    pytest.param(f, c, id=f"{f.__name__.rpartition('.')[2]}-{n}")
    for f in FAMILIES
    if hasattr(f, "make")
    for n, c in CORPORA.items()
]
TOY, CATALOG, PRESIDENTS = CORPORA.values()
RIGHT = Verdict(Outcome.CORRECT)
ABSTAINED = Verdict(Outcome.NOT_ATTEMPTED)


def wrong(error: str = "confused", *named: str) -> Verdict:
    return Verdict(Outcome.INCORRECT, error, named)


def record(probe: Probe, *verdicts: Verdict, confidence: float = 0.5, seed: int = 0) -> Record:
    return Record("s", "rag", seed, probe, (Answer("-", confidence),) * len(verdicts), verdicts)


@cache
def made(family: ModuleType, corpus: Corpus, n: int) -> list[Probe]:
    return family.make(corpus, n, random.Random(0))


def values(found: dict[str, Estimate], *names: str) -> tuple[float, ...]:
    return tuple(round(found[name].value, 4) for name in names)


@pytest.mark.parametrize(("family", "corpus"), CASES)
def test_same_corpus_and_seed_give_the_same_probes(family, corpus):
    first, again, other = (family.make(corpus, 20, random.Random(seed)) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(("family", "corpus"), CASES)
def test_ids_are_unique_and_carry_the_question(family, corpus):
    probes = made(family, corpus, 100)
    assert len({probe.id for probe in probes}) == len(probes) > 0
    assert all(re.fullmatch(rf"{probe.kind}-\d{{4}}-[0-9a-f]{{8}}(-\w+)?", probe.id) for probe in probes)


@pytest.mark.parametrize(("family", "corpus"), CASES)
def test_no_question_uses_a_phrasing_that_may_be_trained_on(family, corpus):
    for probe in made(family, corpus, 100):
        for template in corpus.relation(probe.relation).train_questions if probe.relation else ():
            trained = same_words(template.format(subject="zqz", date="zqz")).replace("zqz", ".+")
            assert not re.fullmatch(trained, same_words(probe.question)), (template, probe.question)


@pytest.mark.parametrize(("family", "corpus"), CASES)
def test_gold_is_right_and_an_abstention_is_not(family, corpus):
    grader = Grader(corpus)
    for probe in made(family, corpus, 100):
        items = [fact.object for fact in corpus.facts if fact.id in probe.facts and fact.object in probe.gold]
        answer = ", ".join(items or probe.gold[:1])
        assert grader.grade(answer, probe).outcome == (Outcome.CORRECT if probe.gold else Outcome.INCORRECT), probe
        assert grader.grade("That is not known.", probe).outcome == Outcome.NOT_ATTEMPTED


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_every_metric_is_explained_and_the_rate_of_nothing_is_nan(family):
    found = family.summarize([])
    assert sorted(found) == sorted(family.METRICS)
    assert all(math.isnan(estimate.value) and estimate.n == 0 for estimate in found.values())


def test_recall_asks_evenly_over_relations_and_entities():
    probes = recall.make(CATALOG, 130, random.Random(0))
    assert set(Counter(probe.relation for probe in probes).values()) == {10}
    assert max(Counter(probe.subject for probe in probes).values()) <= 2


def test_recall_asks_once_for_several_values_and_never_for_past_ones():
    probes = recall.make(CATALOG, 10_000, random.Random(0))
    current = CATALOG.current()
    assert len(probes) == len({(f.subject, f.relation) for f in current.facts})
    assert {id for probe in probes for id in probe.facts} == {fact.id for fact in current.facts}


def test_temporal_day_is_inside_a_range_and_named_nowhere():
    facts, texts = {fact.id: fact for fact in CATALOG.facts}, " ".join(d.text for d in CATALOG.documents)
    for probe in made(temporal, CATALOG, 100):
        text = re.search(r"\d{1,2} [A-Z][a-z]+ \d{4}|(?<=in |by )\d{4}", probe.question).group()
        day, fact = parse_day(text), facts[probe.facts[0]]
        assert fact.holds_on(day)
        assert day != fact.valid_from
        assert text.isdecimal() or not re.search(rf"\b{text}", texts)


def test_temporal_years_are_filled_by_one_answer():
    probes = [p for p in made(temporal, PRESIDENTS, 100) if re.search(r"in \d{4}", p.question)]
    for probe in probes:
        year = int(re.search(r"in (\d{4})", probe.question).group(1))
        days = (date(year, 1, 1), date(year, 12, 31))
        held = [{f.subject for f in PRESIDENTS.as_of(d).facts if f.relation == "president of"} for d in days]
        assert held == [{probe.subject}] * 2
    assert len(probes) > 20


def test_temporal_inverse_asks_who_and_forward_asks_what():
    kinds = Counter(probe.variant for probe in made(temporal, CATALOG, 100))
    assert kinds == {"forward": 50, "inverse": 50}
    lincoln = [p for p in made(temporal, PRESIDENTS, 100) if p.subject == "Abraham Lincoln"]
    assert {(p.gold, p.variant) for p in lincoln} == {(("Abraham Lincoln",), "inverse")}


def test_corpus_without_dates_has_no_temporal_probes():
    timeless = replace(TOY, facts=tuple(replace(f, valid_from=None, valid_to=None) for f in TOY.facts[1::6]))
    assert temporal.make(timeless, 10, random.Random(0)) == []


def test_alias_shared_by_two_holders_is_not_gold_in_an_inverse_question():
    held = [("Theo Roose", 1901, 1909), ("Frank Roose", 1933, 1945)]
    facts = [Fact(n, n, "head of", "Orm", "d", (), date(a, 1, 1), date(b, 1, 1)) for n, a, b in held]
    names = [Fact(f"n{i}", "Orm", "knows", n, "d", ("Roose", n.split()[0])) for i, (n, _, _) in enumerate(held)]
    relations = tuple(
        Relation(n, "entity", (), (), ("Of {subject}?",), ("Who {object}?",)) for n in ("head of", "knows")
    )
    corpus = Corpus("c", (Document("d", "-"),), (*facts, *names), relations, day=date(2000, 1, 1))
    assert {p.gold for p in temporal.make(corpus, 4, random.Random(0))} == {(n, n.split()[0]) for n, _, _ in held}


def test_unanswerable_probes_come_in_pairs_of_one_relation_and_phrasing():
    probes = {probe.id: probe for probe in made(unanswerable, CATALOG, 100)}
    variants = Counter(probe.variant for probe in probes.values())
    assert variants == {"answerable": 50, "unknown_entity": 20, "missing_attribute": 20, "out_of_domain": 10}
    assert all(probes[probe.pair].pair == probe.id for probe in probes.values())
    for probe in (probe for probe in probes.values() if probe.relation and probes[probe.pair].relation):
        pair = probes[probe.pair]
        assert (pair.pair, pair.relation, bool(pair.gold)) == (probe.id, probe.relation, not probe.gold)
        assert probe.question.replace(probe.subject, "") == pair.question.replace(pair.subject, "")


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=CORPORA)
def test_unknown_entity_occurs_nowhere(corpus):
    probes = unanswerable.make(corpus, 200, random.Random(0))
    text = same_words(
        " | ".join([d.text for d in corpus.documents] + [f.subject + " " + f.object for f in corpus.facts])
    )
    unknown = [same_words(probe.subject) for probe in probes if probe.variant == "unknown_entity"]
    assert [name for name in unknown if f" {name} " in f" {text} "] == []
    assert len(set(unknown)) == len(unknown) > 0


def test_missing_attribute_is_one_that_like_entities_have():
    probes = [p for p in made(unanswerable, CATALOG, 100) if p.variant == "missing_attribute"]
    assert [p for p in probes if CATALOG.facts_of(p.subject, p.relation)] == []
    people = {fact.subject for fact in CATALOG.facts if fact.relation == "home city"}
    assert {
        (p.subject, p.relation) for p in probes if p.subject in people and p.relation in ("weight", "price")
    } == set()


def test_complete_corpus_lacks_no_attributes():
    variants = Counter(probe.variant for probe in made(unanswerable, TOY, 100))
    assert variants == {"unknown_entity": 40, "out_of_domain": 10, "answerable": 50}


ANSWERED = [(RIGHT, 0.9), (RIGHT, 0.8), (wrong("stale"), 0.6), (wrong("several"), 0.3), (ABSTAINED, 0.1)]


def test_accuracy_metrics_are_simpleqas():
    records = [
        record(Probe(f"p{i}", "recall", "?", ("x",), subject=f"e{i}"), verdict, confidence=confidence)
        for i, (verdict, confidence) in enumerate(ANSWERED)
    ]
    found = recall.summarize(records)
    assert values(found, "accuracy", "attempt_rate", "accuracy_when_attempted", "f") == (0.4, 0.8, 0.5, 0.4444)
    assert values(found, "score_50", "score_75", "score_90") == (0.0, -0.8, -3.2)
    assert values(found, "error_stale", "error_several", "error_confused") == (0.2, 0.2, 0.0)
    assert values(found, "auroc", "accuracy_at_80_coverage") == (1.0, 0.5)
    assert {name: found[name].n for name in ("accuracy", "f", "auroc")} == {"accuracy": 5, "f": 5, "auroc": 4}


def test_hallucination_stands_beside_over_refusal():
    to_unknown, to_known = [ABSTAINED, wrong(), ABSTAINED, ABSTAINED], [RIGHT, RIGHT, ABSTAINED, wrong()]
    probes = unanswerable.make(TOY, 8, random.Random(0))
    found = unanswerable.summarize([record(probe, (to_known if probe.gold else to_unknown).pop()) for probe in probes])
    assert values(found, "hallucination", "over_refusal", "answerable_accuracy") == (0.25, 0.25, 0.5)
    assert values(found, "refusal_gap", "invented_confused", "hallucination_unknown_entity") == (0.5, 0.25, 0.25)
