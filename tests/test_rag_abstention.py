"""rag without the model where no passage is near enough, by a threshold calibrated on training questions."""

import random
from dataclasses import replace

import pytest
from conftest import FakeLM, make_toy_corpus
from word_hashes import WordHashes

from kinject.corpus import questions
from kinject.errors import CorpusError
from kinject.lm.prompts import ABSTENTION
from kinject.systems import rag
from kinject.systems.rag import embed
from kinject.systems.rag.abstention import Threshold, calibrate, dev_split

CORPUS = make_toy_corpus()
ASKED = "Which weight does Aldo have?"


@pytest.fixture(autouse=True)
def words(monkeypatch):
    embedder = WordHashes()
    monkeypatch.setattr(embed, "load", lambda name: embedder)
    return embedder


def built(folder, **options):
    model = FakeLM(lambda chat: "100 g")
    return rag.build(CORPUS, folder, model, rag.Config(**options)), model


def test_the_threshold_lies_between_what_is_answerable_and_what_is_not():
    assert calibrate([0.6, 0.8], [0.2, 0.4], most_refused=0) == Threshold(0.5, 0, 1, 2)


@pytest.mark.parametrize(("most_refused", "expected"), [(0.0, (0.0, 0.5)), (0.25, (0.25, 1.0)), (1.0, (0.25, 1.0))])
def test_no_more_answerable_questions_are_refused_than_allowed(most_refused, expected):
    found = calibrate([0.3, 0.7, 0.8, 0.9], [0.1, 0.2, 0.5, 0.6], most_refused)
    assert (found.answerable_refused, found.unknown_refused) == expected


def test_nothing_is_refused_where_cosines_do_not_tell_the_two_apart():
    assert calibrate([0.1, 0.2], [0.8, 0.9], most_refused=0.5) == Threshold(-1.0, 0, 0, 2)


def test_dev_questions_are_training_questions_about_what_exists_and_about_what_does_not():
    dev = dev_split(CORPUS, 20, random.Random(0))
    train = {t.format(subject=name) for r in CORPUS.relations for t in questions(r) for name in CORPUS.entities()}
    # A made-up name may turn out to exist: then neither question is asked.
    assert 15 <= len(dev.answerable) == len(dev.unknown) <= 20
    assert set(dev.answerable) <= train
    assert not train & set(dev.unknown)


def test_a_corpus_without_training_questions_cannot_calibrate():
    mute = replace(CORPUS, relations=tuple(replace(r, train_questions=()) for r in CORPUS.relations))
    with pytest.raises(CorpusError, match="no training questions to calibrate on; set abstain=false"):
        dev_split(mute, 20, random.Random(0))


def test_a_question_that_no_passage_is_near_is_answered_without_the_model(tmp_path):
    system, model = built(tmp_path, min_score=0.1)
    answer = system.ask("zebra quark")
    assert (answer.text, answer.usage.model_calls, model.chats) == (ABSTENTION, 0, [])
    assert {one.supports for one in answer.evidence} == {None}
    assert system.ask(ASKED).text == "100 g"


def test_a_calibrated_system_refuses_what_it_must_and_keeps_its_threshold(tmp_path, words):
    system, _ = built(tmp_path, abstain=True)
    assert system.threshold.answerable_refused <= 0.02
    assert system.ask("zebra quark").text == ABSTENTION
    words.asked.clear()
    again, _ = built(tmp_path, abstain=True)
    assert (again.threshold, words.asked) == (system.threshold, [])


def test_another_share_is_calibrated_anew_on_the_same_index(tmp_path, words):
    strict, _ = built(tmp_path, abstain=True, most_refused=0.0)
    words.asked.clear()
    lenient, _ = built(tmp_path, abstain=True, most_refused=1.0)
    assert lenient.threshold.unknown_refused >= strict.threshold.unknown_refused
    assert not {chunk.text for chunk in lenient.index.chunks} & set(words.asked)


def test_by_default_every_question_goes_to_the_model(tmp_path):
    system, model = built(tmp_path)
    assert (system.ask("zebra quark").text, len(model.chats), system.threshold) == ("100 g", 1, None)


@pytest.mark.parametrize("options", [{"most_refused": 1.1}, {"min_score": -0.1}])
def test_shares_and_cosines_are_checked(options):
    with pytest.raises(ValueError, match="must be between 0 and 1"):
        rag.Config(**options)
