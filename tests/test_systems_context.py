"""closed_book and oracle: what stands in the model's context."""

from dataclasses import replace

import pytest
from conftest import FakeLM, make_toy_corpus

from kinject.errors import PromptTooLongError
from kinject.lm.base import Completion
from kinject.lm.prompts import dialogue, reading
from kinject.systems import closed_book, oracle
from kinject.systems._answer import answer
from kinject.systems.oracle import Pages
from kinject.types import Turn

HISTORY = (Turn("user", "How heavy is Aldo?"), Turn("assistant", "1 g"))


def test_closed_book_sees_the_dialogue_only():
    model = FakeLM(lambda chat: "100 g")
    closed_book.build(make_toy_corpus(), None, model, closed_book.Config()).ask("Sure?", HISTORY)
    assert model.chats[0].messages == dialogue("Sure?", HISTORY)


def test_confidence_is_the_probability_of_the_answers_tokens():
    said = answer("x", [Completion("x", log_probabilities=(-0.5, -0.25))], 0.0)
    assert (round(said.confidence, 4), said.confidence_method) == (0.4724, "sequence_probability")


def test_a_model_without_log_probabilities_has_no_confidence():
    said = answer("x", [Completion("x")], 0.0)
    assert (said.confidence, said.confidence_method) == (0.0, "unavailable")


@pytest.mark.parametrize(
    ("texts", "first"),
    [
        (["Which weight does Aldo have?"], ["Aldo"]),
        (["What is brila's price?"], ["Brila"]),
        (["How heavy is Corvo?", "No, it is as heavy as Aldo."], ["Corvo", "Aldo"]),
        (["What is the capital of France?"], []),
    ],
)
def test_pages_are_those_of_the_entities_that_are_named(texts, first):
    assert [page.title for page in Pages(make_toy_corpus()).about(texts)][: len(first)] == first


def test_the_longest_name_in_a_text_wins():
    corpus = make_toy_corpus()
    pro = (replace(corpus.facts[0], id="p", subject="Aldo Pro", document_id="d7"),)
    pages = Pages(replace(corpus, facts=corpus.facts + pro)).about(["How much is the Aldo Pro?"])
    assert [page.id for page in pages] == ["d7"]


def test_oracle_reads_the_entitys_own_page_first():
    model = FakeLM(lambda chat: "100 g")
    corpus = make_toy_corpus()
    system = oracle.build(corpus, None, model, oracle.Config(documents=1))
    system.ask("Sure?", HISTORY)
    assert model.chats[0].messages == reading("Sure?", [f"Aldo: {corpus.documents[0].text}"], HISTORY)


def test_oracle_drops_and_halves_pages_until_the_prompt_fits():
    def reply(chat):
        if sum(len(m.content) for m in chat.messages) > 320:
            raise PromptTooLongError("too long")
        return "100 g"

    system = oracle.build(make_toy_corpus(), None, FakeLM(reply), oracle.Config())
    said = system.ask("Which weight does Aldo have?")
    assert (said.text, len(said.evidence)) == ("100 g", 1)
