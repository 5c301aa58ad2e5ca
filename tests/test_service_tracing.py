"""Traces: where the time of a request goes, without a word of what was asked."""

import sys
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kinject.errors import ModelError, OptionError
from kinject.lm import watching
from kinject.lm.base import Chat, Message
from kinject.lm.local import LocalLM
from kinject.types import Answer, Turn
from services import tracing
from services.app import app_of
from services.options import Options

LOCAL = "http://127.0.0.1:8000"
SECRET = "Who stole the tarts?"


@dataclass
class Asking:
    """Puts the question to a real model."""

    lm: LocalLM

    def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
        if "fail" in question:
            raise ModelError(f"cannot read {question}")
        return Answer(self.lm.complete(Chat((Message("user", question),), max_new_tokens=3)).text, 0.5)


@dataclass
class OneSystem:
    lm: LocalLM
    systems = ("kg",)
    calibrations = {}  # noqa: RUF012

    def system(self, name: str) -> Asking:
        return Asking(self.lm)


@pytest.fixture
def spans():
    return InMemorySpanExporter()


@pytest.fixture
def client(tiny_lm, spans):
    app = app_of(OneSystem(tiny_lm), "toy", Options())
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    tracing.install(app, provider)
    with TestClient(app, LOCAL, raise_server_exceptions=False) as client:
        yield client


def test_a_call_of_the_model_is_in_the_use_of_a_system_and_that_in_its_request(client, spans, tiny_lm):
    assert client.get("/ask", params={"system": "kg", "question": SECRET}).status_code == 200
    call, use, request = spans.get_finished_spans()
    assert (call.name, use.name, request.name) == (f"chat {tiny_lm.info.name}", "use kg", "GET /ask")
    assert call.parent.span_id == use.context.span_id
    assert use.parent.span_id == request.context.span_id
    assert call.attributes["gen_ai.usage.input_tokens"] > call.attributes["gen_ai.usage.output_tokens"] > 0


def test_no_span_holds_a_word_of_the_question(client, spans):
    asked = {"question": SECRET, "history": [{"role": "user", "text": "tarts"}, {"role": "assistant", "text": "tarts"}]}
    assert client.get("/ask", params={"system": "kg", "question": f"{SECRET} fail"}).status_code == 422
    assert client.get("/ask", params={"system": "kg", "question": SECRET, "stream": "true"}).status_code == 200
    assert client.post("/ask?system=kg", json=asked).status_code == 200
    assert len(spans.get_finished_spans()) == 8
    assert "tarts" not in " ".join(span.to_json() for span in spans.get_finished_spans())


def test_the_span_of_a_failure_says_what_kind_it_was(client, spans):
    client.get("/ask", params={"system": "kg", "question": "fail"})
    use, _ = spans.get_finished_spans()
    assert (use.attributes["error.type"], use.status.is_ok) == ("ModelError", False)


def test_health_is_not_traced(client, spans):
    assert client.get("/health").status_code == 200
    assert spans.get_finished_spans() == ()


def test_without_the_extra_it_says_what_to_install(tiny_lm, monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation.fastapi", None)
    with pytest.raises(OptionError, match=r"--otel needs opentelemetry.*: pip install 'kinject\[otel\]'"):
        tracing.install(app_of(OneSystem(tiny_lm), "toy", Options()))


def test_nobody_need_watch_a_model(tiny_lm):
    with watching.calling("mini") as call:
        call.prompt_tokens = 3
    assert call == watching.Call("mini", 3, 0)
