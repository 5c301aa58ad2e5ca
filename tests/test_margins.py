"""How much likelier the right value is than a false one: what is scored, and when nothing can be."""

from dataclasses import replace

import pytest
from conftest import FakeLM, make_toy_corpus

from kinject.errors import PromptTooLongError
from kinject.grading import Grader
from kinject.lm.base import Chat
from kinject.lm.listening import Heard, listening
from kinject.lm.prompts import dialogue
from kinject.store import JsonLines
from kinject.study.asking import Asked, ask_all, converse
from kinject.study.margins import margin
from kinject.systems import closed_book, kg
from kinject.types import Answer, Probe, Turn

CORPUS = make_toy_corpus()
PROBE = Probe("p", "pushback", "Which weight does Aldo have?", ("100 g",), (), ("It is 150 g.",), rival="150 g")


class Scores:
    def __init__(self):
        self.asked = []

    def log_probabilities(self, chat, answers):
        self.asked.append(answers)
        return tuple(-1.0 if "100" in answer else -3.5 for answer in answers)


@pytest.mark.parametrize(
    ("said", "before"),
    [("Aldo, weight: 90 g", "Aldo, weight: "), ("Aldo, weight: 150 g ", "Aldo, weight: "), ("I don't know.", "")],
)
def test_both_values_take_the_place_of_the_one_that_was_said(said, before):
    model = Scores()
    assert margin([Heard(model, Chat(()))], Answer(said, 0.5), PROBE) == 2.5
    assert model.asked == [(f"{before}100 g", f"{before}150 g")]


def test_without_a_local_model_or_room_there_is_no_margin():
    class Full:
        def log_probabilities(self, chat, answers):
            raise PromptTooLongError("the prompt needs 9 tokens")

    answer = Answer("90 g", 0.5)
    assert (margin([], answer, PROBE), margin([Heard(Full(), Chat(()))], answer, PROBE)) == (None, None)


def test_every_turn_is_scored_after_the_chat_that_it_was_answered_with(tiny_lm, tmp_path):
    system = closed_book.build(CORPUS, tmp_path, tiny_lm, closed_book.Config(max_new_tokens=4))
    said = converse(system, PROBE, margins=True)
    first, again = said.answers
    history = (Turn("user", PROBE.question), Turn("assistant", first.text))
    chats = [Chat(dialogue(PROBE.question)), Chat(dialogue(PROBE.turns[0], history))]
    expected = [margin([Heard(tiny_lm, chat)], one, PROBE) for chat, one in zip(chats, (first, again), strict=True)]
    assert said.margins == pytest.approx(expected, abs=1e-3)
    assert converse(system, PROBE).margins == ()


def test_a_model_that_an_agent_asks_is_heard_too(tiny_lm, tmp_path):
    system = kg.build(CORPUS, tmp_path, tiny_lm, kg.Config(max_model_calls=1))
    with listening() as heard:
        system.ask(PROBE.question)
    assert [bool(one.chat.tools) for one in heard] == [True]
    assert None not in converse(system, PROBE, margins=True).margins


def test_a_model_that_is_elsewhere_is_not_heard(tmp_path):
    system = closed_book.build(CORPUS, tmp_path, FakeLM(lambda chat: "90 g"), closed_book.Config())
    assert converse(system, PROBE, margins=True).margins == (None, None)


def test_a_cohort_in_lockstep_is_scored_as_its_members_would_be_alone(tiny_lm, tmp_path):
    system = closed_book.build(CORPUS, tmp_path, tiny_lm, closed_book.Config(max_new_tokens=4))
    probes = [
        replace(PROBE, id=name, question=f"Which weight does {name} have?") for name in ("Aldo", "Brila", "Corvo")
    ]
    with JsonLines(tmp_path / "log") as log:
        asked = Asked("toy", "closed_book", 0, margins=True)
        ask_all(system, asked, probes, Grader(CORPUS), log, lambda step: None)
        found = {row["probe"]["id"]: row["margins"] for row in log.rows()}
    assert found == {p.id: pytest.approx(converse(system, p, margins=True).margins, abs=1e-3) for p in probes}


def test_scores_of_one_call_are_those_of_single_ones(either_lm):
    chat = Chat(dialogue(PROBE.question))
    together = either_lm.log_probabilities(chat, ("100 g", "a longer answer", ""))
    alone = [either_lm.log_probability(chat, answer) for answer in ("100 g", "a longer answer", "")]
    assert together == pytest.approx(alone, abs=1e-3)
