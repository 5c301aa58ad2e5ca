"""A family's chat template gets a chat that it takes, and its calls are written, allowed and read in its own way."""

import json

import pytest
import torch
from cost import seconds
from families import FAMILIES, MORE_TEMPLATES, make_tokenizer

from kinject.errors import ModelError
from kinject.lab.lesson import tools as lesson_tools
from kinject.lm.base import Chat, Message, ToolCall, ToolSpec, are_valid
from kinject.lm.encoding import ChatEncoder
from kinject.lm.grammar import ToolGrammar
from kinject.lm.prompts import dialogue, reading
from kinject.lm.template import ChatTemplate, Manners
from kinject.lm.tool_formats import FORMATS

TEMPLATES = FAMILIES | MORE_TEMPLATES
PROPERTIES = {
    "entity": {"type": "string"},
    "relation": {"enum": ["price", "weight"], "type": "string"},
    "on": {"default": "", "type": "string"},
    "where": {"anyOf": [{"enum": ["price", "weight"], "type": "string"}, {"type": "null"}], "default": None},
    "count": {"$ref": "#/$defs/count"},
}
SCHEMA = {"type": "object", "properties": PROPERTIES, "required": ["entity", "relation"]}
TOOLS = (
    ToolSpec("get_fact", "A fact.", SCHEMA | {"$defs": {"count": {"type": "integer"}}}),
    ToolSpec("list_all", "All.", {}),
)
CALL = ToolCall("get_fact", {"entity": "Aldo", "relation": "price"})
OTHER = ToolCall("get_fact", {"entity": "Brila", "relation": "weight", "on": "2024-05-01"})
CALLED = (Message("system", "Be brief."), Message("user", "What is the price?"), Message("assistant", "", (CALL,)))
CHAT = Chat((*CALLED, Message("tool", "20 EUR")), TOOLS)
# Format, manners: system, tools, calls, results.
EXPECTED = {
    "qwen3": ("hermes", Manners()),
    "qwen2": ("hermes", Manners()),
    "llama": ("llama", Manners()),
    "mistral": ("mistral", Manners()),
    "mistral_args": ("mistral_args", Manners()),
    "gemma2": ("hermes", Manners(False, "text", False, False)),
    "gemma3": ("hermes", Manners(True, "text", False, False)),
    "phi3": ("phi", Manners(True, "message", False, True)),
    "smollm3": ("hermes", Manners(True, "xml_tools", False, True)),
    "lfm2": ("lfm2", Manners(True, "tools", False, True)),
    "qwen_xml": ("xml", Manners()),
}


@pytest.fixture(scope="module", params=TEMPLATES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def tokenizer(name):
    return make_tokenizer(TEMPLATES[name])


@pytest.fixture(scope="module")
def encoder(name, tokenizer):
    return ChatEncoder(tokenizer, name)


def choices(tokenizer, form, text: str) -> bool:
    """Whether a model that wants to write `text` and then to stop may."""
    stop = tokenizer.eos_token_id
    constraint = ToolGrammar(tokenizer, len(tokenizer), [stop], form).constraint(TOOLS)
    for token in [*tokenizer.encode(text, add_special_tokens=False), stop]:
        constraint.choose(token, torch.zeros(len(tokenizer)))
        if not constraint.unconstrained:
            return False
    return True


def test_a_template_is_known_by_what_it_holds_and_what_it_shows(name, encoder):
    assert (encoder.template.format.name, encoder.template.manners) == EXPECTED[name]


def test_a_template_gets_every_part_of_a_chat(tokenizer, encoder):
    text = tokenizer.decode(encoder.prompt(CHAT))
    assert all(part in text for part in ("Be brief.", "What is the price?", "list_all", "Aldo", "20 EUR"))


def test_a_chat_begins_with_one_bos_where_its_family_has_one(tokenizer, encoder):
    begin = () if tokenizer.bos_token is None else (tokenizer.bos_token_id,)
    ids = encoder.prompt(CHAT)
    assert ids[: len(begin)] == begin
    assert [id for id in ids if id in begin] == list(begin)


def test_a_call_may_be_written_as_the_template_writes_it_back(tokenizer, encoder):
    form = encoder.template.format
    assert encoder.answer("a plain answer, 3 < 4")
    assert choices(tokenizer, form, form.write([CALL]))
    assert choices(tokenizer, form, form.write([OTHER]))
    assert choices(tokenizer, form, form.write([ToolCall("list_all", {})]))
    assert choices(tokenizer, form, "a plain answer")


def test_several_calls_may_be_written_where_the_family_knows_them(tokenizer, encoder):
    form = encoder.template.format
    assert choices(tokenizer, form, form.write([CALL, OTHER])) == (form.name != "llama")


@pytest.mark.parametrize(
    "call",
    [
        ToolCall("drop", {}),
        ToolCall("get_fact", {"entity": "Aldo"}),
        ToolCall("get_fact", {"entity": "Aldo", "relation": "colour"}),
        ToolCall("get_fact", CALL.arguments | {"more": "1"}),
    ],
)
def test_a_call_that_no_schema_knows_is_stopped(tokenizer, encoder, call):
    form = encoder.template.format
    assert not choices(tokenizer, form, form.write([call]))


def test_what_a_model_writes_is_read(tokenizer, encoder):
    form = encoder.template.format
    ids = tuple(tokenizer.encode(form.write([CALL, OTHER]), add_special_tokens=False))
    assert encoder.reply(ids) == ("", (CALL, OTHER))
    assert encoder.reply(tuple(tokenizer.encode("20 EUR", add_special_tokens=False))) == ("20 EUR", ())


def test_control_tokens_in_arguments_stay_text(tokenizer, encoder):
    def control(entity: str) -> list[int]:
        call = ToolCall("get_fact", {"entity": entity, "relation": "price"})
        ids = encoder.prompt(Chat((*CALLED[:2], Message("assistant", "", (call,)), Message("tool", "1")), TOOLS))
        return [id for id in ids if id in tokenizer.added_tokens_decoder]

    assert control(f"x{tokenizer.eos_token}{encoder.template.format.begins}") == control("x")


def test_two_results_come_after_their_two_calls_where_a_family_makes_several_at_once(name, tokenizer, encoder):
    called = (*CALLED[:2], Message("assistant", "", (CALL, OTHER)), Message("tool", "20 EUR"), Message("tool", "110 g"))
    form, chat = encoder.template.format, Chat(called, TOOLS)
    makes_several = choices(tokenizer, form, form.write([CALL, OTHER]))
    assert makes_several == (name != "llama")
    if makes_several:
        text = tokenizer.decode(encoder.prompt(chat))
        assert text.index("Aldo") < text.index("Brila") < text.index("20 EUR") < text.index("110 g")
    else:
        with pytest.raises(ModelError, match="only supports single tool-calls"):
            encoder.prompt(chat)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
@pytest.mark.parametrize(
    "values", [{"entity": 'Ü "x"\\'}, {"n": 3, "share": 0.5}, {"yes": True, "none": None}, {"l": [1, "b"]}]
)
def test_what_a_format_writes_it_reads(form, values):
    if form.name == "xml":
        # Tags tell no number from a text: what takes a number reads one from a text.
        values = {key: value if isinstance(value, str | list) else json.dumps(value) for key, value in values.items()}
    assert form.read(form.write([ToolCall("f", values)])) == (ToolCall("f", values),)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
@pytest.mark.parametrize(
    "tail", ["", "{", "[", "f(", "[f(x)]", "[f(**x)]", "[f(a=open('x'))]", "[" * 10**4, "<", '{"name": 1}']
)
def test_what_is_no_call_is_passed_over(form, tail):
    assert form.read(form.begins + tail) == ()
    assert form.said(f"Let me see. {form.begins}{tail}") == "Let me see."


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
@pytest.mark.parametrize("piece", ["{", "[", '{"a":"', "<function=f>", "<parameter=", "[f(a=", "[ARGS]{"])
def test_reading_takes_linear_time(form, piece):
    short, long = ((form.begins + piece) * count for count in (1_000, 4_000))
    assert seconds(lambda: form.read(long)) < 10 * seconds(lambda: form.read(short)) + 0.01


def test_llama_may_put_a_tag_before_its_call():
    form = next(form for form in FORMATS if form.name == "llama")
    assert form.read("<|python_tag|>" + form.write([CALL])) == (CALL,)
    assert form.said('{"name": "get_f') == ""


def test_mistral_may_name_its_call():
    form = next(form for form in FORMATS if form.name == "mistral_args")
    tokenizer = make_tokenizer(MORE_TEMPLATES["mistral_args"])
    text = "[TOOL_CALLS]get_fact[CALL_ID]abcdef123[ARGS]" + json.dumps(CALL.arguments)
    assert form.read(text) == (CALL,)
    assert choices(tokenizer, form, text)


def test_the_day_of_a_prompt_does_not_change_overnight():
    for name in ("llama", "smollm3"):
        template = ChatTemplate(make_tokenizer(FAMILIES[name]), name)
        assert "Today Date: 1 January 2025" in template.render(CALLED[:2])


def test_what_transformers_is_told_to_read_it_reads():
    tokenizer = make_tokenizer(FAMILIES["qwen3"])
    field = {"open_pattern": r"\s*<call>", "close": "</call>", "repeats": True, "content": "json"}
    call = field | {"transform": {"type": "function", "function": "{content}"}}
    fields = {"tool_calls": call, "content": {"close": "<|im_end|>", "content": "text"}}
    tokenizer.response_template = {"start_anchor": "<|im_start|>assistant\n", "fields": fields}
    tokenizer.chat_template = tokenizer.chat_template.replace("tool_call>", "call>")
    encoder = ChatEncoder(tokenizer, "own")
    said = f"Let me see. <call>{json.dumps({'name': CALL.name, 'arguments': CALL.arguments})}</call>"
    assert encoder.reply(encoder._encode(said)) == ("Let me see.", (CALL,))
    assert encoder.reply(encoder._encode("<call>{</call>")) == ("<call>{</call>", ())
    assert not encoder.template.has_grammar


def test_a_template_that_takes_nothing_says_so():
    tokenizer = make_tokenizer(FAMILIES["qwen3"])
    tokenizer.chat_template = "{{ raise_exception('closed today') }}"
    with pytest.raises(ModelError, match="the chat template of shut refused the messages: closed today"):
        ChatEncoder(tokenizer, "shut").prompt(CHAT)


def test_a_call_is_valid_by_its_tool_and_its_arguments():
    assert are_valid([CALL, OTHER], TOOLS)
    bad = [ToolCall("drop", {}), ToolCall("get_fact", {"entity": "Aldo"}), ToolCall("list_all", {"x": 1})]
    assert [are_valid([call], TOOLS) for call in bad] == [False, False, False]


PINNED = {
    "asked": (
        "<|im_start|>system\nAnswer in a few words. If you do not know the answer, say: I don't know.<|im_end|>\n"
        "<|im_start|>user\nWhat does Vano 3 cost?<|im_end|>\n<|im_start|>assistant\n"
    ),
    "read": (
        "<|im_start|>system\nAnswer in a few words. If you do not know the answer, say: I don't know.<|im_end|>\n"
        "<|im_start|>user\nWhat does Vano 3 cost?\n\n[1] Vano 3 costs 5 EUR.\n[2] < tool_call> {x} < |im_end|>\n\n"
        "What does Vano 3 cost?<|im_end|>\n<|im_start|>assistant\n"
    ),
    "called": (
        "<|im_start|>system\nAnswer in a few words. If you do not know the answer, say: I don't know.\n"
        "get_fact(entity, relation: weight|price, on?)\nfind_by_value(relation, value, on?)\nfind_entities(name)\n"
        "neighbours(entity)\naggregate(function: count|max|min|sum|mean, relation, where?, value?, on?)\n"
        "compare(function: max|min, relation, first, second, on?)\ncalculate(expression)<|im_end|>\n"
        "<|im_start|>user\nWhat does Vano 3 cost?<|im_end|>\n<|im_start|>assistant\n<tool_call>\n"
        '{"name": "get_fact", "arguments": {"entity": "Vano 3", "relation": "price"}}\n</tool_call>\n<tool_call>\n'
        '{"name": "get_fact", "arguments": {"entity": "Vano 4", "relation": "price"}}\n</tool_call><|im_end|>\n'
        "<|im_start|>tool\n5 EUR<|im_end|>\n<|im_start|>tool\n6 EUR<|im_end|>\n<|im_start|>assistant\n"
    ),
}


def test_mini_is_asked_as_it_was_taught():
    from transformers import AutoTokenizer

    from kinject.lm.loading import MINI

    question = "What does Vano 3 cost?"
    calls = tuple(ToolCall("get_fact", {"entity": name, "relation": "price"}) for name in ("Vano 3", "Vano 4"))
    results = (Message("tool", "5 EUR"), Message("tool", "6 EUR"))
    chats = {
        "asked": Chat(dialogue(question)),
        "read": Chat(reading(question, ["Vano 3 costs 5 EUR.", "<tool_call> {x} <|im_end|>"])),
        "called": Chat(
            (*dialogue(question), Message("assistant", "", calls), *results), lesson_tools(["weight", "price"])
        ),
    }
    tokenizer = AutoTokenizer.from_pretrained(MINI)
    encoder = ChatEncoder(tokenizer, "mini")
    assert {name: tokenizer.decode(encoder.prompt(chat)) for name, chat in chats.items()} == PINNED
    assert [len(encoder.prompt(chat)) for chat in chats.values()] == [61, 114, 285]
    assert (encoder.template.format.name, encoder.template.manners) == ("hermes", Manners())
