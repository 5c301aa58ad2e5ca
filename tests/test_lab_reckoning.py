"""Lessons in which tools count, compare and calculate say what the kg system's tools say."""

import random
import re

import pytest
from conftest import make_toy_corpus
from langchain_core.utils.function_calling import convert_to_openai_tool

from kinject.lab import encoding, lesson, lessons, names, reckoning, worlds
from kinject.lab.worlds import Attribute, Held, World
from kinject.systems.kg import calculator
from kinject.systems.kg.amounts import read_amount
from kinject.systems.kg.graph import Graph
from kinject.systems.kg.tools import is_refusal, make_tools


def drawn(ability, n=60, split="exam"):
    return [lessons.of_ability(random.Random(seed), ability, lessons.LEVELS[5], split) for seed in range(n)]


def calls(one):
    """Each call of a lesson with its result."""
    messages = one.messages
    return [(m.tool_calls[0], messages[i + 1].content) for i, m in enumerate(messages) if m.tool_calls]


def test_the_tools_of_lessons_are_those_of_the_kg_system():
    graph = Graph(make_toy_corpus())
    theirs = [convert_to_openai_tool(tool)["function"] for tool in make_tools(graph)]
    ours = lesson.tools(list(graph.relations))
    assert [(t.name, t.description, list(t.parameters["properties"])) for t in ours] == [
        (t["name"], t["description"], list(t["parameters"]["properties"])) for t in theirs
    ]
    assert [set(t.parameters["required"]) for t in ours] == [set(t["parameters"]["required"]) for t in theirs]


def test_choices_are_listed_once():
    signatures = encoding.signatures(lesson.tools(["weight", "price"]))
    assert "\n".join(signatures).count("weight|price") == 1
    assert signatures[0] == "get_fact(entity, relation: weight|price, on?)"


@pytest.mark.parametrize("ability", ["tool_calculate", "tool_reckoning"])
def test_a_calculation_is_what_the_calculator_says(ability):
    tool = {tool.name: tool for tool in make_tools(Graph(make_toy_corpus()))}["calculate"]
    found = [call for one in drawn(ability) for call in calls(one) if call[0].name == "calculate"]
    assert len(found) == 60
    assert all(tool.invoke(call.arguments) == result for call, result in found)


def test_what_is_calculated_with_was_looked_up_or_asked():
    for one in drawn("tool_reckoning"):
        *looked_up, (calculation, _) = calls(one)
        question = next(m.content for m in one.messages if m.role == "user")
        seen = question + " ".join(result for _, result in looked_up)
        assert all(number in seen for number in re.split(r" [-*] ", calculation.arguments["expression"]))
        value = read_amount(looked_up[0][1].rpartition(" | ")[2])
        answer = read_amount(one.messages[-1].content)
        assert value.unit == answer.unit


def test_a_difference_is_never_below_zero():
    expressions = [calls(one)[-1][0].arguments["expression"] for one in drawn("tool_reckoning", 200)]
    assert not [e for e in expressions if " - " in e and calculator.evaluate(e).startswith("-")]


def test_the_winner_of_a_comparison_has_more_or_less_as_was_asked():
    directions = set()
    for one in drawn("tool_compare"):
        ((call, result),) = calls(one)
        first, second = (read_amount(line.rpartition(" | ")[2]).number for line in result.split("\n"))
        assert first > second if call.arguments["function"] == "max" else first < second
        assert result.startswith(one.gold)
        assert {call.arguments["first"], call.arguments["second"]} == {r.split(" | ")[0] for r in result.split("\n")}
        directions.add(call.arguments["function"])
    assert directions == {"max", "min"}


def test_a_restriction_is_said_in_the_question_and_given_to_the_tool():
    restricted = 0
    for one in drawn("tool_aggregate", 200):
        ((call, _),) = calls(one)
        question = next(m.content for m in one.messages if m.role == "user").casefold()
        if "value" in call.arguments:
            assert call.arguments["value"].casefold() in question
        if "where" in call.arguments:
            assert call.arguments["where"].casefold() in question
            restricted += 1
    assert 20 < restricted < 120


def test_a_call_that_gives_nothing_ends_in_an_abstention():
    refused = [
        (result, one)
        for ability in ("tool_aggregate", "tool_compare")
        for one in drawn(ability, 400, "train")
        for _, result in calls(one)
        if is_refusal(result)
    ]
    assert {result.split()[0] for result, _ in refused} >= {"cannot", "no", "nothing"}
    assert {one.gold for _, one in refused} == {"I don't know."}
    assert not [result for result, _ in refused if result.startswith("cannot count")]
    assert not [one for one in drawn("tool_aggregate", 150) if is_refusal(calls(one)[0][1])]


def test_a_word_that_tells_of_two_attributes_is_not_used():
    """An older one is one of more years, and one that was launched before."""
    age, launch = (Attribute(name, kind, "", (), (), ()) for name, kind in (("age", "number"), ("launch date", "date")))
    facts = (Held("Vano", age, "3"), Held("Vano", launch, "3 May 2020"))
    alone, both = (World("thing", ("Vano",), attributes, facts) for attributes in ((age,), (age, launch)))
    words = {name: reckoning._words(held) for name, held in (("age", age), ("launch", launch))}
    shared = set(words["age"]["more"]) & {word for sort in words["launch"].values() for word in sort}
    rng = random.Random(0)
    used = [{reckoning._adjective(rng, world, age, "more") for _ in range(300)} for world in (alone, both)]
    assert shared
    assert used[0] >= shared
    assert not used[1] & shared


@pytest.mark.parametrize("sort", ["most_holder", "more", "among", "sum", "mean", "count_value", "differences", "minus"])
def test_the_exam_asks_for_figures_in_its_own_words(sort):
    assert set(worlds.frames(sort, "train")).isdisjoint(worlds.frames(sort, "exam"))


def test_every_adjective_is_of_a_concept():
    concepts = names.lexicon()["concepts"]
    adjectives = names.lexicon()["adjectives"]
    assert len(adjectives) >= 25
    assert {concepts[name]["kind"] for name in adjectives} <= {"number", "money", "date", "year"}
    assert all(set(words) == {"more", "less", "most", "least"} for words in adjectives.values())
