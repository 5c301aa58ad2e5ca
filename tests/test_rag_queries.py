"""What is searched for, and in which documents: a dialogue made one question, `documents`, `embedder=auto`."""

import pytest
from conftest import FakeLM, make_toy_corpus
from word_hashes import WordHashes

from kinject.errors import CorpusError
from kinject.systems import rag
from kinject.systems.rag import building, embed, static
from kinject.systems.rag.chunks import split
from kinject.types import Document, Turn

CORPUS = make_toy_corpus()
HISTORY = (Turn("user", "Which weight does Corvo have?"), Turn("assistant", "120 g"))


@pytest.fixture
def words(monkeypatch):
    embedder = WordHashes()
    monkeypatch.setattr(embed, "load", lambda name: embedder)
    return embedder


def rewriting(text):
    """A model that rewrites a dialogue as `text` and answers anything else."""
    return FakeLM(lambda chat: text if chat.messages[0].content.startswith("Rewrite") else "5 g")


def ids(system, question, history=()):
    return [one.source for one in system.ask(question, history).evidence]


def test_a_follow_up_is_searched_for_as_the_model_rewrites_it(words, tmp_path):
    model = rewriting("Which weight does Brila have?")
    system = rag.build(CORPUS, tmp_path, model, rag.Config(k=1, rewrite=True))
    answer = system.ask("And Brila?", HISTORY)
    assert (answer.text, answer.evidence[0].source, answer.usage.model_calls) == ("5 g", "document d1", 2)
    assert words.asked[-1] == "Which weight does Brila have?"
    dialogue = "user: Which weight does Corvo have?\nassistant: 120 g\nuser: And Brila?"
    assert model.chats[0].messages[-1].content == dialogue
    assert "And Brila?" in model.chats[1].messages[-1].content


@pytest.mark.parametrize("rewrite", [True, False])
def test_a_first_question_is_searched_for_as_it_is(words, tmp_path, rewrite):
    model = rewriting("Which weight does Brila have?")
    system = rag.build(CORPUS, tmp_path, model, rag.Config(k=1, rewrite=rewrite))
    assert (ids(system, "Which weight does Aldo have?"), len(model.chats)) == (["document d0"], 1)


def test_a_rewrite_of_nothing_leaves_the_dialogue(words, tmp_path):
    system = rag.build(CORPUS, tmp_path, rewriting(" \n"), rag.Config(k=1, rewrite=True))
    system.ask("Sure?", HISTORY)
    assert words.asked[-1] == "Which weight does Corvo have?\nSure?"


@pytest.mark.parametrize(("pattern", "expected"), [("d[12]", {"d1", "d2"}), ("*a", {"d1", "d5", "d7"}), ("d3", {"d3"})])
def test_only_documents_whose_id_or_title_fits_are_found(words, tmp_path, pattern, expected):
    system = rag.build(CORPUS, tmp_path, FakeLM(lambda chat: "no"), rag.Config(k=8, documents=pattern))
    assert set(ids(system, "Which weight does Aldo have?")) == {f"document {id}" for id in expected}


def test_a_pattern_that_fits_no_document_is_said(words, tmp_path):
    with pytest.raises(CorpusError, match=r"no document's id or title fits documents='guide-\*'"):
        rag.build(CORPUS, tmp_path, FakeLM(lambda chat: "no"), rag.Config(documents="guide-*"))


def test_a_pattern_narrows_the_index_that_is_there(words, tmp_path):
    for pattern in ("", "d1"):
        words.asked.clear()
        rag.build(CORPUS, tmp_path, FakeLM(lambda chat: "no"), rag.Config(documents=pattern))
    assert words.asked == []


@pytest.mark.parametrize(("bound", "expected"), [(8, embed.MINILM), (7, embed.STATIC)])
def test_auto_takes_the_embedder_that_the_number_of_passages_allows(tmp_path, monkeypatch, bound, expected):
    loaded = []
    monkeypatch.setattr(embed, "MINILM_UP_TO", bound)
    monkeypatch.setattr(embed, "load", lambda name: loaded.append(name) or WordHashes())
    rag.build(CORPUS, tmp_path, FakeLM(lambda chat: "no"), rag.Config())
    assert (set(loaded), building.read_made(tmp_path / "index").embedder) == ({expected}, expected)


def test_static_is_distilled_from_minilm(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(static, "distilled", lambda teacher, print: asked.append((teacher, print)) or tmp_path)
    monkeypatch.setattr(embed, "_minilm", lambda: "the folder of MiniLM")
    monkeypatch.setattr(embed, "_open", lambda name, local: (name, local))
    embedder = embed.load.__wrapped__(embed.STATIC)
    ((teacher, weights),) = asked
    assert (teacher(), embedder._model) == (("the folder of MiniLM", True), (str(tmp_path), True))
    assert embedder.fingerprint == embed.identity(embed.STATIC) == static.identity(weights)


def test_rare_tokens_weigh_more_in_a_static_vector():
    weights = static._rarity(1000)
    assert (weights[1:] > weights[:-1]).all()
    assert 0 < weights[0] < weights[-1] < 1


def test_recursive_passages_lose_no_word():
    text = "# One\n\n" + "First words here. " * 30 + "\n\n## Two\n\n" + "東京" * 300 + "\n\nLast line."
    passages = [chunk.text for chunk in split([Document("d", text)], 20, splitter="recursive")]
    bodies = "".join(passage.rpartition(": ")[2] for passage in passages)
    assert "".join(bodies.split()) == "".join(line for line in text.split() if line not in "# One ## Two")
