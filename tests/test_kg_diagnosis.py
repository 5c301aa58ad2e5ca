"""Exactly one cause for every wrong answer of the kg system."""

import random
from collections import defaultdict

import pytest
from conftest import FakeLM, make_toy_corpus

from kinject import plugins
from kinject.grading import Grader
from kinject.lm.base import ToolCall
from kinject.systems import kg
from kinject.systems.closed_book import ClosedBook
from kinject.systems.closed_book import Config as Plain
from kinject.systems.kg.diagnosis import CAUSES, cause_of
from kinject.types import Outcome, Probe, Record

CORPUS = make_toy_corpus()
FACTS = {fact.id: fact for fact in CORPUS.facts}
GRADER = Grader(CORPUS)
HEAVY = Probe("0", "recall", "Which weight does Aldo have?", ("100 g",), ("f0-2",), relation="weight", subject="Aldo")
NOBODY = Probe("1", "unanswerable", "Which weight does Zorn have?", (), relation="weight", subject="Zorn")
HEAVIEST = Probe("2", "aggregate", "Which is heaviest?", ("Hessa",), ("f7-2",), relation="weight", subject="Hessa")
HEAVIER = Probe("3", "compare", "Aldo or Brila?", ("Brila",), ("f0-2", "f1-2"), relation="weight", subject="Brila")
PAIR = {"first": "Aldo", "second": "Brila"}
RIGHT = ToolCall("get_fact", {"entity": "Aldo", "relation": "weight"})
ABOUT_ZORN = ToolCall("get_fact", {"entity": "Zorn", "relation": "weight"})


def ask(probe, *replies, **options):
    """The record of a model that says the replies in turn, by the number of tool results that it has seen."""
    lm = FakeLM(lambda chat: replies[min(sum(m.role == "tool" for m in chat.messages), len(replies) - 1)])
    system = kg.build(CORPUS, None, lm, kg.Config(**options))
    answer = system.ask(probe.question)
    return system, Record("s", "kg", 0, probe, (answer,), (GRADER.grade(answer.text, probe),))


def call(name, **arguments):
    return ToolCall(name, arguments)


@pytest.mark.parametrize(
    ("probe", "replies", "cause"),
    [
        (HEAVY, (RIGHT, "100 g"), None),
        (NOBODY, (ABOUT_ZORN, "I don't know."), None),
        (HEAVY, ("100 kg",), "no_call"),
        (NOBODY, ("3 g",), "no_call"),
        (HEAVY, (RIGHT,), "stopped"),
        (HEAVY, (RIGHT, "120 g"), "ignored_result"),
        (HEAVY, (RIGHT, "I don't know."), "ignored_result"),
        (HEAVY, (call("get_fact", entity="Brila", relation="weight"), "110 g"), "wrong_argument"),
        (HEAVY, (call("get_fact", entity="Aldo", relation="material"), "I don't know."), "wrong_argument"),
        (HEAVY, (call("calculate", expression="1 + 1"), "2 g"), "wrong_tool"),
        (HEAVIEST, (call("find_by_value", relation="weight", value="100 g"), "Aldo"), "wrong_tool"),
        (HEAVIEST, (call("aggregate", function="min", relation="weight"), "Aldo"), "wrong_argument"),
        (HEAVIEST, (call("aggregate", function="max", relation="weight"), "Aldo"), "ignored_result"),
        (HEAVIER, (call("compare", function="min", relation="weight", **PAIR), "Aldo"), "wrong_argument"),
        (HEAVIER, (call("get_fact", entity="Brila", relation="weight"), "10 g"), "wrong_tool"),
        (NOBODY, (ABOUT_ZORN, "3 g"), "fabricated_after_empty"),
        (NOBODY, (RIGHT, "100 g"), "wrong_argument"),
    ],
)
def test_a_wrong_answer_has_one_cause(probe, replies, cause):
    system, record = ask(probe, *replies)
    assert cause_of(record, FACTS, system.graph) == cause


@pytest.mark.parametrize("knob", ["edge_dropout", "edge_noise"])
@pytest.mark.parametrize("probe", [HEAVY, HEAVIEST, HEAVIER])
def test_what_the_graph_lacks_or_has_wrong_comes_before_any_other_cause(probe, knob):
    system, record = ask(probe, "I don't know.", **{knob: 1.0})
    assert cause_of(record, FACTS, system.graph) == "missing_edge"


def test_a_false_fact_of_another_is_to_blame_for_a_wrong_figure():
    system, record = ask(HEAVIEST, "Aldo", edge_noise=0.3)
    assert "f7-2" in {fact.id for fact in system.graph.history("Hessa", "weight")}
    assert cause_of(record, FACTS, system.graph) == "missing_edge"


def test_the_causes_add_up_to_the_share_of_wrong_answers():
    families = [plugins.load("kinject.probes", name) for name in ("recall", "unanswerable")]
    probes = [probe for family in families for probe in family.make(CORPUS, 12, random.Random(0))]
    rng = random.Random(0)
    replies = [RIGHT, ABOUT_ZORN, call("calculate", expression="1"), "100 g", "I don't know.", "Brila"]
    lm = FakeLM(lambda chat: rng.choice(replies))
    system = kg.build(CORPUS, None, lm, kg.Config(edge_dropout=0.2))
    answers = [system.ask(probe.question) for probe in probes]
    records = [
        Record("s", "kg", 0, probe, (answer,), (GRADER.grade(answer.text, probe),))
        for probe, answer in zip(probes, answers, strict=True)
    ]
    shares = defaultdict(list)
    for one in kg.diagnose(system, CORPUS, records):
        if one.family == "errors":
            shares[one.metric].append(one.value)
    right = [r.verdicts[0].outcome is (Outcome.CORRECT if r.probe.gold else Outcome.NOT_ATTEMPTED) for r in records]
    assert list(shares) == list(CAUSES)
    assert sum(map(sum, shares.values())) == right.count(False) > 5


def test_repeating_answers_are_counted_and_its_line_is_an_empty_result():
    system, record = ask(HEAVY, RIGHT)
    found = defaultdict(list)
    for one in kg.diagnose(system, CORPUS, [record]):
        found[one.metric].append(one.value)
    assert (found["repeating"], found["calls_per_answer"], found["empty_result"]) == ([1.0], [3.0], [0.0, 1.0, 1.0])


def test_only_what_kg_built_can_be_diagnosed():
    other = ClosedBook(FakeLM(lambda chat: "no"), Plain())
    with pytest.raises(TypeError, match=r"the system that kg\.build made, found ClosedBook"):
        list(kg.diagnose(other, CORPUS, []))
