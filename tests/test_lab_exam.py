"""The exam: what a perfect model gets, what is read off its papers, and that none of it is cut off."""

from dataclasses import replace
from pathlib import Path

import pytest
from transformers import AutoTokenizer

import kinject.lm
from kinject.errors import PromptTooLongError
from kinject.lab import encoding, exam, papers, worlds
from kinject.lm.base import MAX_NEW_TOKENS, Chat, Completion, ModelInfo
from kinject.lm.prompts import ABSTENTION, ANSWER_TOKENS

MINI = Path(kinject.lm.__file__).parent / "mini"
CONFIG = exam.Config(n=8, seed=0)


class Perfect:
    """A model that has seen the exam: it answers each lesson with its gold."""

    info = ModelInfo("perfect", "0", 0, 4096)

    def __init__(self):
        self.gold = {}
        for lesson in (lesson for paper in papers.PAPERS for lesson in exam.draw(paper, CONFIG)):
            for i, message in enumerate(lesson.messages):
                self.gold[repr(lesson.messages[:i])] = message

    def complete(self, chat: Chat) -> Completion:
        message = self.gold[repr(chat.messages)]
        return Completion(message.content, message.tool_calls, (-0.1,), prompt_tokens=200)

    def log_probability(self, chat: Chat, answer: str) -> float:
        return 0.0


@pytest.fixture(scope="module")
def perfect():
    return Perfect()


def rows(result, ability):
    return {score.difficulty: score.estimate for score in result.scores if score.ability == ability}


def test_a_perfect_model_passes_every_row_of_the_exam(perfect):
    result = exam.run(perfect, CONFIG)
    shares = [score for score in result.scores if score.estimate.n and not score.is_area]
    assert {s.estimate.value for s in shares if s.goal == "high"} == {1.0}
    assert {s.estimate.value for s in shares if s.goal == "low"} == {0.0}
    read = rows(result, "reading")
    assert read["prompt tokens 1 to 256"].n == 4 * CONFIG.n
    assert read["prompt tokens 257 to 512"].n == 0
    assert sum(estimate.n for place, estimate in read.items() if "of 8" in place) == CONFIG.n
    assert read["passages=4, no look-alike"].n + read["passages=4, look-alikes"].n == CONFIG.n


class Silent(Perfect):
    """It never answers, and is as sure of that as of anything."""

    def complete(self, chat):
        return Completion(ABSTENTION, (), (-0.1,))


def test_a_model_that_never_answers_hallucinates_nothing_and_refuses_everything():
    result = exam.run(Silent(), CONFIG)
    assert {e.value for e in rows(result, "hallucination on unanswerable").values()} == {0.0}
    assert {e.value for e in rows(result, "over-refusal").values()} == {1.0}
    assert {e.value for e in rows(result, "tool call").values()} == {0.0}
    assert rows(result, "AUROC of confidence")["reading"].value == 0.5


class Unsure(Perfect):
    """It says something else where it is not sure, and is right about that."""

    def complete(self, chat):
        known = super().complete(chat)
        if sum(map(ord, repr(chat.messages))) % 2:
            return known
        return replace(known, text="something else", tool_calls=(), log_probabilities=(-2.0,))


def test_confidence_that_tells_right_from_wrong_has_the_whole_area():
    for area in rows(exam.run(Unsure(), CONFIG), "AUROC of confidence").values():
        assert area.value == 1.0
        assert area.n > 20


class Narrow(Perfect):
    def complete(self, chat):
        raise PromptTooLongError("too long")


def test_what_does_not_fit_into_the_window_is_wrong_and_no_hallucination():
    result = exam.run(Narrow(), CONFIG)
    assert {e.value for e in rows(result, "hallucination on unanswerable").values()} == {0.0}
    assert rows(result, "reading")["passages=8"].value == 0.0


def test_the_fingerprint_is_that_of_the_lessons(perfect):
    assert exam.run(perfect, CONFIG).fingerprint == exam.run(Silent(), CONFIG).fingerprint
    assert exam.run(Silent(), replace(CONFIG, seed=1)).fingerprint != exam.run(Silent(), CONFIG).fingerprint


@pytest.mark.parametrize("sort", ["claims", "denials", "authority", "its", "another", "links", "what", "bearers"])
def test_the_exam_has_its_own_words(sort):
    assert set(worlds.frames(sort, "train")).isdisjoint(worlds.frames(sort, "exam"))


def test_what_the_exam_wants_to_hear_fits_into_an_answer():
    """Cut-off calls were once counted as wrong ones."""
    tokenizer = AutoTokenizer.from_pretrained(MINI)
    longest = {}
    for paper in papers.PAPERS:
        for lesson in exam.draw(paper, exam.Config(n=40, seed=0)):
            said = [encoding.content(message) for message in lesson.messages if message.role == "assistant"]
            longest[paper.name] = max(longest.get(paper.name, 0), *(len(tokenizer(text).input_ids) for text in said))
    assert max(longest.values()) <= MAX_NEW_TOKENS, longest
    assert max(tokens for name, tokens in longest.items() if "reading" in name) <= ANSWER_TOKENS, longest
