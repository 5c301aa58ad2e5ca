"""Count, extreme, total and mean over facts, comparisons and arithmetic, as an agent calls them."""

import json
from dataclasses import replace
from datetime import date

import pytest
from conftest import FakeLM, make_toy_corpus
from langchain_core.messages import ToolCall as Call
from langchain_core.utils.function_calling import convert_to_openai_tool

from kinject.corpus import Corpus
from kinject.lm.base import ToolCall
from kinject.systems import kg
from kinject.systems.kg.graph import Graph
from kinject.systems.kg.tools import MAX_LINES, is_refusal, make_tools
from kinject.types import Document, Fact, Relation

TOOLS = {tool.name: tool for tool in make_tools(Graph(make_toy_corpus()))}


def tools_over(*facts, unit="", kind="number"):
    """Tools over (subject, object) pairs of one relation, "weight"."""
    relation = Relation("weight", kind, ("{subject} {object}",), ("w {subject}",), ("t {subject}",), unit=unit)
    made = tuple(Fact(str(n), subject, "weight", value, "d") for n, (subject, value) in enumerate(facts))
    corpus = Corpus("c", (Document("d", "t"),), made, (relation,))
    return {tool.name: tool for tool in make_tools(Graph(corpus))}


def aggregate(tools, function, relation="weight", **arguments):
    return tools["aggregate"].invoke({"function": function, "relation": relation} | arguments)


def compare(tools, function, first, second, relation="weight", **arguments):
    named = {"function": function, "relation": relation, "first": first, "second": second}
    return tools["compare"].invoke(named | arguments)


def artifact(name, **arguments):
    return TOOLS[name].invoke(Call(name=name, args=arguments, id="0", type="tool_call")).artifact


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        ({"function": "count", "relation": "weight"}, "count | weight | 8"),
        ({"function": "count", "relation": "material", "value": "Steel"}, "count | material | 3"),
        ({"function": "count", "relation": "companion", "value": "aldo"}, "count | companion | 1"),
        ({"function": "sum", "relation": "weight"}, "sum | weight | 1080 g"),
        ({"function": "mean", "relation": "price"}, "mean | price | 24 EUR"),
        ({"function": "mean", "relation": "price", "on": "2023"}, "mean | price | 14 EUR"),
        ({"function": "sum", "relation": "weight", "where": "material", "value": "oak"}, "sum | weight | 420 g"),
        ({"function": "max", "relation": "weight"}, "Hessa | weight | 170 g"),
        ({"function": "min", "relation": "price", "on": "2023"}, None),
        ({"function": "max", "relation": "launch date"}, "Fonda | launch date | 6 May 2022"),
        (
            {"function": "max", "relation": "weight", "where": "material", "value": "brass"},
            "Fonda | weight | 150 g",
        ),
        (
            {"function": "min", "relation": "weight", "where": "price", "value": "20.50 EUR", "on": "2 January 2024"},
            "Aldo | weight | 100 g",
        ),
        ({"function": "count", "relation": "weight", "where": "material"}, "count | weight | 8"),
        ({"function": "count", "relation": "weight", "where": None}, "count | weight | 8"),
    ],
)
def test_a_figure_is_told_over_the_facts_that_hold_on_the_day(arguments, result):
    cheapest = "Aldo | price | 10.50 EUR | 1 January 2022 to 1 January 2024"
    found = TOOLS["aggregate"].invoke(arguments)
    assert (found, is_refusal(found)) == (result or cheapest, False)


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        ({"function": "count", "relation": "material", "value": "gold"}, "nothing has material gold"),
        (
            {"function": "max", "relation": "weight", "where": "price", "value": "1 | 2"},
            "nothing has price 1 2",
        ),
        ({"function": "count", "relation": "price", "on": "1999"}, "no price known on 1999"),
        ({"function": "max", "relation": "weight", "on": "soon"}, "cannot read the date soon"),
        ({"function": "max", "relation": "material"}, "cannot max material: its values are no numbers"),
        ({"function": "sum", "relation": "launch date"}, "cannot sum launch date: its values are no numbers"),
    ],
)
def test_a_figure_that_cannot_be_told_says_why(arguments, result):
    found = TOOLS["aggregate"].invoke(arguments)
    assert (found, is_refusal(found)) == (result, True)


def test_entities_that_have_the_value_but_not_the_relation_are_not_counted_as_none():
    corpus = make_toy_corpus()
    without = replace(corpus, facts=tuple(f for f in corpus.facts if f.id != "f0-1" and f.id != "f0-2"))
    tools = {tool.name: tool for tool in make_tools(Graph(without))}
    found = aggregate(tools, "count", where="launch date", value="1 May 2020")
    assert found == "no weight known where launch date is 1 May 2020"


def test_a_value_that_could_be_several_is_answered_with_them():
    entity = Relation("maker", "entity", ("{subject} {object}",), ("w {subject}",), ("t {subject}",))
    facts = tuple(Fact(str(n), f"Lamp {n}", "maker", f"Vantor {n}", "d") for n in range(2))
    tools = {tool.name: tool for tool in make_tools(Graph(Corpus("c", (Document("d", "t"),), facts, (entity,))))}
    found = aggregate(tools, "count", "maker", value="Vantor")
    assert (found, is_refusal(found)) == ("several entities match Vantor: Vantor 0; Vantor 1", True)


def test_all_ties_are_told_by_subject_and_are_the_artifact():
    tools = tools_over(("Cora", "2 kg"), ("Bode", "1 kg"), ("Aldo", "2000 g"), unit="kg")
    assert aggregate(tools, "max") == "Aldo | weight | 2000 g\nCora | weight | 2 kg"
    assert [f.subject for f in artifact("aggregate", function="max", relation="weight")] == ["Hessa"]


def test_lines_of_ties_are_bounded_and_the_facts_behind_a_figure_are_all_there():
    tools = tools_over(*((f"Lamp {n:02}", "1 kg") for n in range(MAX_LINES + 3)))
    assert aggregate(tools, "min").splitlines()[-2:] == ["Lamp 11 | weight | 1 kg", "and 3 more"]
    call = Call(name="aggregate", args={"function": "count", "relation": "weight"}, id="0", type="tool_call")
    assert len(tools["aggregate"].invoke(call).artifact) == MAX_LINES + 3


def test_an_extreme_among_some_rests_on_what_makes_it_one_of_them():
    found = artifact("aggregate", function="max", relation="weight", where="material", value="brass")
    assert [f.id for f in found] == ["f5-2", "f5-3"]


@pytest.mark.parametrize(
    ("values", "function", "result"),
    [
        (["0.1 kg", "0.2 kg"], "sum", "sum | weight | 0.3 kg"),
        (["2 kg", "300 g"], "sum", "sum | weight | 2.3 kg"),
        (["3 kg", "3.5 kg", "3.73 kg"], "mean", "mean | weight | 3.41 kg"),
        (["1 kg", "1 kg", "2 kg"], "mean", "mean | weight | 1.3333 kg"),
        (["$1,200", "$0.50"], "sum", "sum | weight | $1200.5"),
        (["\u20ac5", "\u20ac8"], "mean", "mean | weight | \u20ac6.5"),
        (["12%", "8%"], "sum", "sum | weight | 20%"),
        (["7", "8"], "sum", "sum | weight | 15 kg"),
        (["7", "8 kg"], "sum", "sum | weight | 15 kg"),
        (["2 kg", "heavy", "unknown"], "sum", "sum | weight | 2 kg\nleft out: 2 without a number"),
        (["2 kg", "heavy"], "max", "E0 | weight | 2 kg\nleft out: 1 without a number"),
        (["2 kg", "heavy"], "count", "count | weight | 2"),
    ],
)
def test_numbers_are_added_exactly_in_the_form_of_the_facts(values, function, result):
    found = aggregate(tools_over(*((f"E{n}", value) for n, value in enumerate(values)), unit="kg"), function)
    assert (found, is_refusal(found)) == (result, False)


@pytest.mark.parametrize(
    ("function", "result"),
    [
        ("sum", "cannot add weight: units differ (EUR, USD)"),
        ("mean", "cannot add weight: units differ (EUR, USD)"),
        ("max", "cannot compare weight: units differ (EUR, USD)"),
        ("count", "count | weight | 2"),
    ],
)
def test_currencies_are_never_mixed(function, result):
    found = aggregate(tools_over(("Aldo", "5 EUR"), ("Bode", "$5")), function)
    assert (found, is_refusal(found)) == (result, function != "count")


def test_an_entity_with_several_values_counts_once():
    tools = tools_over(("Aldo", "Bode"), ("Aldo", "Cora"), ("Bode", "Cora"), kind="entity")
    assert aggregate(tools, "count") == "count | weight | 2"
    assert aggregate(tools, "count", value="Cora") == "count | weight | 2"
    assert aggregate(tools, "count", value="Bode") == "count | weight | 1"


def test_years_are_ordered_and_not_added():
    tools = tools_over(("Aldo", "1987"), ("Bode", "3 May 1986"), ("Cora", "44 BC"), kind="date")
    assert aggregate(tools, "min") == "Bode | weight | 3 May 1986\nleft out: 1 without a number"
    assert compare(tools, "max", "Bode", "Aldo") == "Aldo | weight | 1987\nBode | weight | 3 May 1986"
    assert aggregate(tools, "mean") == "cannot mean weight: its values are no numbers"


@pytest.mark.parametrize(
    ("function", "first", "second", "result"),
    [
        ("max", "aldo", "BRILA", "Brila | weight | 110 g\nAldo | weight | 100 g"),
        ("min", "Brila", "Aldo", "Aldo | weight | 100 g\nBrila | weight | 110 g"),
        ("max", "Aldo", "Aldo", "Aldo | weight | 100 g\nAldo | weight | 100 g\nequal"),
    ],
)
def test_the_one_that_was_asked_for_comes_first(function, first, second, result):
    found = compare(TOOLS, function, first, second)
    assert (found, is_refusal(found)) == (result, False)


def test_the_comparison_is_of_the_day():
    found = compare(TOOLS, "min", "Aldo", "Brila", "price", on="1 June 2023")
    assert [line.split(" | ")[2] for line in found.splitlines()] == ["10.50 EUR", "11.50 EUR"]
    found = artifact("compare", function="max", relation="price", first="Aldo", second="Brila")
    assert [f.id for f in found] == ["f1-1", "f0-1"]


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        (("max", "Aldo", "Zorn"), "no entity named Zorn"),
        (("max", "Aldo", "Brila", "material"), "cannot compare material: its values are no numbers"),
    ],
)
def test_what_cannot_be_compared_says_why(arguments, result):
    found = compare(TOOLS, *arguments)
    assert (found, is_refusal(found)) == (result, True)


def test_a_comparison_with_an_unknown_value_says_whose():
    assert compare(TOOLS, "max", "Aldo", "Brila", "price", on="1999") == "no price known for Aldo on 1999"
    assert compare(tools_over(("Aldo", "Bode"), kind="entity"), "max", "Aldo", "Bode") == "no weight known for Bode"


def test_values_are_compared_across_units_but_not_across_currencies():
    tools = tools_over(("Aldo", "900 g"), ("Bode", "1 kg"), ("Cora", "1000 g"), ("Dunet", "5 EUR"), ("Elmar", "heavy"))
    assert compare(tools, "max", "Aldo", "Bode") == "Bode | weight | 1 kg\nAldo | weight | 900 g"
    assert compare(tools, "min", "Bode", "Cora") == "Bode | weight | 1 kg\nCora | weight | 1000 g\nequal"
    assert compare(tools, "max", "Aldo", "Dunet") == "cannot compare weight: units differ (g, EUR)"
    assert compare(tools, "max", "Aldo", "Elmar") == "cannot compare weight: its values are no numbers"


@pytest.mark.parametrize(
    ("expression", "result", "refused"),
    [
        ("1,200 * 3", "1,200 * 3 = 3600", False),
        (" 2\n+ 2 ", "2 + 2 = 4", False),
        ("1 / 0", "cannot calculate 1 / 0: division by zero", True),
        ("2 kg | 3", "cannot calculate 2 kg 3: leave out words, units and currencies", True),
        ("", "cannot calculate: write it with numbers, + - * / and ( )", True),
        ("1+" * 50 + "1", f"cannot calculate {'1+' * 40}: it is longer than 80 characters", True),
    ],
)
def test_a_calculation_repeats_what_was_calculated(expression, result, refused):
    found = TOOLS["calculate"].invoke({"expression": expression})
    assert (found, is_refusal(found)) == (result, refused)


@pytest.mark.parametrize(
    ("tool", "argument"), [("aggregate", "function"), ("aggregate", "where"), ("compare", "function")]
)
def test_a_choice_outside_the_enum_is_a_result_that_names_the_choices(tool, argument):
    given = {"function": "max", "relation": "weight", "first": "Aldo", "second": "Brila", argument: "best"}
    found = TOOLS[tool].invoke(given)
    assert (found.startswith(f"cannot use the argument {argument}: input should be '"), is_refusal(found)) == (
        True,
    ) * 2


def test_the_tools_come_in_the_order_in_which_models_learn_them():
    names = ["get_fact", "find_by_value", "find_entities", "neighbours", "aggregate", "compare", "calculate"]
    assert list(TOOLS) == names


def test_the_schemas_are_those_that_models_learn():
    aggregating, comparing, calculating = (
        convert_to_openai_tool(TOOLS[name])["function"] for name in ("aggregate", "compare", "calculate")
    )
    relation = {"type": "string", "enum": ["price", "weight", "material", "launch date", "companion"]}
    optional, text = {"type": "string", "default": ""}, {"type": "string"}
    assert json.loads(json.dumps([aggregating["parameters"], comparing["parameters"], calculating["parameters"]])) == [
        {
            "type": "object",
            "properties": {
                "function": {"type": "string", "enum": ["count", "max", "min", "sum", "mean"]},
                "relation": relation,
                "where": {"anyOf": [relation, {"type": "null"}], "default": None},
                "value": optional,
                "on": optional,
            },
            "required": ["function", "relation"],
        },
        {
            "type": "object",
            "properties": {
                "function": {"type": "string", "enum": ["max", "min"]},
                "relation": relation,
                "first": text,
                "second": text,
                "on": optional,
            },
            "required": ["function", "relation", "first", "second"],
        },
        {"type": "object", "properties": {"expression": text}, "required": ["expression"]},
    ]
    assert [tool["description"] for tool in (aggregating, comparing, calculating)] == [
        "Count, extreme, total or mean.",
        "Which of two entities has more or less.",
        "Arithmetic.",
    ]


def test_an_agent_shows_the_figure_and_the_facts_behind_it():
    call = ToolCall("aggregate", {"function": "sum", "relation": "weight", "where": "material", "value": "oak"})
    model = FakeLM(lambda chat: "420 g" if chat.messages[-1].role == "tool" else call)
    answer = kg.build(make_toy_corpus(), None, model, kg.Config()).ask("What do the oak ones weigh together?")
    assert (answer.text, answer.evidence[0].text) == ("420 g", "sum | weight | 420 g")
    weights, filters = ["fact f1-2", "fact f4-2", "fact f7-2"], ["fact f1-3", "fact f4-3", "fact f7-3"]
    assert [one.source for one in answer.evidence[1:]] == weights + filters


def test_a_figure_without_a_day_is_of_now():
    graph = Graph(replace(make_toy_corpus(), day=date(2023, 1, 1)))
    assert aggregate({tool.name: tool for tool in make_tools(graph)}, "mean", "price") == "mean | price | 14 EUR"


def test_a_bare_number_is_in_the_relations_own_unit():
    tools = tools_over(("A", "2"), ("B", "500 g"), ("C", "20 g"), unit="kg")
    assert aggregate(tools, "max") == "A | weight | 2"
    assert aggregate(tools, "sum") == "sum | weight | 2.52 kg"
    assert compare(tools, "min", "A", "B").startswith("B | weight")


def test_a_unit_may_end_in_a_digit():
    assert aggregate(tools_over(("A", "28 m2"), ("B", "30 m2"), unit="m2"), "max") == "B | weight | 30 m2"
    assert "no numbers" in aggregate(tools_over(("A", "3-5 kg"), ("B", "10:30")), "max")


def test_a_figure_rests_on_the_facts_that_were_asked_for():
    """Of two colours of one thing only the one with the value is counted."""
    relation = Relation("colour", "list", ("{subject} {object}",), ("w {subject}",), ("t {subject}",))
    facts = tuple(Fact(str(n), "A", "colour", value, "d") for n, value in enumerate(("red", "blue")))
    tools = {t.name: t for t in make_tools(Graph(Corpus("c", (Document("d", "t"),), facts, (relation,))))}
    call = Call(
        name="aggregate", args={"function": "count", "relation": "colour", "value": "red"}, id="0", type="tool_call"
    )
    found = tools["aggregate"].invoke(call)
    assert found.content == "count | colour | 1"
    assert [fact.object for fact in found.artifact] == ["red"]


def test_the_only_relation_of_a_corpus_is_listed_as_one_of_many_would_be():
    schemas = [convert_to_openai_tool(tool)["function"]["parameters"] for tool in tools_over(("A", "2")).values()]
    listed = [s["properties"]["relation"]["enum"] for s in schemas if "relation" in s["properties"]]
    assert listed == [["weight"]] * 4
