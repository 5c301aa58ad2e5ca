"""/v1 over a real socket, to the real clients: openai's for chats and errors, lm-eval's for scores and texts."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import uvicorn
from cost import seconds
from pydantic import ValidationError

from kinject import keys
from kinject.errors import OverloadedError, PromptTooLongError, StoreError
from kinject.lm import speaking
from kinject.lm.local import LocalLM
from kinject.systems.closed_book import ClosedBook, Config
from kinject.types import Answer, Evidence, Turn, Usage
from services import chatting
from services.app import app_of
from services.openai_schemas import CHAT, ChatRequest
from services.options import Limits, Options

RAISES = {
    "long": PromptTooLongError("the prompt needs 9000 tokens"),
    "busy": OverloadedError("128 questions are waiting already"),
    "broken": StoreError("index.faiss is damaged"),
    "bug": ZeroDivisionError("secret details"),
}
NOTED = (
    "1.2 kg, I think [2][3]\n\n---\n\n[2] `get_fact(A, weight): ![x](http://evil) 'A'`\n\n[3] `d1: A weighs 1.2 kg.`"
)


class Noted:
    """Answers by rote, remembers the dialogues that it was given, and cites a fact and a passage."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, list[tuple[str, str]]]] = []

    def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
        if question in RAISES:
            raise RAISES[question]
        self.heard.append((question, [(turn.role, turn.text) for turn in history]))
        cited = (
            Evidence("d0", "B weighs 3 kg.", 0.6, supports=False),
            Evidence("get_fact(A, weight)", "![x](http://evil)\n`A`"),
            Evidence("d1", "A weighs 1.2 kg.", 0.5, supports=True),
        )
        return Answer(
            "I don't know." if question == "Unknown?" else "1.2 kg, I think", 0.75, cited, Usage(7, 4, 1, 0.01)
        )


class Halting:
    """Says the first half of its answer while it writes, and the whole only when it may go on."""

    says_as_it_writes = True

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
        if listener := speaking.current():
            listener("1.2 kg,")
        assert self.go_on.wait(30)
        return Answer("1.2 kg, I think", 0.5, (Evidence("d1", "A weighs 1.2 kg."),))


class Run:
    systems = ("sft", "kg", "halting")
    calibrations: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, lm: LocalLM) -> None:
        self.kg, self.halting = Noted(), Halting()
        self._built = {"sft": ClosedBook(lm, Config(8)), "kg": self.kg, "halting": self.halting}

    def system(self, name: str) -> Any:
        return self._built[name]


@pytest.fixture(scope="module")
def run(tiny_lm: LocalLM) -> Run:
    return Run(tiny_lm)


@pytest.fixture(scope="module")
def url(run: Run) -> Iterator[str]:
    with served(run, Options(Limits(threads=4, waiting=0, body_bytes=20_000))) as url:
        yield url


@contextmanager
def served(run: Run, options: Options) -> Iterator[str]:
    app = app_of(run, "toy", options)  # type: ignore[arg-type]
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=url, api_key="unused", max_retries=0) as client:
        yield client


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def test_every_system_is_a_model(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["kinject/sft", "kinject/kg", "kinject/halting"]
    assert client.models.retrieve("kinject/kg:bare").owned_by == "kinject"
    with pytest.raises(openai.NotFoundError, match="choose one of: kinject/sft, kinject/kg"):
        client.models.retrieve("gpt-4")


def test_an_answer_has_its_citations_as_a_field_and_as_footnotes(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(model="kinject/kg", messages=user("What is the weight of A?"))
    (choice,) = done.choices
    assert (choice.message.content, choice.finish_reason) == (NOTED, "stop")
    assert done.usage is not None
    assert done.usage.model_dump(exclude_none=True) == {"prompt_tokens": 7, "completion_tokens": 4, "total_tokens": 11}
    assert choice.message.citations[2] == {  # type: ignore[attr-defined]
        "number": 3,
        "source": "d1",
        "text": "A weighs 1.2 kg.",
        "score": 0.5,
        "supports": True,
    }
    assert done.kinject["confidence"] == 0.75  # type: ignore[attr-defined]


def test_a_passage_that_does_not_state_the_answer_is_no_footnote(client: openai.OpenAI) -> None:
    (choice,) = client.chat.completions.create(model="kinject/kg", messages=user("What?")).choices
    assert "B weighs" not in (choice.message.content or "")
    assert choice.message.citations[0]["supports"] is False  # type: ignore[attr-defined]


def test_an_abstention_has_no_footnotes(client: openai.OpenAI) -> None:
    (choice,) = client.chat.completions.create(model="kinject/kg", messages=user("Unknown?")).choices
    assert choice.message.content == "I don't know."
    assert len(choice.message.citations) == 3  # type: ignore[attr-defined]


def test_a_bare_model_leaves_footnotes_out(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(model="kinject/kg:bare", messages=user("What?"))
    assert done.choices[0].message.content == "1.2 kg, I think"
    assert len(done.choices[0].message.citations) == 3  # type: ignore[attr-defined]


def test_messages_become_the_history_without_the_services_own_footnotes(client: openai.OpenAI, run: Run) -> None:
    before = [{"role": "system", "content": "Be brief."}, {"role": "assistant", "content": "Hello!"}, *user("What?")]
    said = [
        {"role": "assistant", "content": NOTED},
        *user("Are"),
        {"role": "user", "content": [{"type": "text", "text": "you sure?"}]},
    ]
    done = client.chat.completions.create(model="kinject/kg", messages=before + said, temperature=0.7)
    assert run.kg.heard[-1] == ("Are\n\nyou sure?", [("user", "What?"), ("assistant", "1.2 kg, I think")])
    assert done.kinject["ignored"] == ["messages of role system", "temperature"]  # type: ignore[attr-defined]


def test_the_cost_of_numbers_in_brackets_does_not_grow_with_the_square_of_their_length() -> None:
    def read(count: int) -> None:
        said = [{"role": "assistant", "content": "[1]" * count + "?"}, *user("Sure?")]
        chatting.asked(ChatRequest.model_validate({"model": "kinject/kg", "messages": user("What?") + said}), "kg")

    # Four times the length: linear work costs 4 times as much, quadratic work 16 times.
    assert seconds(lambda: read(4_000)) < 10 * seconds(lambda: read(1_000))


def test_a_stream_joins_to_the_answer_and_ends_with_its_usage(client: openai.OpenAI) -> None:
    with client.chat.completions.create(
        model="kinject/kg", messages=user("What?"), stream=True, stream_options={"include_usage": True}
    ) as stream:
        *chunks, last = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == NOTED
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert len({chunk.id for chunk in chunks}) == 1
    assert (last.choices, last.usage and last.usage.total_tokens) == ([], 11)


def test_a_stream_is_read_while_the_answer_is_written(client: openai.OpenAI, run: Run) -> None:
    said = []
    with client.chat.completions.create(model="kinject/halting", messages=user("What?"), stream=True) as stream:
        for chunk in stream:
            said.append(chunk.choices[0].delta.content or "")
            if "".join(said) == "1.2 kg,":
                run.halting.go_on.set()
    assert "".join(said) == "1.2 kg, I think [1]\n\n---\n\n[1] `d1: A weighs 1.2 kg.`"


def test_a_stream_of_a_model_joins_to_its_answer(client: openai.OpenAI) -> None:
    chunks = client.chat.completions.create(model="kinject/sft", messages=user("the price"), stream=True)
    whole = client.chat.completions.create(model="kinject/sft", messages=user("the price"))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.choices[0].message.content


def test_a_stream_is_events_of_data_and_ends_with_done(url: str) -> None:
    body = {"model": "kinject/kg", "messages": user("What?"), "stream": True}
    response = httpx.post(f"{url}/chat/completions", json=body)
    assert response.headers["content-type"].startswith("text/event-stream")
    *chunks, done = response.text.strip().split("\n\n")
    assert done == "data: [DONE]"
    assert all("usage" not in json.loads(chunk.removeprefix("data: ")) for chunk in chunks)


def test_an_error_in_a_stream_reaches_the_client(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(model="kinject/kg", messages=user("bug"), stream=True)
    with pytest.raises(openai.APIError, match="its log says where") as caught:
        list(stream)
    assert "secret" not in str(caught.value)


def test_max_tokens_and_stop_shorten_an_answer(client: openai.OpenAI) -> None:
    def said(**options: Any) -> tuple[str | None, str]:
        done = client.chat.completions.create(model="kinject/kg:bare", messages=user("What?"), **options)
        return done.choices[0].message.content, done.choices[0].finish_reason

    assert said(max_tokens=3) == ("1.2", "length")
    assert said(max_completion_tokens=4000) == ("1.2 kg, I think", "stop")
    assert said(stop=[","]) == ("1.2 kg", "stop")


@pytest.mark.parametrize(
    "options",
    [
        {"n": 2},
        {"n": 1000},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"response_format": {"type": "json_object"}},
        {"logprobs": True},
        {"max_tokens": 10**9},
        {"max_tokens": -1},
        {"temperature": -1},
        {"stop": ["x"] * 1000},
        {"extra_body": {"temperatur": 0}},
        {"extra_body": {"temperature": float("nan")}},
        {"messages": []},
        {"messages": [{"role": "assistant", "content": "Hello"}]},
        {"messages": [{"role": "tool", "content": "x"}]},
        {"messages": user("")},
        {"messages": user([{"type": "image_url", "image_url": {"url": "http://x/y.png"}}])},  # type: ignore[arg-type]
        {"messages": user("x" * 5000)},
        {"messages": user("long")},
    ],
    ids=lambda options: str(options)[:40],
)
def test_what_is_not_supported_is_a_400_that_names_it(client: openai.OpenAI, url: str, options: dict[str, Any]) -> None:
    asked = {"model": "kinject/kg", "messages": user("What?"), **options}
    asked |= asked.pop("extra_body", {})
    headers = {"Content-Type": "application/json"}  # httpx itself refuses to write NaN
    response = httpx.post(f"{url}/chat/completions", content=json.dumps(asked), headers=headers)
    assert response.status_code == 400
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert error["param"] or error["code"] == "context_length_exceeded"


def test_harmless_parameters_are_taken(client: openai.OpenAI) -> None:
    client.chat.completions.create(
        model="kinject/kg", messages=user("What?"), temperature=1.3, top_p=0.5, seed=1, user="me", n=1, tools=[],
        presence_penalty=1, frequency_penalty=1, logit_bias={}, response_format={"type": "text"}, store=False,
        extra_body={"top_k": 40},
    )  # fmt: skip


def test_errors_of_systems_and_guards_have_openais_shape(client: openai.OpenAI, url: str) -> None:
    def refused(content: str) -> openai.APIStatusError:
        with pytest.raises(openai.APIStatusError) as caught:
            client.chat.completions.create(model="kinject/kg", messages=user(content))
        return caught.value

    busy = refused("busy")
    assert (busy.status_code, busy.code, busy.response.headers["retry-after"]) == (503, "overloaded", "1")
    assert [refused(each).status_code for each in ("broken", "bug")] == [503, 500]
    big = refused("x" * 30_000)
    assert (big.status_code, big.type) == (413, "invalid_request_error")
    other = httpx.get(f"{url}/models", headers={"Host": "evil.example"})
    assert (other.status_code, other.json()["error"]["type"]) == (421, "invalid_request_error")
    assert httpx.get(f"{url}/nothing").json()["error"]["message"] == "Not Found"
    assert httpx.post(f"{url}/completions", content=b"{").json()["error"]["code"] is None


def open_client(url: str, key: str = "unused") -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key=key, max_retries=0)


def test_keys_and_rates_are_refused_as_openai_does(run: Run, tmp_path: Path) -> None:
    key = keys.add(tmp_path / "keys", "chatter")
    options = Options(keys=keys.read(tmp_path / "keys"), per_minute=1)
    with served(run, options) as url, open_client(url, "sk-no") as stranger, open_client(url, key) as known:
        with pytest.raises(openai.AuthenticationError) as unknown:
            stranger.models.list()
        assert known.models.list().data
        with pytest.raises(openai.RateLimitError) as often:
            known.models.list()
    assert (unknown.value.code, unknown.value.type) == ("invalid_api_key", "authentication_error")
    assert (often.value.code, often.value.response.headers["retry-after"]) == ("rate_limit_exceeded", "60")


def test_a_full_queue_is_a_503_that_says_when_to_come_back(run: Run) -> None:
    run.halting.go_on.clear()
    with served(run, Options(Limits(threads=1, waiting=0))) as url, open_client(url) as client:
        stream = client.chat.completions.create(model="kinject/halting", messages=user("?"), stream=True)
        next(stream)
        with pytest.raises(openai.InternalServerError) as full:
            client.chat.completions.create(model="kinject/kg", messages=user("?"))
        run.halting.go_on.set()
        assert list(stream)[-1].choices[0].finish_reason == "stop"
    assert (full.value.status_code, full.value.code) == (503, "overloaded")
    assert full.value.response.headers["retry-after"] == "1"


def test_outside_v1_errors_stay_problems(url: str) -> None:
    response = httpx.get(url.removesuffix("/v1") + "/ask?system=kgg&question=x")
    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")


def test_a_text_is_echoed_and_every_token_of_it_scored(client: openai.OpenAI, tiny_lm: LocalLM) -> None:
    text = "What is the price?"
    done = client.completions.create(model="kinject/sft", prompt=text, max_tokens=0, echo=True, logprobs=2)
    (choice,) = done.choices
    (scored,) = tiny_lm.read([tiny_lm.encode(text)], 2)
    assert choice.text == text
    assert choice.logprobs is not None
    assert "".join(choice.logprobs.tokens or ()) == text
    assert choice.logprobs.token_logprobs == [each.log_probability for each in scored]
    assert (choice.logprobs.text_offset or ())[0] == 0
    assert done.usage is not None
    assert (done.usage.prompt_tokens, done.usage.completion_tokens) == (len(scored), 0)


def test_batches_of_texts_or_token_ids_are_completed_alike(client: openai.OpenAI, tiny_lm: LocalLM) -> None:
    texts = ["the price", "What is the weight of"]
    said = client.completions.create(model="kinject/sft", prompt=texts, max_tokens=4, logprobs=1)
    ids = [list(tiny_lm.encode(text)) for text in texts]
    again = client.completions.create(model="kinject/sft", prompt=ids, max_tokens=4, logprobs=1)
    assert [choice.text for choice in said.choices] == [choice.text for choice in again.choices]
    assert [choice.index for choice in said.choices] == [0, 1]


def test_a_completion_streams(client: openai.OpenAI) -> None:
    whole = client.completions.create(model="kinject/sft", prompt="the price", max_tokens=4)
    chunks = client.completions.create(model="kinject/sft", prompt="the price", max_tokens=4, stream=True)
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.choices[0].text


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"model": "kinject/kg"}, "model_not_supported"),
        ({"prompt": ""}, "invalid_value"),
        ({"prompt": [99_999]}, None),
        ({"prompt": [5] * 3000}, "context_length_exceeded"),
        ({"prompt": ["x"] * 200}, None),
        ({"suffix": "x"}, None),
        ({"n": 2}, None),
        ({"logprobs": 100}, None),
    ],
)
def test_a_completion_that_cannot_be_is_a_400(client: openai.OpenAI, options: dict[str, Any], code: str | None) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(**({"model": "kinject/sft", "prompt": "x"} | options))
    assert caught.value.code == code


@pytest.mark.filterwarnings("ignore")  # of what lm-eval imports
@pytest.mark.parametrize("tokenized", [True, False])
def test_lm_evals_client_scores_and_generates(url: str, tiny_lfm2: Any, tiny_lm: LocalLM, tokenized: bool) -> None:
    from lm_eval.api.instance import Instance
    from lm_eval.models.openai_completions import LocalCompletionsAPI

    remote = LocalCompletionsAPI(
        model="kinject/sft",
        base_url=f"{url}/completions",
        tokenizer_backend="huggingface",
        tokenizer=str(tiny_lfm2),
        tokenized_requests=tokenized,
        batch_size=2,
        max_length=512,
    )

    def instances(kind: str, rows: list[tuple[Any, ...]]) -> list[Instance]:
        return [Instance(kind, {}, row, index) for index, row in enumerate(rows)]  # type: ignore[arg-type]

    pairs = [("What is the price", " of the weight"), ("the weight of", " entity"), ("What is", " relation")]
    for (context, more), (found, is_greedy) in zip(
        pairs, remote.loglikelihood(instances("loglikelihood", pairs)), strict=True
    ):
        whole, ahead = tiny_lm.encode(context + more), len(tiny_lm.encode(context))
        (scored,) = tiny_lm.read([whole], 1)
        assert found == pytest.approx(sum(each.log_probability or 0 for each in scored[ahead:]), abs=1e-3)
        assert is_greedy == all(each.top[0][0] == each.id for each in scored[ahead:])
    until = {"until": ["\n\n"], "max_gen_toks": 6}
    (said,) = remote.generate_until(instances("generate_until", [("the price of", until)]))
    (own,) = tiny_lm.go_on([tiny_lm.encode("the price of")], 6)
    assert said == tiny_lm.decode(own.ids).split("\n\n")[0]


@pytest.mark.parametrize(
    "wrong", [{"temperature": False}, {"n": True}, {"logprobs": 0}, {"stream": "yes"}, {"seed": "1"}], ids=str
)
def test_a_parameter_of_another_type_is_refused_and_not_reinterpreted(wrong):
    with pytest.raises(ValidationError):
        ChatRequest.model_validate({**CHAT, **wrong})
