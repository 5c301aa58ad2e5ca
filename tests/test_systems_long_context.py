"""long_context: what of the corpus is in the window, and what the model's own keys retrieve."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import FakeLM, make_toy_corpus

from kinject.errors import CorpusError, ModelError, OptionError, PromptTooLongError, StoreError
from kinject.lm.base import ModelInfo
from kinject.lm.prompts import reading
from kinject.options import fill
from kinject.systems import long_context
from kinject.systems.long_context.keys import Keys, hidden
from kinject.types import Answer, Outcome, Probe, Record, Turn, Verdict

CORPUS = make_toy_corpus()
ASKED = "Which weight does Brila have?"
PAGES = [f"{document.title}: {document.text}" for document in CORPUS.documents]


def refuse(step):
    raise StoreError("would be built again")


def build(model, store=None, **options):
    return long_context.build(CORPUS, store, model, long_context.Config(**options))


def test_a_corpus_that_fits_is_read_whole_and_in_order():
    model = FakeLM(lambda chat: "110 g")
    answer = build(model).ask(ASKED)
    assert model.chats[0].messages == reading(ASKED, PAGES)
    assert (answer.text, answer.evidence[0].text) == ("110 g", "the first 8 of 8 passages")


def test_what_does_not_fit_is_left_out_from_the_end():
    model = FakeLM(lambda chat: "110 g")
    build(model, context_tokens=400).ask(ASKED)
    assert model.chats[0].messages == reading(ASKED, PAGES[:3])


def test_a_dialogue_takes_its_room_from_the_passages():
    system = build(FakeLM(lambda chat: "110 g"), context_tokens=400)
    history = (Turn("user", ASKED), Turn("assistant", "110 g " * 40))
    assert [len(system.chosen("Sure?", past)) for past in ((), history)] == [4, 2]


def test_where_nobody_says_how_wide_the_window_is_it_counts_as_wide(monkeypatch):
    monkeypatch.setattr(FakeLM, "info", ModelInfo("fake", "0" * 64, parameters=0, context_window=0))
    assert len(build(FakeLM(lambda chat: "110 g")).chosen(ASKED)) == 8


def test_passages_are_dropped_until_the_model_takes_the_prompt():
    def reply(chat):
        if "[6]" in chat.messages[-1].content:
            raise PromptTooLongError("too long")
        return "110 g"

    assert build(FakeLM(reply)).ask(ASKED).evidence[0].text == "the first 5 of 8 passages"


def test_a_dialogue_that_alone_is_too_long_is_refused():
    def reply(chat):
        raise PromptTooLongError("too long")

    with pytest.raises(PromptTooLongError):
        build(FakeLM(reply)).ask(ASKED)


def test_a_corpus_without_documents_is_refused():
    bare = replace(CORPUS, documents=(), facts=())
    with pytest.raises(CorpusError, match="no documents to put in context"):
        long_context.build(bare, None, FakeLM(lambda chat: ""), long_context.Config())


def test_keys_need_weights_on_this_machine(tmp_path):
    with pytest.raises(ModelError, match="the weights of fake are elsewhere"):
        build(FakeLM(lambda chat: ""), tmp_path, select="blocks")


def test_blocks_are_those_with_the_highest_scores_and_stand_in_the_corpuss_order(tiny_lm, tmp_path):
    system = build(tiny_lm, tmp_path, select="blocks", blocks=3, max_new_tokens=2)
    scores = Keys.load(tmp_path / "keys").scores(hidden(tiny_lm, [ASKED], 0)[0])
    assert list(system.chosen(ASKED)) == list(np.argsort(-scores)[:3])
    sources = [one.source for one in system.ask(ASKED).evidence]
    assert sources == [f"document d{number}" for number in sorted(np.argsort(-scores)[:3])]


def test_a_block_is_nearest_to_itself_at_every_layer(either_lm):
    texts = [document.text for document in CORPUS.documents]
    for layer in (0, 1, 2):
        states = hidden(either_lm, texts, layer)
        keys = Keys.of(states, states)
        assert [int(keys.scores(state).argmax()) for state in states] == list(range(8))


def test_keys_have_the_mean_of_questions_taken_out(tiny_lm, tmp_path):
    build(tiny_lm, tmp_path, select="blocks", layer=1)
    keys = Keys.load(tmp_path / "keys")
    assert keys.blocks.shape == (8, 64)
    assert np.allclose(np.linalg.norm(keys.blocks, axis=1), 1, atol=1e-5)
    assert np.allclose(keys.scores(keys.asked), 0)


def test_keys_are_made_once_for_a_corpus_a_model_and_a_layer(tiny_lm, tmp_path):
    options = {"select": "blocks", "layer": 1}
    build(tiny_lm, tmp_path, **options)
    long_context.build(CORPUS, tmp_path, tiny_lm, long_context.Config(**options, blocks=2), refuse)
    with pytest.raises(StoreError, match="built again"):
        long_context.build(CORPUS, tmp_path, tiny_lm, long_context.Config(select="blocks", layer=2), refuse)


def test_a_layer_that_the_model_does_not_have_is_named(tiny_lm, tmp_path):
    with pytest.raises(ModelError, match="no layer=9: the model has layers 0 to 3"):
        build(tiny_lm, tmp_path, select="blocks", layer=9)


def test_it_tells_how_much_was_in_context_and_what_came_of_it():
    system = build(FakeLM(lambda chat: "no"), context_tokens=400)
    probes = [
        Probe(name, "recall", f"Which weight does {name} have?", ("x",), (fact,), subject=name)
        for name, fact in (("Aldo", "f0-2"), ("Hessa", "f7-2"))
    ]
    right = (Verdict(Outcome.CORRECT),)
    records = [Record("toy", "long_context", 0, probe, (Answer("x", 0.5),), right) for probe in probes]
    assert [(one.metric, one.value, one.cluster) for one in long_context.diagnose(system, CORPUS, records)] == [
        ("documents_in_context", 0.375, "Aldo"),
        ("gold_in_context", 1.0, "Aldo"),
        ("accuracy_given_gold", 1.0, "Aldo"),
        ("documents_in_context", 0.375, "Hessa"),
        ("gold_in_context", 0.0, "Hessa"),
        ("accuracy_without_gold", 1.0, "Hessa"),
    ]


@pytest.mark.parametrize("option", ["blocks=0", "block_words=9", "context_tokens=-1", "layer=-1"])
def test_options_that_make_no_sense_are_refused(option):
    with pytest.raises(OptionError, match="must be at least"):
        fill(long_context.Config, [option])
