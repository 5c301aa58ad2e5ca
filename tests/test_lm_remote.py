"""A model behind a URL: the same protocol, one clear line for whatever a server does, and no key anywhere."""

import json
import logging
import math
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import make_toy_corpus
from openai_server import Reply, called, failed, said, serving
from typer.testing import CliRunner

from kinject import corpus, plugins, study
from kinject.cli import app
from kinject.errors import ModelError, OverloadedError, PromptTooLongError
from kinject.lm import open_model
from kinject.lm.base import Chat, Message, ToolCall, ToolSpec
from kinject.lm.endpoint import Endpoint, check_recorded, find_endpoint
from kinject.lm.remote import Limits, RemoteLM
from kinject.study.plan import QUICK_SYSTEMS

KEY = "sk-canary-0123456789"
CORPUS = make_toy_corpus()
STRING = {"type": "string"}
GET = ToolSpec("get_fact", "A fact.", {"type": "object", "properties": {"entity": STRING}, "required": ["entity"]})
CHAT = Chat((Message("system", "Be brief."), Message("user", "What is the weight of Aldo?")))
WITH_TOOLS = Chat(CHAT.messages, (GET,))
QUICK = Limits(at_once=4, timeout_s=5.0, retries=2)


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def answers(reply, chat=CHAT, limits=QUICK):
    """What a remote model says where the server replies so, and what the server was asked."""
    with serving(reply if callable(reply) else lambda body: reply) as server:
        lm = RemoteLM(Endpoint("m", server.url), KEY, limits=limits)
        try:
            return lm.complete(chat), server.asked
        finally:
            lm.close()


def in_turn(*replies):
    rest = list(replies)
    return lambda body: rest.pop(0)


def test_an_answer_carries_its_text_its_tokens_and_their_probabilities():
    completion, asked = answers(said(" 100 g "))
    assert (completion.text, completion.finish, completion.log_probabilities) == ("100 g", "stop", (-0.1, -0.2))
    assert (completion.prompt_tokens, completion.tokens, completion.unconstrained) == (7, 3, True)
    assert (asked[0]["model"], asked[0]["temperature"], asked[0]["max_tokens"]) == ("m", 0.0, 128)
    assert [(m["role"], m["content"]) for m in asked[0]["messages"]] == [(m.role, m.content) for m in CHAT.messages]


def test_an_answer_that_was_cut_says_so():
    assert answers(said("100", finish="length"))[0].finish == "length"


def test_tools_are_offered_by_their_schemas_and_called():
    completion, asked = answers(called(("get_fact", '{"entity": "Aldo"}')), WITH_TOOLS)
    assert (completion.tool_calls, completion.finish) == ((ToolCall("get_fact", {"entity": "Aldo"}),), "tool_calls")
    function = {"name": "get_fact", "description": "A fact.", "parameters": GET.parameters}
    assert asked[0]["tools"] == [{"type": "function", "function": function}]


def test_calls_and_results_keep_together():
    calls = (ToolCall("get_fact", {"entity": "Aldo"}), ToolCall("get_fact", {"entity": "Brila"}))
    done = (*CHAT.messages, Message("assistant", "", calls), Message("tool", "100 g"), Message("tool", "110 g"))
    asked = answers(said("fine"), Chat(done, (GET,)))[1]
    assistant, *results = asked[0]["messages"][2:]
    ids = [call["id"] for call in assistant["tool_calls"]]
    assert [json.loads(call["function"]["arguments"]) for call in assistant["tool_calls"]] == [
        c.arguments for c in calls
    ]
    assert [(m["tool_call_id"], m["content"]) for m in results] == list(zip(ids, ["100 g", "110 g"], strict=True))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [('{"entity": "Al', {}), ("[1]", {}), ("", {}), ('"{\\"entity\\": \\"Aldo\\"}"', {"entity": "Aldo"})],
)
def test_arguments_that_are_no_object_are_mended_or_left_out(arguments, expected):
    completion = answers(called(("get_fact", arguments)), WITH_TOOLS)[0]
    assert completion.tool_calls == (ToolCall("get_fact", expected),)
    assert not completion.unconstrained


def test_an_unknown_tool_is_called_and_does_not_count_as_valid():
    completion = answers(called(("drop", "{}")), WITH_TOOLS)[0]
    assert (completion.tool_calls, completion.unconstrained) == ((ToolCall("drop", {}),), False)


def test_calls_that_a_server_left_in_the_text_are_read():
    text = 'Let me see. <tool_call>\n{"name": "get_fact", "arguments": {"entity": "Aldo"}}\n</tool_call>'
    completion = answers(said(text), WITH_TOOLS)[0]
    assert (completion.text, completion.tool_calls) == ("Let me see.", (ToolCall("get_fact", {"entity": "Aldo"}),))


def test_a_server_over_its_limit_is_asked_again():
    completion, asked = answers(in_turn(failed(429, "slow down", Retry_After="0.01"), said("100 g")))
    assert (completion.text, len(asked)) == ("100 g", 2)


def test_a_server_that_fails_for_a_moment_is_asked_again():
    assert answers(in_turn(failed(503, "starting", Retry_After="0.01"), said("100 g")))[0].text == "100 g"


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (
            failed(429, "slow down", Retry_After="0.01"),
            OverloadedError,
            r"takes no more requests now \(429\), also after",
        ),
        (failed(500, "oops", Retry_After="0.01"), ModelError, r"failed \(500\), also after 2 retries: oops"),
        (failed(401, f"bad key {KEY}"), ModelError, r"refused the key \(401\); set OPENAI_API_KEY .*: bad key \*\*\*"),
        (failed(401, "x" * 295 + KEY), ModelError, r"refused the key .*x\*\*\*$"),
        (failed(404, "no such model"), ModelError, r"has no model 'm' \(404\); see its /models: no such model"),
        (failed(400, "temperature must be 1"), ModelError, r"refused the request \(400\): temperature must be 1"),
        (failed(400, "maximum context length is 8 tokens"), PromptTooLongError, "longer than the window of openai:m@"),
        (failed(400, "no", "context_length_exceeded"), PromptTooLongError, "longer than the window"),
        (failed(413, "payload"), PromptTooLongError, "longer than the window"),
        (Reply("<html>Welcome</html>"), ModelError, "is no answer of an OpenAI-compatible server: .*Welcome"),
        (Reply("{"), ModelError, "is no answer of an OpenAI-compatible server"),
        (Reply("[]"), ModelError, "is no answer of an OpenAI-compatible server"),
        (Reply({"choices": []}), ModelError, "is no answer of an OpenAI-compatible server"),
        (Reply({"choices": None}), ModelError, "is no answer of an OpenAI-compatible server"),
        (Reply({"choices": [{}]}), ModelError, "is no answer of an OpenAI-compatible server"),
        (Reply("", 302, {"Location": "/elsewhere"}), ModelError, r"refused the request \(302\)"),
    ],
)
def test_every_failure_is_one_clear_line_without_the_key(reply, error, words):
    with pytest.raises(error, match=words) as found:
        answers(reply)
    assert KEY not in str(found.value)
    assert "\n" not in str(found.value)


def test_a_server_that_hangs_is_given_up():
    with pytest.raises(ModelError, match=r"gave no answer within 0\.2 s, also after 0 retries"):
        answers(Reply({}, delay_s=5), limits=Limits(timeout_s=0.2, retries=0))


def test_an_answer_that_is_broken_off_is_no_answer():
    half = Reply(said("a long answer").body, cut=True)
    with pytest.raises(ModelError, match="cannot be reached, or broke off its answer, also after 0 retries"):
        answers(half, limits=Limits(retries=0))


def test_a_server_that_is_not_there_is_named():
    with pytest.raises(ModelError, match=r"http://127\.0\.0\.1:9/v1 cannot be reached"):
        RemoteLM(Endpoint("m", "http://127.0.0.1:9/v1"), KEY, limits=Limits(retries=0)).complete(CHAT)


def test_a_server_that_gives_no_probabilities_is_asked_without_from_then_on():
    def reply(body):
        return failed(400, "logprobs are not supported") if "logprobs" in body else said("100 g", ())

    with serving(reply) as server:
        lm = RemoteLM(Endpoint("m", server.url), KEY, limits=QUICK)
        assert [lm.complete(CHAT).log_probabilities for _ in range(2)] == [(), ()]
        assert ["logprobs" in body for body in server.asked] == [True, False, False]


@pytest.mark.parametrize("token", [None, math.nan, "low"])
def test_probabilities_of_which_one_is_none_are_not_known(token):
    assert answers(said("100 g", (-0.1, token)))[0].log_probabilities == ()


@pytest.mark.parametrize("told", [None, "none", [], {"content": None}, {"content": "none"}, {"content": ["none"]}])
def test_probabilities_of_another_shape_are_none(told):
    reply = said("100 g")
    reply.body["choices"][0]["logprobs"] = told
    completion, _ = answers(reply)
    assert (completion.text, completion.log_probabilities) == ("100 g", ())


def test_only_so_many_requests_are_under_way():
    at_once, most, lock = 0, 0, threading.Lock()

    def reply(body):
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        threading.Event().wait(0.02)
        with lock:
            at_once -= 1
        return said("ok")

    with serving(reply) as server, ThreadPoolExecutor(12) as pool:
        lm = RemoteLM(Endpoint("m", server.url), KEY, limits=Limits(at_once=3))
        assert {c.text for c in pool.map(lambda _: lm.complete(CHAT), range(12))} == {"ok"}
    assert 1 < most <= 3


def test_who_will_not_wait_is_told_that_there_is_no_room():
    lm = RemoteLM(Endpoint("m", "http://127.0.0.1:9/v1"), KEY, wait=False, limits=Limits(at_once=1))
    with lm._slot(), pytest.raises(OverloadedError, match=r"1 requests to http://127\.0\.0\.1:9/v1 are under way"):
        lm.complete(CHAT)


def test_what_only_weights_can_do_is_refused(tmp_path):
    lm = open_model("openai:m@http://127.0.0.1:9/v1")
    with pytest.raises(ModelError, match="cannot score a given answer"):
        lm.log_probability(CHAT, "100 g")
    with pytest.raises(ModelError, match="at least 1, found 0"):
        lm.complete(Chat(CHAT.messages, max_new_tokens=0))
    with pytest.raises(ModelError, match="takes no adapter from here"):
        open_model("openai:m@http://127.0.0.1:9/v1", adapter=tmp_path)


def test_an_endpoint_comes_from_its_name_or_from_the_environment(monkeypatch):
    assert find_endpoint("openai:gpt") == Endpoint("gpt", "https://api.openai.com/v1")
    assert find_endpoint("openai:org/m:7b@http://[::1]:8000/v1/") == Endpoint("org/m:7b", "http://[::1]:8000/v1")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://llm.example/v1/")
    assert find_endpoint("openai:gpt").name == "openai:gpt@https://llm.example/v1"
    assert find_endpoint("openai:a").fingerprint != find_endpoint("openai:b").fingerprint


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("openai:", "no remote model 'openai:'; write openai:MODEL"),
        ("openai:m@ftp://x", "no remote model"),
        ("openai:@http://x", "no remote model"),
        ("openai:m@http://:80", "is no URL of a server"),
        ("openai:m@http://x:port/v1", "is no URL"),
        ("openai:m@http://me:secret@x/v1", "a model's URL holds no password"),
        ("openai:m@http://x/v1?key=secret", "holds no password and no query"),
    ],
)
def test_a_name_that_leads_nowhere_is_explained_without_its_secrets(name, words):
    with pytest.raises(ModelError, match=words) as found:
        open_model(name)
    assert "secret" not in str(found.value)


def test_a_server_elsewhere_needs_a_key_and_one_on_this_machine_does_not(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "")
    assert open_model("openai:m@http://localhost:9/v1").info.name == "openai:m@http://localhost:9/v1"
    with pytest.raises(ModelError, match=r"no key for https://api\.openai\.com/v1: set OPENAI_API_KEY"):
        open_model("openai:m")


def test_a_missing_extra_is_named_with_its_command(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "kinject.lm.remote", None)
    with pytest.raises(ModelError, match=r"pip install 'kinject\[openai\]'"):
        open_model("openai:m@http://127.0.0.1:9/v1")


def test_a_foreign_run_does_not_get_the_key(monkeypatch):
    foreign = "openai:m@https://elsewhere.example/v1"
    for name in ("openai:m@http://127.0.0.1:9/v1", "openai:m@https://api.openai.com/v1"):
        check_recorded(name)
    with pytest.raises(ModelError, match="which would get your key; set OPENAI_BASE_URL to that URL to agree"):
        check_recorded(foreign)
    monkeypatch.setenv("OPENAI_BASE_URL", "https://elsewhere.example/v1")
    check_recorded(foreign)


def by_tools(body):
    """A model that looks the fact up where it has tools, and then repeats the result."""
    last = body["messages"][-1]
    if "tools" in body and last["role"] != "tool":
        return called(("get_fact", '{"entity": "Aldo", "relation": "weight"}'))
    return said(last["content"][:80] if last["role"] == "tool" else "weight: 100 g")


@pytest.mark.parametrize("name", ["closed_book", "rag", "kg", "oracle"])
def test_a_system_runs_on_a_remote_model(name, tmp_path):
    module = plugins.load("kinject.systems", name)
    config = module.Config(retriever="bm25") if name == "rag" else module.Config()
    with serving(by_tools) as server:
        system = module.build(CORPUS, tmp_path, open_model(f"openai:m@{server.url}"), config)
        answer = system.ask("Which weight does Aldo have?")
    assert "100 g" in answer.text
    assert answer.confidence == pytest.approx(math.exp(-0.3))
    assert answer.confidence_method == ("answer_probability" if name == "kg" else "sequence_probability")
    assert (answer.usage.completion_tokens, answer.usage.model_calls) == ((6, 2) if name == "kg" else (3, 1))


def test_an_agent_hears_of_its_broken_call(tmp_path):
    def reply(body):
        last = body["messages"][-1]
        return said("I don't know.") if last["role"] == "tool" else called(("get_fact", '{"entity": '))

    with serving(reply) as server:
        module = plugins.load("kinject.systems", "kg")
        system = module.build(CORPUS, tmp_path, open_model(f"openai:m@{server.url}"), module.Config())
        answer = system.ask("Which weight does Aldo have?")
    assert answer.text == "I don't know."
    assert (answer.evidence[0].source, answer.evidence[0].score) == ("get_fact()", 0.0)
    assert "entity" in server.asked[1]["messages"][-1]["content"]


def test_sft_says_that_it_needs_weights(tmp_path):
    module = plugins.load("kinject.systems", "sft")
    with pytest.raises(ModelError, match=r"sft trains weights on this machine; openai:m@.* has none here"):
        module.build(CORPUS, tmp_path, open_model("openai:m@http://127.0.0.1:9/v1"), module.Config())


@pytest.fixture
def toy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    corpus.save(CORPUS, tmp_path / "toy")
    sizes = [f"{kind}=1" for kind in plugins.names("kinject.probes") if kind != "own"]
    settings = (*sizes, "recall=4")
    return ["study", "toy", *(word for setting in settings for word in ("--set", setting))]


def test_a_study_of_a_remote_model_leaves_out_what_trains_and_keeps_the_key_nowhere(toy, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    with serving(by_tools) as server:
        done = CliRunner().invoke(app, [*toy, "--model", f"openai:m@{server.url}"])
        assert (done.exit_code, server.keys[0]) == (0, f"Bearer {KEY}")
        assert "kinject: sft is left out: it trains weights, and those of openai:m@" in done.stderr
        opened = study.open_run(tmp_path / "runs" / "toy")
        assert set(opened.systems) == set(QUICK_SYSTEMS) - {"sft"}
        assert opened.system("closed_book").ask("Which weight does Aldo have?").text == "weight: 100 g"
    written = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert [path for path in written if KEY.encode() in path.read_bytes()] == []
    assert KEY not in caplog.text + done.output


def test_a_study_that_the_server_ends_says_why_in_one_line(toy, tmp_path):
    with serving(lambda body: failed(401, "who are you?")) as server:
        done = CliRunner().invoke(app, [*toy, "--systems", "closed_book", "--model", f"openai:m@{server.url}"])
    assert done.exit_code == 2
    assert f"kinject: {server.url} refused the key (401)" in done.stderr


def test_a_model_without_probabilities_is_not_judged_by_its_confidence(toy, tmp_path):
    def reply(body):
        return failed(400, "logprobs are not supported") if "logprobs" in body else said("100 g", ())

    with serving(reply) as server:
        wanted = [*toy, "--systems", "closed_book", "--model", f"openai:m@{server.url}"]
        assert CliRunner().invoke(app, wanted).exit_code == 0
    run = study.open_run(tmp_path / "runs" / "toy")
    assert {record.answers[0].confidence_method for record in run.records()} == {"unavailable"}
    brier = next(row for row in run.estimates() if (row["probe"], row["metric"]) == ("recall", "brier"))
    assert brier["n"] == 0
