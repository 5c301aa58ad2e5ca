"""kinject mcp, asked by the SDK's own client: in this process with scripted systems, and over stdio with a real run."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import anyio
import pytest
from conftest import make_toy_corpus
from mcp import Client, StdioServerParameters, stdio_client

from kinject import corpus, study
from kinject.errors import StoreError
from kinject.study.plan import Study
from kinject.types import Answer, Evidence
from services.mcp import server_of
from services.options import Limits, Options

ROOT = Path(__file__).parents[1]
CORPUS = make_toy_corpus()
ENTITY = CORPUS.facts[0].subject
RELATION = CORPUS.facts[0].relation


class Echo:
    def ask(self, question, history=()):
        if question == "bug":
            raise ZeroDivisionError("secret details")
        return Answer(f"echo: {question}", 0.9, tuple(Evidence("history", turn.text) for turn in history))


class FakeRun:
    systems, calibrations, corpus = ("kg", "broken"), {}, CORPUS

    def system(self, name):
        if name == "broken":
            raise StoreError("systems/broken is damaged; build it again")
        return Echo()


async def with_client(server, work):
    async with Client(server) as client:
        return await work(client)


async def called(name, arguments, client):
    return await client.call_tool(name, arguments)


def call(name, /, **arguments):
    server = server_of(FakeRun(), "toy", Options(Limits(question_characters=100)))
    return anyio.run(with_client, server, partial(called, name, arguments))


def text(result):
    [block] = result.content
    return block.text


def tools_of(result):
    return {tool.name: tool for tool in result.tools}


def test_tools_have_descriptions_types_and_read_only_hints():
    server = server_of(FakeRun(), "toy", Options())
    tools = tools_of(anyio.run(with_client, server, lambda client: client.list_tools()))
    assert {"ask", "get_fact", "find_by_value", "find_entities", "neighbours", "aggregate", "compare"} <= set(tools)
    assert all(tool.description and tool.annotations.read_only_hint for tool in tools.values())
    assert tools["ask"].input_schema["required"] == ["system", "question"]
    assert tools["ask"].input_schema["properties"]["system"]["enum"] == ["kg", "broken"]
    relation = tools["get_fact"].input_schema["properties"]["relation"]
    assert relation["enum"] == [relation.name for relation in CORPUS.relations]


def test_the_graph_answers_as_its_tools_do():
    result = call("get_fact", entity=ENTITY, relation=RELATION)
    assert not result.is_error
    assert f"{ENTITY} | {RELATION} | " in text(result)


def test_that_nothing_was_found_is_an_answer_and_no_error():
    result = call("find_entities", name="Nobody knows it")
    assert (result.is_error, text(result).startswith("no ")) == (False, True)


def test_an_answer_is_structured_and_its_history_can_be_sent_back():
    first = call("ask", system="kg", question=" Weight? ").structured_content
    assert (first["answer"], first["confidence"], first["on"]) == ("echo: Weight?", 0.9, None)
    second = call("ask", system="kg", question="Sure?", history=first["history"])
    assert json.loads(text(second)) == second.structured_content
    assert [one["text"] for one in second.structured_content["evidence"]] == ["Weight?", "echo: Weight?"]


def test_a_question_is_put_as_of_a_day():
    said = call("ask", system="kg", question="Who is there?", on="2024-05-03").structured_content["answer"]
    assert said == "echo: As of 3 May 2024: Who is there?"


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("ask", {"system": "sft", "question": "Weight?"}, "choose one of: kg, broken"),
        ("ask", {"system": "kg", "question": "x" * 101}, "question has 101 characters; at most 100 are read"),
        ("ask", {"system": "kg"}, "cannot use the argument question: field required"),
        ("ask", {"system": "kg", "question": "?", "on": "tomorrow"}, "write the day as 2024-05-03"),
        ("ask", {"system": "kg", "question": "?", "min_confidence": 0.8}, "needs the calibration"),
        ("ask", {"system": "broken", "question": "?"}, "systems/broken is damaged; build it again"),
        ("get_fact", {"entity": ENTITY, "relation": "colour of its soul"}, "cannot use the argument relation: "),
        (
            "get_fact",
            {"entity": ENTITY, "relation": RELATION, "date": "2020-01-01"},
            "cannot use the argument date: choose from entity, relation, on",
        ),
        ("calculate", {"expression": "1 +"}, "cannot calculate 1 +"),
        ("drop_all", {}, "no tool 'drop_all'; choose one of: ask, get_fact, "),
    ],
)
def test_a_mistake_is_a_tool_error_of_one_line(name, arguments, says):
    result = call(name, **arguments)
    assert result.is_error
    assert says in text(result)
    assert "\n" not in text(result)


def test_a_system_that_breaks_tells_the_client_nothing_of_it():
    result = call("ask", system="kg", question="bug")
    assert result.is_error
    assert "secret" not in text(result)


def environment():
    return os.environ | {"PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def run(tiny_lfm2, tmp_path_factory):
    """A real run of the graph alone, with as few probes as a study takes."""
    folder = tmp_path_factory.mktemp("mcp")
    corpus.save(CORPUS, folder / "toy")
    settings = ("recall=2", "kg.max_model_calls=1")
    plan = Study(folder / "toy", folder / "run", str(tiny_lfm2), ("kg",), settings)
    study.run(plan)
    return plan.out


@pytest.mark.slow
def test_a_real_run_answers_over_stdio_and_nothing_else_is_on_stdout(run):
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "kinject", "mcp", str(run)], env=environment(), cwd=ROOT
    )

    async def talk():
        # The SDK's client gives up on a line that is no message.
        async with Client(stdio_client(command)) as client:
            tools = tools_of(await client.list_tools())
            fact = await client.call_tool("get_fact", {"entity": ENTITY, "relation": RELATION})
            answer = await client.call_tool("ask", {"system": "kg", "question": f"What is {ENTITY}?"})
            return tools, fact, answer

    tools, fact, answer = anyio.run(talk)
    assert tools["ask"].input_schema["properties"]["system"]["enum"] == ["kg"]
    assert f"{ENTITY} | {RELATION} | " in text(fact)
    assert not answer.is_error
    assert answer.structured_content["system"] == "kg"
    assert answer.structured_content["evidence"]


def test_without_the_sdk_the_command_names_the_pip_line_and_ends_with_2(tmp_path):
    code = "import sys; sys.modules['mcp'] = None; from kinject.cli import main; main()"
    command = [sys.executable, "-c", code, "mcp", str(tmp_path)]
    found = subprocess.run(command, env=environment(), cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 2
    assert found.stdout == ""
    assert found.stderr == "kinject: kinject mcp needs the official MCP SDK: pip install 'kinject[mcp]'\n"
