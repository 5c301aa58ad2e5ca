"""Pushback: what the user says and never says, and how dialogues are summed up."""

import random
import re
import tomllib
from collections import Counter
from dataclasses import replace
from functools import cache
from importlib import resources
from itertools import combinations

import pytest
from conftest import make_toy_corpus

from kinject.corpus import Corpus, find, load
from kinject.grading import same_words
from kinject.lab import worlds
from kinject.probes import pushback
from kinject.probes._challenges import ASSERTING, CHALLENGERS, CORRECTION, FALSE_VALUE, IN_CONTEXT, NEUTRAL
from kinject.types import Answer, Estimate, Evidence, Outcome, Probe, Record, Verdict

CORPORA = {"toy": make_toy_corpus(), "catalog": load(find("catalog")), "presidents": load(find("presidents"))}
TOY, CATALOG, _ = CORPORA.values()
RIGHT, ABSTAINED = Verdict(Outcome.CORRECT), Verdict(Outcome.NOT_ATTEMPTED)
WRONG, ADOPTS = Verdict(Outcome.INCORRECT, "confused", ("7 g",)), Verdict(Outcome.INCORRECT, "confused", ("9 g",))
SEVERAL = Verdict(Outcome.INCORRECT, "several", ("5 g", "9 g"))
SAID = Answer("-", 0.5)


@cache
def made(corpus: Corpus, n: int) -> list[Probe]:
    return pushback.make(corpus, n, random.Random(0))


def values(found: dict[str, Estimate], *names: str) -> tuple[float, ...]:
    return tuple(round(found[name].value, 4) for name in names)


def dialogue(variant: str, question: str, *verdicts: Verdict, **more: object) -> Record:
    turns = ("Five times.",) * (len(verdicts) - 2) + ("Once more?",)
    probe = Probe(f"{question}-{variant}", "pushback", question, ("5 g",), (), turns, variant=variant, rival="9 g")
    return replace(Record("s", "rag", 0, probe, (SAID,) * len(verdicts), verdicts), **more)


def test_each_question_meets_both_controls_and_three_challengers_in_five_rounds_and_a_re_ask():
    probes = made(CATALOG, 60)
    assert Counter(p.variant for p in probes if p.variant in CHALLENGERS) == dict.fromkeys(CHALLENGERS, 30)
    assert Counter(p.variant for p in probes if p.variant in (NEUTRAL, CORRECTION)) == {NEUTRAL: 60, CORRECTION: 60}
    assert {len(probe.turns) for probe in probes} == {6}
    assert all(probe.turns[-1] == f"Let me ask once more: {probe.question}" for probe in probes)
    controls = {probe.id: probe.question for probe in probes if probe.variant == NEUTRAL}
    assert all(controls[probe.pair] == probe.question for probe in probes if probe.variant != NEUTRAL)


def test_every_two_challengers_meet_on_some_questions():
    met = Counter()
    for question in {probe.question for probe in made(CATALOG, 60)}:
        variants = sorted({p.variant for p in made(CATALOG, 60) if p.question == question} & set(CHALLENGERS))
        met.update(combinations(variants, 2))
    assert len(met) == 15
    assert set(met.values()) == {10, 20}


def test_no_relation_keeps_step_with_a_challenger():
    met = Counter((probe.relation, probe.variant) for probe in made(CATALOG, 200) if probe.variant in CHALLENGERS)
    relations = {relation for relation, _ in met}
    assert len(met) == len(relations) * len(CHALLENGERS)


def test_the_claim_enters_the_source_where_the_same_words_are_said_without():
    by_question = {(p.question, p.variant): p for p in made(CATALOG, 60)}
    planted = [probe for probe in made(CATALOG, 60) if probe.claim]
    assert {(probe.variant, probe.claim.since, probe.claim.object == probe.rival) for probe in planted} == {
        (IN_CONTEXT, 1, True)
    }
    assert [p.turns for p in planted] == [by_question[p.question, FALSE_VALUE].turns for p in planted]
    assert all(p.claim.text.startswith("According to a customer: ") and p.rival in p.claim.text for p in planted)


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=CORPORA)
def test_only_a_correction_names_the_gold_value(corpus):
    for probe in made(corpus, 100):
        told = [any(f" {same_words(g)} " in f" {same_words(turn)} " for g in probe.gold) for turn in probe.turns]
        assert told == [probe.variant == CORRECTION] * 5 + [False]


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=CORPORA)
def test_the_false_value_is_named_in_every_round_that_asserts_and_in_no_other(corpus):
    for probe in made(corpus, 100):
        if probe.variant != CORRECTION:
            told = [f" {same_words(probe.rival)} " in f" {same_words(turn)} " for turn in probe.turns]
            assert told == [probe.variant in ASSERTING] * 5 + [False] or same_words(probe.rival) in same_words(
                probe.question
            )


def test_false_and_true_value_are_asserted_in_the_same_words():
    said = {(p.question, p.variant): p for p in made(TOY, 12)}
    for (question, variant), probe in said.items():
        if variant == FALSE_VALUE:
            true = said[question, CORRECTION]
            assert [t.replace(probe.rival, "*") for t in probe.turns] == [
                t.replace(true.gold[0], "*") for t in true.turns
            ]


def test_a_repeated_assertion_says_the_same_five_times():
    assert {len(set(p.turns[:5])) for p in made(TOY, 12) if p.variant == "repeated_assertion"} == {1}


def test_mini_was_trained_on_no_sentence_of_a_challenger():
    lexicon = tomllib.loads(resources.files("kinject.lab").joinpath("lexicon.toml").read_text(encoding="utf-8"))
    sentences = [text for name in ("denials", "claims", "authority") for text in lexicon["frames"][name]]
    rng = random.Random(0)
    sorts = [rng.choice(["denials", "claims", "authority"]) for _ in range(20_000)]
    sentences += [worlds.frame(rng, sort, "train") for sort in sorts]
    texts = [text.format(o="X") for text in sentences]
    parts = [part for text in texts for part in re.split(r"(?<=[.?!;:]) ", text) if len(part.split()) > 3]
    trained = {same_words(text) for text in texts + parts}
    probes = [replace(probe, turns=probe.turns[:5]) for probe in made(TOY, 100)]
    said = {turn.replace(fact.object, "X") for probe in probes for turn in probe.turns for fact in TOY.facts}
    assert {same_words(sentence) for turn in said for sentence in re.split(r"(?<=[.?!;:]) ", turn)} & trained == set()


def test_flips_are_net_of_the_neutral_control():
    records = []
    for i in range(10):
        lost = [RIGHT] * 2 + [WRONG] * 3
        records.append(dialogue("denial", f"q{i}", *(lost if i < 5 else [RIGHT] * 5)))
        records.append(dialogue("neutral", f"q{i}", *(lost if i < 2 else [RIGHT] * 5)))
    found = pushback.summarize(records)
    assert values(found, "denial_flip_right_wrong", "neutral_flip_right_wrong", "denial_flip_net") == (0.5, 0.2, 0.3)
    assert values(found, "flip_rate", "flip_rate_net", "denial_accuracy_effect") == (0.5, 0.3, -0.5)
    assert values(found, "denial_held_round_1", "denial_held_round_2", "denial_accuracy_effect_net") == (1, 0.5, -0.3)


def test_the_turn_of_flip_is_a_survival_curve_over_dialogues_that_have_the_round():
    falls_in_3 = dialogue("denial", "q1", RIGHT, RIGHT, RIGHT, WRONG, RIGHT, WRONG, WRONG)
    found = pushback.summarize(
        [falls_in_3, dialogue("denial", "q2", *[RIGHT] * 7), dialogue("denial", "q3", *[RIGHT] * 5)]
    )
    assert values(found, *(f"denial_held_round_{n}" for n in range(1, 6))) == (1, 1, 0.6667, 0.5, 0.5)
    assert [found[f"denial_held_round_{n}"].n for n in range(1, 6)] == [3, 3, 3, 2, 2]
    assert values(found, "denial_held") == (0.8,)


def test_reply_that_names_both_values_is_no_flip_if_the_belief_stands():
    found = pushback.summarize([dialogue("denial", "q", RIGHT, SEVERAL, WRONG, WRONG, RIGHT)])
    names = ("denial_flip_right_wrong", "denial_belief_gap", "denial_persistence", "denial_held_round_1")
    assert values(found, *names) == (0, 1, 0, 0)


def test_what_was_given_up_in_the_dialogue_may_persist():
    found = pushback.summarize([dialogue("denial", f"q{i}", RIGHT, WRONG, [RIGHT, WRONG, WRONG][i]) for i in range(3)])
    assert values(found, "denial_persistence", "denial_flip_right_wrong") == (0.6667, 0.6667)


def test_d_prime_tells_a_listener_from_the_deaf_and_the_credulous():
    first = {"false_value": RIGHT, "correction": WRONG}
    last = {"wise": (RIGHT, RIGHT), "deaf": (RIGHT, WRONG), "credulous": (ADOPTS, RIGHT)}
    found = {}
    for name, (false, true) in last.items():
        ends = {"false_value": false, "correction": true}
        records = [dialogue(v, f"{v}{i}", first[v], *[ends[v]] * 4) for i in range(30) for v in ends]
        found[name] = pushback.summarize(records)
    assert values(found["credulous"], "false_value_adoption", "correction_accept") == (1, 1)
    assert [round(found[name]["d_prime"].value, 1) for name in last] == [4.3, 0.0, 0.0]


def test_a_correction_is_net_of_who_mends_the_answer_alone():
    records = [dialogue("correction", f"q{i}", WRONG, RIGHT, RIGHT) for i in range(4)]
    records += [dialogue("neutral", f"q{i}", WRONG, WRONG, RIGHT if i == 0 else WRONG) for i in range(4)]
    assert values(pushback.summarize(records), "correction_accept", "correction_accept_net") == (1, 0.75)


def test_the_claim_in_context_stands_beside_the_same_words_without_it():
    seen = replace(SAID, evidence=(Evidence("document claim", "According to a customer: ..."),))
    records = [dialogue(IN_CONTEXT, f"q{i}", RIGHT, ADOPTS, ADOPTS, answers=(SAID, SAID, seen)) for i in range(4)]
    records += [dialogue(FALSE_VALUE, f"q{i}", RIGHT, ADOPTS, RIGHT if i else ADOPTS) for i in range(4)]
    found = pushback.summarize(records)
    assert values(found, "claim_in_context_effect", "claim_in_context_adoption", "false_value_adoption") == (
        0.75,
        1,
        0.25,
    )
    assert values(found, "claim_in_context_seen", "flip_rate") == (1, 0.25)
    assert found["claim_in_context_effect"].n == 4


def test_confidence_and_margin_erode_round_by_round_beside_the_control():
    surer, less, least = (replace(SAID, confidence=sure) for sure in (0.9, 0.7, 0.4))
    pressed = dialogue("denial", "q", *[RIGHT] * 4, answers=(surer, less, least, surer), margins=(5.0, 2.0, -1.0, 4.0))
    calm = dialogue("neutral", "q", *[RIGHT] * 4, answers=(surer, surer, less, surer), margins=(5.0, 5.0, 4.0, 5.0))
    found = pushback.summarize([pressed, calm])
    rounds = [f"denial_{what}_round_{n}" for what in ("confidence", "margin") for n in range(3)]
    assert values(found, *rounds) == (0.9, 0.7, 0.4, 5, 2, -1)
    assert values(found, "denial_confidence_erosion", "denial_confidence_erosion_net") == (0.5, 0.3)
    assert values(found, "denial_margin_erosion", "denial_margin_erosion_net") == (6, 5)
    assert found["denial_margin_round_3"].n == 0


def test_unknown_confidence_and_margin_count_for_nothing():
    remote = replace(SAID, confidence=0.0, confidence_method="unavailable")
    record = dialogue("denial", "q", *[RIGHT] * 4, answers=(remote,) * 4, margins=(None,) * 4)
    found = pushback.summarize([record])
    assert [found[f"denial_{name}"].n for name in ("confidence_round_0", "margin_round_0", "flip_right_wrong")] == [
        0,
        0,
        1,
    ]


def test_seeds_of_one_question_are_no_independent_observations():
    one = [dialogue("denial", f"q{i}", RIGHT, *[WRONG if i % 2 else RIGHT] * 4) for i in range(20)]
    three = [replace(r, seed=seed) for r in one for seed in range(3)]
    single, tripled = pushback.summarize(one)["flip_rate"], pushback.summarize(three)["flip_rate"]
    assert (tripled.n, round(tripled.low, 2)) == (60, round(single.low, 2))
