"""The HTTP service over a fake run: right answers to many at once, and a clear problem for every bad request."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from fastapi.testclient import TestClient

from kinject.errors import OverloadedError, PromptTooLongError, StoreError
from kinject.types import Answer, Evidence, Turn, Usage
from services.app import app_of
from services.options import Limits, Options


@dataclass
class Echo:
    """Says the question back, with the last turn of the history as evidence."""

    def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
        if question in RAISES:
            raise RAISES[question]
        evidence = tuple(Evidence("history", turn.text, 0.5) for turn in history[-1:])
        return Answer(f"echo: {question}", 0.9, evidence, Usage(7, 2, 1, 0.01))


@dataclass
class Meeting:
    """Answers only when all of its callers are inside, so it shows that they wait together."""

    barrier: threading.Barrier = field(default_factory=lambda: threading.Barrier(16))

    def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
        self.barrier.wait(timeout=60)
        return Answer(question[::-1], 1.0)


@dataclass
class Held:
    """Answers when released."""

    entered: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
        self.entered.set()
        assert self.release.wait(timeout=60)
        return Answer("done", 1.0)


LOCAL = "http://127.0.0.1:8000"
LIMITS = Limits(threads=16, waiting=0, question_characters=100, body_bytes=2000)
RAISES = {
    "long": PromptTooLongError("the prompt has 9000 tokens; the window holds 2048"),
    "busy": OverloadedError("128 requests are waiting"),
    "bug": ZeroDivisionError("secret details"),
}


class FakeRun:
    def __init__(self) -> None:
        self.systems = ("kg", "sft", "held", "broken")
        self.calibrations = {}
        self.held = Held()
        self.loads: list[str] = []

    def system(self, name: str) -> Echo | Meeting | Held:
        self.loads.append(name)
        if name == "broken":
            raise StoreError("systems/broken/index.faiss is damaged; build it again")
        return {"kg": Echo, "sft": Meeting, "held": lambda: self.held}[name]()


@pytest.fixture
def run() -> FakeRun:
    return FakeRun()


@pytest.fixture
def client(run: FakeRun) -> Iterator[TestClient]:
    app = app_of(run, "toy", Options(LIMITS))
    with TestClient(app, LOCAL, raise_server_exceptions=False) as client:
        yield client


def problem(response) -> tuple[int, str, str]:
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == response.status_code
    return response.status_code, response.json()["title"], response.json()["detail"]


def test_an_answer_carries_confidence_evidence_usage_and_the_dialogue(client):
    history = [{"role": "user", "text": "Hello"}, {"role": "assistant", "text": "Hi"}]
    answer = client.post("/ask", json={"system": "kg", "question": " Weight? ", "history": history}).json()
    assert answer.pop("latency_ms") > 0
    assert answer == {
        "system": "kg",
        "question": "Weight?",
        "on": None,
        "answer": "echo: Weight?",
        "confidence": 0.9,
        "confidence_method": "sequence_probability",
        "calibrated_confidence": None,
        "withheld": False,
        "evidence": [{"source": "history", "text": "Hi", "score": 0.5, "supports": None}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "model_calls": 1, "seconds": 0.01},
        "history": [
            *history,
            {"role": "user", "text": "Weight?"},
            {"role": "assistant", "text": "echo: Weight?"},
        ],
    }


def test_get_and_post_answer_alike(client):
    got = client.get("/ask", params={"system": "kg", "question": "Weight?"}).json()
    posted = client.post("/ask?system=kg", json={"question": "Weight?"}).json()
    assert {**got, "latency_ms": 0} == {**posted, "latency_ms": 0}


def test_the_history_of_an_answer_can_be_sent_back(client):
    first = client.get("/ask", params={"system": "kg", "question": "Weight?"}).json()
    second = client.post("/ask", json={"system": "kg", "question": "Sure?", "history": first["history"]}).json()
    assert second["evidence"] == [{"source": "history", "text": "echo: Weight?", "score": 0.5, "supports": None}]


def test_sixteen_callers_are_answered_together_and_each_gets_its_own_answer(client, run):
    questions = [f"question {n:02}" for n in range(16)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda q: client.get("/ask", params={"system": "sft", "question": q}).json(), questions)
        )
    assert [answer["answer"] for answer in answers] == [question[::-1] for question in questions]
    assert run.loads == ["sft"]


def test_health_and_other_systems_answer_while_one_system_thinks(client, run):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.get, "/ask", params={"system": "held", "question": "q"})
        assert run.held.entered.wait(timeout=60)
        assert client.get("/health").json() == {"status": "ok"}
        assert client.get("/ask", params={"system": "kg", "question": "q"}).json()["answer"] == "echo: q"
        run.held.release.set()
        assert waiting.result().json()["answer"] == "done"


def test_a_full_queue_is_503_and_says_when_to_come_back(run):
    with (
        TestClient(app_of(run, "toy", Options(Limits(threads=1, waiting=0))), LOCAL) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        waiting = pool.submit(client.get, "/ask", params={"system": "held", "question": "q"})
        assert run.held.entered.wait(timeout=60)
        refused = client.get("/ask", params={"system": "kg", "question": "q"})
        run.held.release.set()
        assert waiting.result().status_code == 200
    assert problem(refused) == (503, "Queue full", "1 questions are waiting already; try again in a moment")
    assert refused.headers["retry-after"] == "1"


def test_an_unknown_system_lists_the_known_ones(client):
    response = client.get("/ask", params={"system": "kgg", "question": "q"})
    detail = "no 'kgg' in systems; choose one of: kg, sft, held, broken"
    assert problem(response) == (422, "Unknown system", detail)
    assert response.json()["systems"] == ["kg", "sft", "held", "broken"]


@pytest.mark.parametrize(
    ("question", "status", "title", "detail"),
    [
        ("x" * 101, 413, "Question too long", "question has 101 characters; at most 100 are read"),
        ("long", 413, "Question too long", "the prompt has 9000 tokens; the window holds 2048"),
        ("busy", 503, "Queue full", "128 requests are waiting"),
        ("bug", 500, "Internal error", "the service failed; its log says where"),
        ("  ", 422, "Bad input", "query.question: string should have at least 1 character"),
    ],
)
def test_what_a_system_cannot_answer_is_a_problem_with_its_own_status(client, question, status, title, detail):
    assert problem(client.get("/ask", params={"system": "kg", "question": question})) == (status, title, detail)


def test_a_damaged_system_is_unavailable_and_the_others_answer(client):
    response = client.get("/ask", params={"system": "broken", "question": "q"})
    detail = "systems/broken/index.faiss is damaged; build it again"
    assert problem(response) == (503, "System unavailable", detail)
    assert client.get("/ask", params={"system": "kg", "question": "q"}).status_code == 200


@pytest.mark.parametrize("path", ["/ask?system=kg&question=q&sytem=x", "/health?x=1", "/systems?x=1"])
def test_an_unknown_parameter_is_refused(client, path):
    status, title, detail = problem(client.get(path))
    assert (status, title) == (422, "Bad input")
    assert detail.endswith("extra inputs are not permitted")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 1900,
        b'{"system": "kg"}',
        b'{"system": "kg", "question": 7}',
        b'{"system": "kg", "question": "\\ud800"}',
        b'{"system": "kg", "question": "q", "temperature": 0}',
        b'{"system": "kg", "question": "q", "history": [{"role": "user", "text": "a"}]}',
        b'{"system": "kg", "question": "q", "history": [{"role": "system", "text": "a"}]}',
    ],
)
def test_a_bad_body_is_422(client, body):
    assert problem(client.post("/ask", content=body, headers={"content-type": "application/json"}))[0] == 422


def test_a_body_over_the_limit_is_413(client):
    assert problem(client.post("/ask", content=b"x" * 2001, headers={"content-type": "application/json"}))[0] == 413


def test_a_body_over_the_limit_is_413_without_a_length(client):
    chunks = (b"x" * 500 for _ in range(5))
    assert problem(client.post("/ask", content=chunks, headers={"content-type": "application/json"}))[0] == 413


def test_two_different_systems_in_address_and_body_are_refused(client):
    response = client.post("/ask?system=kg", json={"system": "sft", "question": "q"})
    assert problem(response)[::2] == (422, "the address names system 'kg' and the body 'sft'; name one")


@pytest.mark.parametrize(("method", "path", "status"), [("DELETE", "/ask", 405), ("GET", "/nowhere", 404)])
def test_a_wrong_address_or_method_is_a_problem(client, method, path, status):
    assert problem(client.request(method, path))[0] == status


def test_systems_say_which_are_loaded(client):
    client.get("/ask", params={"system": "kg", "question": "q"})
    names = [("kg", True), ("sft", False), ("held", False), ("broken", False)]
    assert client.get("/systems").json() == {
        "corpus": "toy",
        "systems": [{"name": name, "loaded": loaded} for name, loaded in names],
        "allow_edits": False,
    }


def test_the_openapi_document_has_an_example_for_every_model(client):
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert {"AskRequest", "AskResponse", "Problem", "SystemsResponse"} <= schemas.keys()
    assert "example" in schemas["AskResponse"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8000", ""])
def test_a_name_pointed_at_this_machine_is_refused(client, host):
    assert problem(client.get("/systems", headers={"host": host}))[:2] == (421, "Misdirected Request")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8000", "[::1]:8000", "LOCALHOST"])
def test_this_machine_is_known_by_its_names(client, host):
    assert client.get("/health", headers={"host": host}).status_code == 200
