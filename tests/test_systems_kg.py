from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from conftest import FakeLM, make_toy_corpus
from langchain_core.utils.function_calling import convert_to_openai_tool

from kinject.corpus import Corpus
from kinject.errors import CalledOffError
from kinject.lm.base import ToolCall
from kinject.lm.calling_off import Errand
from kinject.lm.prompts import ABSTENTION, SYSTEM
from kinject.systems import kg
from kinject.systems.kg.graph import Graph
from kinject.systems.kg.tools import is_refusal, make_tools
from kinject.types import Document, Evidence, Fact, Relation, Turn

TOOLS = {tool.name: tool for tool in make_tools(Graph(make_toy_corpus()))}
PRICES = "Aldo | price | 20.50 EUR | 1 January 2024 to now"


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("get_fact", {"entity": "aldo", "relation": "weight"}, "Aldo | weight | 100 g"),
        ("get_fact", {"entity": "Aldo", "relation": "price"}, PRICES),
        (
            "get_fact",
            {"entity": "Aldo", "relation": "price", "on": "31 December 2023"},
            "Aldo | price | 10.50 EUR | 1 January 2022 to 1 January 2024",
        ),
        (
            "get_fact",
            {"entity": "Aldo", "relation": "price", "on": "1999"},
            "no price known for Aldo on 1999",
        ),
        ("get_fact", {"entity": "Aldo", "relation": "price", "on": "soon"}, "cannot read the date soon"),
        ("get_fact", {"entity": "Zorn", "relation": "price"}, "no entity named Zorn"),
        ("find_by_value", {"relation": "weight", "value": "100.0g."}, "Aldo | weight | 100 g"),
        ("find_by_value", {"relation": "weight", "value": "100 kg"}, "nothing has weight 100 kg"),
        ("find_by_value", {"relation": "price", "value": "10.50 EUR"}, "nothing has price 10.50 EUR"),
        ("find_by_value", {"relation": "launch date", "value": "2020-05-01"}, "Aldo | launch date | 1 May 2020"),
        ("find_by_value", {"relation": "companion", "value": "ALDO"}, "Hessa | companion | Aldo"),
        ("find_by_value", {"relation": "price", "value": "aldo"}, PRICES),
        ("find_entities", {"name": "brila"}, "Brila"),
        ("find_entities", {"name": "Zorn"}, "no entity named Zorn"),
    ],
)
def test_a_tool_returns_plain_lines(name, arguments, result):
    assert TOOLS[name].invoke(arguments) == result


def test_neighbours_are_the_facts_from_and_to_an_entity_with_past_ones_last():
    shown = TOOLS["neighbours"].invoke({"entity": "Aldo"}).splitlines()
    assert (shown[0], shown[-2:]) == (
        PRICES,
        ["Hessa | companion | Aldo", "Aldo | price | 10.50 EUR | 1 January 2022 to 1 January 2024"],
    )


def test_a_missing_relation_of_a_known_entity_is_said_to_be_unknown():
    corpus = make_toy_corpus()
    without = replace(corpus, facts=tuple(f for f in corpus.facts if f.id != "f0-2"))
    result = make_tools(Graph(without))[0].invoke({"entity": "Aldo", "relation": "weight"})
    assert result == "no weight known for Aldo"


def test_an_entity_that_nothing_points_to_is_not_taken_for_what_it_points_to():
    corpus = make_toy_corpus()
    without = replace(corpus, facts=tuple(f for f in corpus.facts if (f.relation, f.object) != ("companion", "Aldo")))
    result = make_tools(Graph(without))[1].invoke({"relation": "companion", "value": "Aldo"})
    assert result == "nothing has companion Aldo"


def test_a_mentor_without_a_mentor_is_not_taken_for_the_pupil():
    relations = [
        Relation(name, kind, ("{subject} {object}",), ("w {subject}",), ("t {subject}",))
        for name, kind in (("mentor", "entity"), ("home", "text"))
    ]
    said = [("Ann", "mentor", "Bob"), ("Ann", "home", "Ulm"), ("BOB", "home", "Ulm")]
    facts = tuple(Fact(str(n), *fact, "d") for n, fact in enumerate(said))
    found = make_tools(Graph(Corpus("x", (Document("d", "t"),), facts, tuple(relations))))[1]
    assert found.invoke({"relation": "mentor", "value": "Ann"}) == "nothing has mentor Ann"


def test_an_entity_of_a_sort_that_is_never_pointed_to_is_asked_for_what_it_points_to():
    relation = Relation("designer", "entity", ("{subject} {object}",), ("w {subject}",), ("t {subject}",))
    fact = Fact("0", "Aldo", "designer", "Xenia", "d")
    found = make_tools(Graph(Corpus("x", (Document("d", "t"),), (fact,), (relation,))))[1]
    assert found.invoke({"relation": "designer", "value": "Aldo"}) == "Aldo | designer | Xenia"


def test_an_ambiguous_name_is_answered_with_at_most_five_candidates():
    tool = make_tools(Graph(many(7)))[0]
    named = "; ".join(f"Vantor {n}" for n in range(5))
    result = tool.invoke({"entity": "Vantor", "relation": "weight"})
    assert result == f"several entities match Vantor: {named}"


def test_a_relation_outside_the_enum_is_a_result_that_names_the_choices():
    result = TOOLS["get_fact"].invoke({"entity": "Aldo", "relation": "colour"})
    assert result.startswith("cannot use the argument relation: input should be 'price', 'weight'")


def test_relations_are_an_enum_and_the_day_is_optional_in_the_schema():
    schema = convert_to_openai_tool(TOOLS["get_fact"])["function"]["parameters"]
    names = ["price", "weight", "material", "launch date", "companion"]
    assert (schema["properties"]["relation"]["enum"], schema["required"]) == (names, ["entity", "relation"])


def test_without_a_day_now_means_the_facts_that_have_no_end():
    graph = Graph(replace(make_toy_corpus(), day=None))
    assert [f.object for f in graph.facts("Aldo", "price")] == ["20.50 EUR"]


def test_a_year_inside_a_range_finds_who_held_it():
    office = Relation("President of", "entity", ("{subject} {object}",), ("p {subject}",), ("q {subject}",))
    lincoln = Fact("l", "Abraham Lincoln", office.name, "U.S.A.", "d", (), date(1861, 3, 4), date(1865, 4, 15))
    buchanan = Fact("b", "James Buchanan", office.name, "U.S.A.", "d", (), date(1857, 3, 4), date(1861, 3, 4))
    graph = Graph(Corpus("p", (Document("d", "t"),), (buchanan, lincoln), (office,)))
    found = [graph.with_value("President of", value, date(1861, 7, 1)).facts for value in ("USA", "", "president")]
    assert found == [(lincoln,)] * 3


def many(number):
    """So many lamps that all weigh the same."""
    relation = Relation("weight", "number", ("{subject} {object}",), ("w {subject}",), ("t {subject}",), unit="kg")
    facts = tuple(Fact(str(n), f"Vantor {n}", "weight", "1 kg", "d") for n in range(number))
    return Corpus("c", (Document("d", "t"),), facts, (relation,))


def scripted(*replies):
    """A model that says the replies in turn, by the number of tool results that it has seen."""
    return FakeLM(lambda chat: replies[min(sum(m.role == "tool" for m in chat.messages), len(replies) - 1)])


CALL = ToolCall("get_fact", {"entity": "Aldo", "relation": "price"})


def test_the_evidence_is_the_call_with_its_result_and_the_fact():
    system = kg.build(make_toy_corpus(), None, scripted(CALL, "20.50 EUR"), kg.Config())
    answer = system.ask("What is the price of Aldo?")
    call = Evidence('get_fact(entity="Aldo", relation="price")', PRICES, 1.0)
    assert (answer.text, answer.evidence) == ("20.50 EUR", (call, Evidence("fact f0-1", PRICES)))


def test_confidence_is_the_probability_of_the_whole_run():
    answer = kg.build(make_toy_corpus(), None, scripted(CALL, "20.50 EUR"), kg.Config()).ask("How much is Aldo?")
    assert answer.confidence == pytest.approx(2.718281828 ** -(0.5 * 2 + 0.1 * 3))
    assert answer.usage.model_calls == 2


def test_an_agent_that_never_stops_calling_is_ended_and_does_not_know():
    def reply(chat):
        return ToolCall("find_entities", {"name": f"Aldo {len(chat.messages)}"})

    answer = kg.build(make_toy_corpus(), None, FakeLM(reply), kg.Config(max_model_calls=3)).ask("How much is Aldo?")
    assert (answer.text, answer.usage.model_calls) == (ABSTENTION, 3)


def test_an_agent_whose_caller_has_gone_makes_no_further_call():
    errand = Errand()

    def reply(chat):
        errand.call_off()
        return ToolCall("get_fact", {"entity": "Aldo", "relation": "price"})

    lm = FakeLM(reply)
    agent = kg.build(make_toy_corpus(), None, lm, kg.Config())
    with pytest.raises(CalledOffError):
        errand.run(lambda: agent.ask("How much is Aldo?"))
    assert len(lm.chats) == 1


def test_a_call_that_was_cut_off_is_no_answer():
    answer = kg.build(make_toy_corpus(), None, scripted(CALL, ""), kg.Config()).ask("How much is Aldo?")
    assert (answer.text, answer.usage.model_calls) == (ABSTENTION, 2)


def test_the_model_sees_the_system_prompt_the_history_and_the_question():
    model = scripted("no")
    history = (Turn("user", "How much is Aldo?"), Turn("assistant", "9 EUR"))
    kg.build(make_toy_corpus(), None, model, kg.Config()).ask("Are you sure?", history)
    said = [(m.role, m.content) for m in model.chats[0].messages]
    assert said == [
        ("system", SYSTEM),
        ("user", "How much is Aldo?"),
        ("assistant", "9 EUR"),
        ("user", "Are you sure?"),
    ]


def test_answers_do_not_mix_when_many_threads_ask():
    corpus = make_toy_corpus()

    def reply(chat):
        results = [m.content for m in chat.messages if m.role == "tool"]
        name = chat.messages[1].content.split()[-1]
        return results[0].split(" | ")[2] if results else ToolCall("get_fact", {"entity": name, "relation": "weight"})

    system = kg.build(corpus, None, FakeLM(reply), kg.Config())
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda name: system.ask(f"Weight of {name}").text, corpus.entities() * 4))
    assert answers == [f"{100 + 10 * n} g" for n in range(8)] * 4


def answering(*replies, config=None, corpus=None):
    """What the agent answers, of a model that says the replies in turn."""
    return kg.build(corpus or make_toy_corpus(), None, scripted(*replies), config or kg.Config()).ask(
        "How much is Aldo?"
    )


def test_a_repeated_call_is_not_made_again_and_the_model_may_answer_after_all():
    same = ToolCall("get_fact", {"relation": "price", "entity": "Aldo", "on": ""})
    answer = answering(CALL, same, "20.50 EUR")
    told = "cannot repeat get_fact with the same arguments: its result stands above"
    assert (answer.text, [one.text for one in answer.evidence]) == ("20.50 EUR", [PRICES, told, PRICES])
    assert is_refusal(told)


def test_a_second_repetition_ends_the_run():
    answer = answering(CALL)
    assert (answer.text, answer.usage.model_calls) == (ABSTENTION, 3)
    assert answer.evidence[-1] == Evidence("stopped", "the same call again and again")


def test_a_call_in_an_earlier_answer_is_no_repetition():
    system = kg.build(make_toy_corpus(), None, scripted(CALL, "20.50 EUR"), kg.Config())
    first, second = (system.ask("How much is Aldo?").evidence for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("config", "why"),
    [
        (kg.Config(max_model_calls=2), "the limit of calls was reached"),
        (kg.Config(max_tokens=1), "the budget of tokens was spent"),
    ],
)
def test_what_ended_a_run_is_told(config, why):
    answer = answering(CALL, ToolCall("neighbours", {"entity": "Aldo"}), config=config)
    assert (answer.text, answer.evidence[-1]) == (ABSTENTION, Evidence("stopped", why))


def test_an_answer_carries_fifty_facts_and_says_how_many_more_there_were():
    call = ToolCall("aggregate", {"function": "count", "relation": "weight"})
    answer = answering(call, "60", corpus=many(60))
    edges = [one for one in answer.evidence if one.source.startswith("fact ")]
    assert (len(edges), answer.evidence[-1]) == (50, Evidence("facts left out", "10 more"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_model_calls": 0}, "max_model_calls and max_tool_calls must be at least 1"),
        ({"max_tokens": -1}, "max_tokens and compact_above must be at least 0"),
        ({"edge_dropout": 1.5}, "are shares between 0 and 1"),
        ({"edge_noise": float("nan")}, "are shares between 0 and 1"),
    ],
)
def test_an_option_out_of_range_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        kg.Config(**wrong)
