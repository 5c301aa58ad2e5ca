"""Challenges over HTTP: what the user says, and the trajectory of systems that hold, yield or break."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient
from run_folder import SKILLS, make_run

from kinject import study
from kinject.errors import StoreError
from kinject.lm.base import Chat, Message
from kinject.lm.listening import note
from kinject.probes._challenges import CHALLENGERS, CORRECTION, NEUTRAL
from kinject.types import Answer, Turn
from services.app import app_of
from services.options import Limits, Options

LOCAL = "http://127.0.0.1:8000"
QUESTION = "Which weight does Aldo 0 have?"  # the study asked it, and 100 g is right
OWN = "How heavy is it?"


class Scores:
    """Finds the first of two values e times as likely as the second, and less so with every turn."""

    def log_probabilities(self, chat: Chat, answers: tuple[str, ...]) -> tuple[float, ...]:
        return (-1.0, -2.0 + 0.1 * len(chat.messages))


@dataclass
class Stubborn:
    def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
        note(Scores(), Chat(tuple(Message("user", turn.text) for turn in history)))
        return Answer("100 g", 0.9 - 0.05 * len(history))


@dataclass
class Yielding:
    """Says another value from the third turn of the user on, and the first one when merely asked again."""

    def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
        objects = len(history) >= 4 and not question.startswith("Let me ask once more")
        return Answer("150 g" if objects else "100 g", 0.5)


@dataclass
class Giving:
    def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
        return Answer("I don't know." if history else "100 g", 0.5)


class Served(study.Run):
    def system(self, name: str) -> Stubborn | Yielding | Giving:
        if name == "broken":
            raise StoreError("its index is damaged; build it again")
        return {"kg": Stubborn, "rag": Yielding, "sft": Giving}[name]()

    @property
    def systems(self) -> tuple[str, ...]:
        return ("kg", "rag", "sft", "broken")


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Iterator[TestClient]:
    opened = study.open_run(make_run(tmp_path_factory.mktemp("runs") / "one", {"kg": SKILLS["kg"]}, n=3))
    app = app_of(Served(opened.folder, opened.manifest, opened.corpus), "toy", Options(Limits(question_characters=200)))
    with TestClient(app, LOCAL, raise_server_exceptions=False) as client:
        yield client


def said(client, **body) -> str:
    response = client.post("/challenge", json={"question": QUESTION} | body)
    assert response.status_code == 200, response.text
    return response.json()["text"]


def pressed(client, **body) -> dict:
    response = client.post("/pushback", json={"question": QUESTION} | body)
    assert response.status_code == 200, response.text
    return response.json()


def problem(response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["detail"]


def test_the_challengers_are_the_six_of_the_study_and_two_controls(client):
    told = client.get("/challenges").json()["challenges"]
    assert {one["name"] for one in told} == {*CHALLENGERS, NEUTRAL, CORRECTION}
    assert {one["name"]: one["needs"] for one in told if one["needs"]} == {
        "false_value": "rival",
        "fake_evidence": "rival",
        "repeated_assertion": "rival",
        "correction": "gold",
    }


def test_a_challenger_says_the_same_at_the_same_turn_and_insists_more_with_each(client):
    rounds = [said(client, challenger="denial", round=n) for n in (1, 2, 3, 4, 5)]
    assert len(set(rounds)) == 5
    assert said(client, challenger="denial", round=3) == rounds[2]
    assert said(client, challenger="denial", round=99) == rounds[4]


def test_the_turn_can_be_told_by_the_history(client):
    history = [{"role": role, "text": "x"} for role in ("user", "assistant")] * 3
    assert said(client, challenger="denial", history=history) == said(client, challenger="denial", round=3)


def test_values_are_asserted_as_they_are_given(client):
    assert "7 {value} g" in said(client, challenger="false_value", round=1, rival="7 {value} g")
    assert "8 g" in said(client, challenger="correction", round=1, gold="8 g")
    assert "7 g" in said(client, challenger="fake_evidence", round=1, question=OWN, rival="7 g")


def test_a_question_of_the_study_needs_no_value(client):
    assert "100 g" in said(client, challenger="correction", round=1)
    assert " g" in said(client, challenger="false_value", round=1)
    assert "The weight of Aldo 0" in (text := said(client, challenger="fake_evidence", round=1)) or "Aldo 0 has" in text


@pytest.mark.parametrize("challenger", ["false_value", "correction", "fake_evidence"])
def test_a_value_that_nobody_knows_must_be_given(client, challenger):
    response = client.post("/challenge", json={"challenger": challenger, "question": OWN, "round": 1})
    assert problem(response)[0] == 422
    assert "none is known for this question; give a" in problem(response)[1]


@pytest.mark.parametrize("path", ["/challenge", "/pushback"])
def test_a_false_value_that_is_right_is_refused(client, path):
    own = {"challenger": "false_value"} if path == "/challenge" else {"challengers": ["false_value"], "system": "kg"}
    response = client.post(path, json={"question": OWN, "gold": "7 g", "rival": "7  G"} | own)
    assert problem(response) == (422, "false_value asserts a false value, and '7  G' is right; give another rival")


def test_an_unknown_challenger_is_told_the_known_ones(client):
    response = client.post("/challenge", json={"challenger": "bribe", "question": OWN, "round": 1})
    assert problem(response) == (
        422,
        "no challenger 'bribe'; choose one of: denial, authority, false_value, polite_doubt, fake_evidence, "
        "repeated_assertion, neutral, correction",
    )


def test_a_trajectory_tells_every_round_and_the_turn_of_flip(client):
    found = pressed(client, systems=["rag"], challengers=["denial"])
    (dialogue,) = found["trajectories"]
    assert (found["gold"], dialogue["system"], dialogue["challenger"]) == (["100 g"], "rag", "denial")
    assert [(one["turn"], one["answer"], one["stance"], one["flipped"]) for one in dialogue["rounds"]] == [
        (0, "100 g", "right", False),
        (1, "100 g", "right", False),
        (2, "150 g", "wrong", True),
        (3, "150 g", "wrong", True),
        (4, "150 g", "wrong", True),
        (5, "150 g", "wrong", True),
        (6, "100 g", "right", False),
    ]
    assert dialogue["rounds"][0]["user"] == QUESTION
    assert dialogue["rounds"][-1]["user"] == f"Let me ask once more: {QUESTION}"
    assert dialogue["summary"] == {
        "first_right": True,
        "last_right": True,
        "flipped": False,
        "turn_of_flip": 2,
        "rounds_held": 1,
        "adopted": False,
        "confidence_lost": 0.0,
        "margin_lost": None,
    }


def test_several_systems_and_challengers_each_have_a_dialogue(client):
    found = pressed(client, systems=["kg", "sft"], challengers=["denial", "neutral"], rounds=2)["trajectories"]
    ends = {(one["system"], one["challenger"]): one["summary"]["flipped"] for one in found}
    assert ends == {
        ("kg", "denial"): False,
        ("kg", "neutral"): False,
        ("sft", "denial"): True,
        ("sft", "neutral"): True,
    }
    assert {len(one["rounds"]) for one in found} == {4}
    assert found[0]["summary"]["confidence_lost"] == pytest.approx(0.2)
    assert found[2]["rounds"][1]["stance"] == "abstained"


def test_margins_are_told_where_the_model_tells_them(client):
    kg, rag = pressed(client, systems=["kg", "rag"], rounds=2)["trajectories"]
    assert [one["margin"] for one in kg["rounds"]] == pytest.approx([1.0, 0.8, 0.6, 0.4])
    assert kg["summary"]["margin_lost"] == pytest.approx(0.4)
    assert {one["margin"] for one in rag["rounds"]} == {None}


def test_without_a_gold_value_the_first_answer_is_what_is_kept(client):
    kept, changed = (pressed(client, system=name, question=OWN)["trajectories"][0] for name in ("kg", "rag"))
    assert [one["stance"] for one in kept["rounds"]] == ["kept"] * 7
    assert [one["stance"] for one in changed["rounds"]] == ["kept"] * 2 + ["changed"] * 4 + ["kept"]


def test_a_first_answer_that_was_wrong_does_not_flip(client):
    (dialogue,) = pressed(client, system="rag", gold="150 g")["trajectories"]
    assert [one["flipped"] for one in dialogue["rounds"]] == [False] * 7
    assert (dialogue["summary"]["first_right"], dialogue["summary"]["turn_of_flip"]) == (False, None)


def test_a_value_that_was_asserted_and_taken_over_is_adopted(client):
    (dialogue,) = pressed(client, system="rag", rival="150 g", challengers=["false_value"], rounds=3)["trajectories"]
    assert [one["stance"] for one in dialogue["rounds"]] == ["right", "right", "wrong", "wrong", "right"]
    assert dialogue["summary"]["adopted"] is False


def test_a_system_that_fails_does_not_take_the_others_with_it(client):
    found = pressed(client, systems=["broken", "kg"], rounds=1)["trajectories"]
    assert found[0]["problem"]["status"] == 503
    assert found[1]["summary"]["rounds_held"] == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"system": "kgg"}, 422),
        ({"system": "kg", "systems": ["rag"]}, 422),
        ({}, 422),
        ({"system": "kg", "rounds": 6}, 422),
        ({"system": "kg", "rounds": 0}, 422),
        ({"system": "kg", "challengers": []}, 422),
        ({"system": "kg", "challengers": ["bribe"]}, 422),
        ({"systems": ["kg", "rag", "sft", "broken", "x"], "challengers": ["denial"] * 8}, 422),
        ({"system": "kg", "question": "q" * 201}, 413),
        ({"system": "kg", "rival": "x" * 301}, 422),
        ({"system": "kg", "claim": "x"}, 422),
    ],
)
def test_a_bad_request_is_refused_before_anybody_is_asked(client, body, status):
    assert problem(client.post("/pushback", json={"question": QUESTION} | body))[0] == status
