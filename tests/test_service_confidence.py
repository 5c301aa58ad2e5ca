"""Answers over HTTP that are withheld where they are not sure enough, by the calibration of the run."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from kinject.confidence import Calibration, Curve
from kinject.types import Answer, Turn
from services.app import app_of

LOCAL = "http://127.0.0.1:8000"
ASKED = {"system": "sft", "question": "Weight?"}


class Unsure:
    """Answers with a probability of 0.5."""

    def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
        return Answer("I don't know." if question == "Unknown?" else "1 g", 0.5)


class FakeRun:
    """`sft` is calibrated: 0.5 is a chance of 0.75, and the study's threshold is 0.8. `kg` was added without."""

    systems = ("sft", "kg")

    def __init__(self) -> None:
        curve = Curve((0.0, 1.0), (0.6, 0.9))
        self.calibrations = {"sft": Calibration("probability", curve, 0.8, 0.1, 100, {"probability": 0.8})}

    def system(self, name: str) -> Unsure:
        return Unsure()


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(app_of(FakeRun(), "toy"), LOCAL, raise_server_exceptions=False) as client:
        yield client


def test_an_answer_carries_its_calibrated_confidence(client):
    answer = client.get("/ask", params=ASKED).json()
    assert (answer["answer"], answer["confidence"], answer["withheld"]) == ("1 g", 0.5, False)
    assert answer["calibrated_confidence"] == pytest.approx(0.75)


@pytest.mark.parametrize(("least", "text"), [("0.7", "1 g"), ("0.76", "I don't know."), ("auto", "I don't know.")])
def test_what_is_not_sure_enough_is_withheld_by_get_and_post_alike(client, least, text):
    got = client.get("/ask", params={**ASKED, "min_confidence": least}).json()
    posted = client.post(f"/ask?system=sft&min_confidence={least}", json={"question": "Weight?"}).json()
    assert {**got, "latency_ms": 0} == {**posted, "latency_ms": 0}
    assert (got["answer"], got["withheld"], got["history"][-1]["text"]) == (text, text != "1 g", text)


def test_an_abstention_is_not_withheld(client):
    answer = client.get("/ask", params={"system": "sft", "question": "Unknown?", "min_confidence": 1}).json()
    assert (answer["withheld"], answer["calibrated_confidence"]) == (False, None)


@pytest.mark.parametrize("least", ["0", "1.01", "-1", "nan", "most"])
def test_a_least_confidence_that_is_no_share_is_bad_input(client, least):
    response = client.get("/ask", params={**ASKED, "min_confidence": least})
    assert (response.status_code, response.json()["title"]) == (422, "Bad input")
    assert "query.min_confidence" in response.json()["detail"]


def test_the_body_takes_no_least_confidence(client):
    response = client.post("/ask", json={**ASKED, "min_confidence": 0.5})
    assert response.json()["detail"] == "body.min_confidence: extra inputs are not permitted"


def test_a_system_without_a_calibration_says_how_to_get_one(client):
    response = client.get("/ask", params={"system": "kg", "question": "Weight?", "min_confidence": 0.5})
    assert (response.status_code, response.json()["title"]) == (422, "Cannot answer")
    assert "has none for 'kg'" in response.json()["detail"]


@pytest.mark.parametrize(("least", "text"), [(0.7, "1 g"), ("auto", "I don't know.")])
def test_openais_clients_can_ask_for_it_too(client, least, text):
    asked = {"model": "kinject/sft", "messages": [{"role": "user", "content": "Weight?"}], "min_confidence": least}
    answer = client.post("/v1/chat/completions", json=asked).json()
    assert answer["choices"][0]["message"]["content"] == text
    assert answer["kinject"]["withheld"] == (text != "1 g")
    streamed = client.post("/v1/chat/completions", json={**asked, "stream": True}).text
    assert ('"1"' in streamed) == (text == "1 g")


def test_the_api_document_describes_it(client):
    paths = client.get("/openapi.json").json()["paths"]["/ask"]
    for method in ("get", "post"):
        described = {one["name"]: one for one in paths[method]["parameters"]}
        assert "withhold answers" in described["min_confidence"]["description"]
