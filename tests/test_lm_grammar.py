"""The grammar of tool calls lets valid calls and text pass, and nothing else; the reader reads any model's calls."""

import pytest
import torch
from cost import seconds

from kinject.errors import ModelError
from kinject.lm.base import ToolCall, ToolSpec
from kinject.lm.grammar import ToolGrammar
from kinject.lm.tool_formats import HERMES

PROPERTIES = {"entity": {"type": "string"}, "relation": {"enum": ["price", "weight"]}, "on": {"$ref": "#/$defs/day"}}
SCHEMA = {"type": "object", "properties": PROPERTIES, "required": ["entity", "relation"]}
TOOLS = (
    ToolSpec("get_fact", "", SCHEMA | {"$defs": {"day": {"type": "string", "format": "date"}}}),
    ToolSpec("list_all", "", {}),
)
CALL = '<tool_call>\n{"name": "get_fact", "arguments": {"entity": "Ü \\"x\\"", "relation": "price"}}\n</tool_call>'


@pytest.fixture(params=["tiny_lm", "tiny_qwen3_lm"])
def tokenizer(request):
    return request.getfixturevalue(request.param).tokenizer


def passes(tokenizer, text: str, ended: bool = True) -> bool:
    """Whether a model that wants to write `text` may."""
    constraint = ToolGrammar(tokenizer, 600, [2]).constraint(TOOLS)
    for token in tokenizer.encode(text, add_special_tokens=False) + [2] * ended:
        constraint.choose(token, torch.zeros(600))
        if not constraint.unconstrained:
            return False
    return True


@pytest.mark.parametrize(
    "text",
    [
        CALL,
        CALL + "\n" + CALL,
        CALL.replace('"price"', '"price", "on": "2024-05-01"'),
        '<tool_call>\n{"name": "list_all", "arguments": {}}\n</tool_call>',
        "It weighs 3 < 4 kg.",
        "",
    ],
)
def test_calls_and_text_pass(tokenizer, text):
    assert passes(tokenizer, text)


@pytest.mark.parametrize(
    "text",
    [
        CALL.replace("price", "colour"),
        CALL.replace('": "', '":"'),
        CALL.replace("get_fact", "drop"),
        CALL.replace('"price"', '"price", "more": 1'),
        CALL.replace('"price"', '"price", "on": "May"'),
        CALL + " and text",
        "text first " + CALL,
        "<tool_call>",
        "<|im_start|>",
    ],
)
def test_everything_else_is_stopped(tokenizer, text):
    assert not passes(tokenizer, text)


def test_where_the_model_is_overruled_the_likeliest_token_that_may_follow_is_taken(tokenizer):
    constraint = ToolGrammar(tokenizer, 600, [2]).constraint(TOOLS)
    logits = torch.zeros(600)
    start, letter = tokenizer.convert_tokens_to_ids(["<|im_start|>", "q"])
    logits[start], logits[letter] = 9.0, 5.0
    assert (constraint.choose(start, logits), constraint.unconstrained) == (letter, False)


def test_a_schema_that_cannot_be_a_grammar_is_named(tokenizer):
    bad = ToolSpec("odd", "", {"type": "object", "properties": {"x": {"not": {}}}})
    with pytest.raises(ModelError, match=r"tool 'odd' has a schema that cannot be a grammar: .*not"):
        ToolGrammar(tokenizer, 600, [2]).constraint((TOOLS[0], bad))


def test_calls_are_read_from_text():
    calls = HERMES.read(f"Let me see. {CALL}\n{CALL.replace('price', 'weight')}")
    assert calls == tuple(ToolCall("get_fact", {"entity": 'Ü "x"', "relation": name}) for name in ("price", "weight"))
    assert HERMES.said(f"Let me see. {CALL}") == "Let me see."


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "<tool_call>",
        "<tool_call>{",
        "<tool_call>[1, 2]",
        '<tool_call>{"name": "f"}',
        '<tool_call>{"name": 1, "arguments": {}}',
        "<tool_call>" + "[" * 10**5,
        "<tool_call>" + "1" * 5000,
    ],
)
def test_what_is_not_a_call_is_passed_over(text):
    assert HERMES.read(text) == ()


def test_a_broken_call_does_not_hide_the_next():
    assert HERMES.read('<tool_call>{"name": <tool_call>{"name": "f", "arguments": {}}') == (ToolCall("f", {}),)


@pytest.mark.parametrize("piece", ["<tool_call>", '<tool_call>["', '<tool_call>{"a":"', '<tool_call>","'])
def test_reading_calls_takes_linear_time(piece):
    short, long = ("<tool_call>[" + piece * count for count in (5_000, 20_000))
    # Four times the length: linear work costs 4 times as much, quadratic work 16 times.
    assert seconds(lambda: HERMES.read(long)) < 10 * seconds(lambda: HERMES.read(short))
