"""The tools that mini was not taught: ranges of days, paths, the first n, groups."""

import pytest
from conftest import FakeLM, make_toy_corpus
from langchain_core.messages import ToolCall as Call
from langchain_core.utils.function_calling import convert_to_openai_tool

from kinject.systems import kg
from kinject.systems.kg.aggregate import by_group
from kinject.systems.kg.graph import Graph
from kinject.systems.kg.tools import is_refusal, make_tools
from kinject.types import Fact

GRAPH = Graph(make_toy_corpus())
TOOLS = {tool.name: tool for tool in make_tools(GRAPH, "all")}
OLD = "Aldo | price | 10.50 EUR | 1 January 2022 to 1 January 2024"
NEW = "Aldo | price | 20.50 EUR | 1 January 2024 to now"


def ask(name, **arguments):
    return TOOLS[name].invoke(arguments)


def between(start, end):
    return ask("facts_between", entity="aldo", relation="price", start=start, end=end)


def edges(name, **arguments):
    return [fact.id for fact in TOOLS[name].invoke(Call(name=name, args=arguments, id="0", type="tool_call")).artifact]


def test_the_basic_tools_come_first_and_only_the_aggregate_is_another():
    basic = {tool.name: convert_to_openai_tool(tool) for tool in make_tools(GRAPH)}
    every = {name: convert_to_openai_tool(tool) for name, tool in TOOLS.items()}
    assert list(every) == [*basic, "facts_between", "path", "paths"]
    assert [name for name in basic if basic[name] != every[name]] == ["aggregate"]


def test_the_tools_on_offer_are_an_option():
    seen = []
    for offer in ("basic", "all"):
        model = FakeLM(lambda chat: "no")
        kg.build(make_toy_corpus(), None, model, kg.Config(tools=offer)).ask("?")
        seen.append(len(model.chats[0].tools))
    assert seen == [7, 10]


@pytest.mark.parametrize(
    ("start", "end", "result"),
    [
        ("2023", "2024-01-01", OLD),
        ("2023", "2024", f"{OLD}\n{NEW}"),
        ("2024", "2025", NEW),
        ("1990", "2021", "no price known for Aldo from 1990 to 2021"),
        ("2024", "2023", "cannot use a range from 2024 to 2023: it is empty"),
        ("", "2023", "cannot read a range without a start and an end"),
        ("soon", "2023", "cannot read the date soon"),
        ("2023", "9999", f"{OLD}\n{NEW}"),
    ],
)
def test_facts_between_two_days_hold_at_some_time_from_the_first_until_before_the_second(start, end, result):
    assert between(start, end) == result


@pytest.mark.parametrize(
    ("relations", "result"),
    [
        (["companion", "price"], "Aldo | companion | Brila\nBrila | price | 21.50 EUR | 1 January 2024 to now"),
        (["inverse of companion", "weight"], "Hessa | companion | Aldo\nHessa | weight | 170 g"),
        (["companion", "companion"], "Aldo | companion | Brila\nBrila | companion | Corvo"),
        (["weight", "companion"], "no companion known for 100 g"),
        ([], "cannot follow no relation"),
    ],
)
def test_a_path_shows_every_fact_on_the_way(relations, result):
    assert ask("path", entity="Aldo", relations=relations) == result


def test_a_path_of_an_unknown_relation_is_a_result_that_names_the_choices():
    found = ask("path", entity="Aldo", relations=["colour"])
    assert found.startswith("cannot use the argument relations.0: input should be 'price'")
    assert "'inverse of companion'" in found


@pytest.mark.parametrize(
    ("first", "second", "result"),
    [
        ("Aldo", "Corvo", "Aldo | companion | Brila\nBrila | companion | Corvo"),
        ("Corvo", "Hessa", "Brila | companion | Corvo\nAldo | companion | Brila\nHessa | companion | Aldo"),
        ("Aldo", "Elmar", "nothing connects Aldo and Elmar within 3 facts"),
        ("Aldo", "Aldo", "nothing connects Aldo and Aldo within 3 facts"),
        ("Aldo", "Zorn", "no entity named Zorn"),
    ],
)
def test_the_shortest_way_between_two_entities_is_its_facts(first, second, result):
    assert ask("paths", first=first, second=second) == result


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        ({"function": "max", "top": 2}, "Hessa | weight | 170 g\nGrivo | weight | 160 g"),
        ({"function": "min", "top": 1}, "Aldo | weight | 100 g"),
        ({"function": "min", "top": 1, "where": "material", "value": "oak"}, "Brila | weight | 110 g"),
        ({"function": "sum", "top": 2}, "sum | weight | 1080 g"),
        ({"function": "max", "top": -1}, "cannot tell the first -1"),
        (
            {"function": "count", "by": "material"},
            "\n".join(f"count | weight | material {one}" for one in ("oak | 3", "steel | 3", "brass | 2")),
        ),
        ({"function": "mean", "by": "material", "top": 1}, "mean | weight | material oak | 140 g"),
        ({"function": "min", "by": "material", "top": 1}, "min | weight | material steel | 100 g"),
        ({"function": "max", "by": "material", "top": 1}, "max | weight | material oak | 170 g"),
    ],
)
def test_the_first_n_and_groups(arguments, result):
    found = ask("aggregate", relation="weight", **arguments)
    assert (found, is_refusal(found)) == (result, result.startswith("cannot"))


def test_a_figure_that_cannot_be_grouped_says_why():
    assert ask("aggregate", function="sum", relation="launch date", by="material") == (
        "cannot sum launch date: its values are no numbers"
    )
    assert ask("aggregate", function="count", relation="price", by="companion", on="1999") == "no price known on 1999"


def test_a_group_rests_on_its_facts_and_on_what_puts_them_there():
    found = edges("aggregate", function="count", relation="weight", by="material", top=1)
    assert found == ["f1-2", "f4-2", "f7-2", "f1-3", "f4-3", "f7-3"]


def test_groups_are_told_in_one_unit():
    relation = GRAPH.relations["weight"]
    facts = {name: (Fact(name, name, "weight", value, "d"),) for name, value in (("A", "900 g"), ("B", "1 kg"))}
    found = by_group("max", relation, facts)
    assert [(group.name, group.figure) for group in found] == [("B", "1000 g"), ("A", "900 g")]
