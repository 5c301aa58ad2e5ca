"""/ask and /compare over a fake run: as of a day, in a stream, and several systems of which some fail."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from conftest import make_toy_corpus
from fastapi.testclient import TestClient

from kinject.confidence import Calibration, Curve
from kinject.errors import StoreError
from kinject.lm import speaking
from kinject.types import Answer, Turn
from services.app import app_of
from services.options import Limits, Options

LOCAL = "http://127.0.0.1:8000"
PRICE = "What is the price of Aldo?"
DATED = "What was the price of Aldo on 3 May 2023?"


class Echo:
    def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
        return Answer(f"{len(history)} before {question}", 0.9)


class Writer:
    """Writes its answer word by word, to whoever hears it."""

    says_as_it_writes = True

    def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
        if listener := speaking.current():
            for word in ("1.2", " kg"):
                listener(word)
        return Answer("1.2 kg.", 0.9)


class Bug:
    def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
        raise ZeroDivisionError("secret details")


class FakeRun:
    systems = ("kg", "rag", "bug", "broken", "sft")
    calibrations: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self) -> None:
        self.corpus = make_toy_corpus()

    def system(self, name: str) -> Echo | Bug:
        if name == "broken":
            raise StoreError("systems/broken is not whole")
        return {"bug": Bug, "sft": Writer}.get(name, Echo)()


@pytest.fixture
def run() -> FakeRun:
    return FakeRun()


@pytest.fixture
def client(run: FakeRun) -> Iterator[TestClient]:
    with TestClient(app_of(run, "toy", Options(Limits(threads=5, waiting=0))), LOCAL, False) as client:
        yield client


def events(response) -> list[tuple[str, dict]]:
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    blocks = [block.split("\n") for block in response.text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


def test_a_question_as_of_a_day_is_put_in_the_words_of_the_corpus(client):
    got = client.get("/ask", params={"system": "kg", "question": PRICE, "on": "2023-05-03"}).json()
    posted = client.post("/ask", json={"system": "kg", "question": PRICE, "on": "2023-05-03"}).json()
    assert {**got, "latency_ms": 0} == {**posted, "latency_ms": 0}
    assert (got["answer"], got["question"], got["on"]) == (f"0 before {DATED}", PRICE, "2023-05-03")
    assert got["history"][0] == {"role": "user", "text": DATED}


def test_openais_clients_can_ask_as_of_a_day_too(client):
    asked = {"model": "kinject/kg:bare", "messages": [{"role": "user", "content": PRICE}], "on": "2023-05-03"}
    answer = client.post("/v1/chat/completions", json=asked).json()
    assert answer["choices"][0]["message"]["content"] == f"0 before {DATED}"


def test_without_a_day_the_question_stays_as_it_is(client):
    answer = client.get("/ask", params={"system": "kg", "question": PRICE}).json()
    assert (answer["answer"], answer["on"]) == (f"0 before {PRICE}", None)


def test_a_run_without_days_says_so(client, run):
    facts = tuple(fact for fact in run.corpus.facts if fact.relation != "price")
    run.corpus = replace(run.corpus, facts=facts)
    response = client.get("/ask", params={"system": "kg", "question": PRICE, "on": "2023-05-03"})
    assert (response.status_code, response.json()["title"]) == (422, "Cannot answer")
    assert response.json()["detail"].startswith("no fact of corpus 'toy' has a day")


@pytest.mark.parametrize(
    "day", ["0999-12-31", "2023-02-30", "10000-01-01", "1700000000", "2023-05-03T00:00", "May", ""]
)
def test_a_day_that_is_none_or_that_no_corpus_holds_is_bad_input(client, day):
    response = client.get("/ask", params={"system": "kg", "question": PRICE, "on": day})
    assert (response.status_code, response.json()["title"]) == (422, "Bad input")
    assert client.post("/ask", json={"system": "kg", "question": PRICE, "on": day}).status_code == 422


def test_a_stream_says_the_text_and_then_the_whole_answer(client):
    streamed = client.get("/ask", params={"system": "kg", "question": "Q\r\n?", "stream": True})
    plain = client.get("/ask", params={"system": "kg", "question": "Q\r\n?"}).json()
    text, (name, answer) = events(streamed)
    assert text == ("text", {"delta": plain["answer"]})
    assert (name, {**answer, "latency_ms": 0}) == ("answer", {**plain, "latency_ms": 0})


def test_what_a_system_writes_is_streamed_as_it_is_written(client):
    found = events(client.get("/ask", params={"system": "sft", "question": "q", "stream": True}))
    assert [each["delta"] for name, each in found if name == "text"] == ["1.2", " kg", "."]
    assert found[-1][1]["answer"] == "1.2 kg."


def test_what_may_be_withheld_is_not_said_before_it_is_judged(run):
    curve = Curve((0.0, 1.0), (0.6, 0.9))
    run.calibrations = {"sft": Calibration("probability", curve, 0.8, 0.1, 100, {"probability": 0.8})}
    asked = {"system": "sft", "question": "q", "stream": True, "min_confidence": 1}
    with TestClient(app_of(run, "toy"), LOCAL) as client:
        found = events(client.get("/ask", params=asked))
    assert found[0] == ("text", {"delta": "I don't know."})


@pytest.mark.parametrize(
    ("system", "title", "detail"),
    [
        ("bug", "Internal error", "the service failed; its log says where"),
        ("broken", "System unavailable", "systems/broken is not whole"),
    ],
)
def test_what_fails_while_it_streams_is_an_event(client, system, title, detail):
    ((name, problem),) = events(client.post("/ask?stream=true", json={"system": system, "question": "q"}))
    assert (name, problem["title"], problem["detail"]) == ("error", title, detail)


@pytest.mark.parametrize(("asked", "status"), [({"system": "tree"}, 422), ({"question": "x" * 5000}, 413)])
def test_what_is_refused_is_a_problem_and_no_stream(client, asked, status):
    response = client.get("/ask", params={"system": "kg", "question": "q", "stream": True, **asked})
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")


def test_each_system_has_its_own_answer_or_its_own_problem(client):
    answers = client.get("/compare", params={"question": "q"}).json()["answers"][:4]
    assert [each["system"] for each in answers] == ["kg", "rag", "bug", "broken"]
    assert [each.get("answer") or each["problem"]["status"] for each in answers] == ["0 before q"] * 2 + [500, 503]
    assert "secret" not in json.dumps(answers)


def test_each_system_goes_on_from_its_own_history(client):
    first = client.post("/compare", json={"systems": ["rag", "kg"], "question": "q"}).json()["answers"]
    histories = {"rag": first[0]["history"]}
    body = {"systems": ["rag", "kg"], "question": PRICE, "histories": histories, "on": "2023-05-03"}
    second = client.post("/compare", json=body).json()["answers"]
    assert [(each["system"], each["answer"]) for each in second] == [
        ("rag", f"2 before {DATED}"),
        ("kg", f"0 before {DATED}"),
    ]


def test_a_comparison_streams_each_answer_and_ends_with_done(client):
    found = events(client.post("/compare?stream=true", json={"question": "q"}))
    assert sorted((name, each["system"]) for name, each in found[:-1]) == [
        ("answer", "kg"),
        ("answer", "rag"),
        ("answer", "sft"),
        ("error", "broken"),
        ("error", "bug"),
    ]
    assert found[-1] == ("done", {"answered": 3, "failed": 2})


@pytest.mark.parametrize(
    "body",
    [
        {"systems": ["tree"]},
        {"systems": []},
        {"systems": ["kg", "kg"]},
        {"systems": ["kg"], "histories": {"rag": []}},
        {"histories": {"kg": [{"role": "user", "text": "a"}]}},
        {"min_confidence": 2},
        {"question": " "},
        {"more": 1},
    ],
)
def test_a_comparison_that_cannot_be_made_is_422(client, body):
    assert client.post("/compare", json={"question": "q", **body}).status_code == 422


def test_a_least_confidence_is_a_problem_of_each_system_without_a_calibration(client):
    (answer,) = client.get("/compare", params={"question": "q", "systems": "kg", "min_confidence": 0.5}).json()[
        "answers"
    ]
    assert answer["problem"]["title"] == "Cannot answer"


def test_a_full_desk_refuses_some_systems_of_a_comparison_or_all_of_it(run):
    for threads, expected in ((1, ["answer", "problem", "problem"]), (0, None)):
        limits = Limits(threads=max(1, threads), waiting=threads - 1)
        with TestClient(app_of(run, "toy", Options(limits)), LOCAL) as client:
            response = client.post("/compare", json={"systems": ["kg", "rag", "bug"], "question": "q"})
        if expected:
            assert [each.keys() & {"answer", "problem"} for each in response.json()["answers"]] == [
                {e} for e in expected
            ]
        else:
            assert (response.status_code, response.headers["retry-after"]) == (503, "1")


def test_an_answer_after_the_deadline_is_504(run):
    with TestClient(app_of(run, "toy", Options(Limits(deadline_s=0.0))), LOCAL) as client:
        response = client.get("/ask", params={"system": "kg", "question": "q"})
    assert (response.status_code, response.json()["title"]) == (504, "Deadline passed")


def test_the_document_describes_streams_and_days(client):
    document = client.get("/openapi.json").json()
    for path in ("/ask", "/compare"):
        for method in ("get", "post"):
            described = document["paths"][path][method]
            assert "text/event-stream" in described["responses"]["200"]["content"]
            assert {"503", "504"} <= described["responses"].keys()
    assert "example" in document["components"]["schemas"]["CompareResponse"]
