import os

import pytest
from conftest import FakeLM, make_toy_corpus
from word_hashes import WordHashes

from kinject.errors import ModelError, StoreError
from kinject.lm.prompts import reading
from kinject.systems import rag
from kinject.systems.rag import embed, index
from kinject.systems.rag.chunks import Chunk, sentences, split, states
from kinject.systems.rag.metrics import Ranking
from kinject.types import Document, Fact, Turn


@pytest.fixture
def words(monkeypatch):
    monkeypatch.setattr(embed, "load", lambda name: WordHashes())


def test_sentences_end_at_full_stops_but_not_after_an_initial():
    assert sentences("J. Doe made it. It weighs 1.5 kg! Nice", 400) == ["J. Doe made it.", "It weighs 1.5 kg!", "Nice"]


def test_a_passage_has_the_title_in_front_and_repeats_one_sentence():
    text = " ".join(f"Sentence number {n} has exactly seven words." for n in range(4))
    first, second = split([Document("d", text, "Aldo")], words=20)[:2]
    assert (first.text, second.text.startswith("Aldo: Sentence number 1 has")) == (
        "Aldo: Sentence number 0 has exactly seven words. Sentence number 1 has exactly seven words.",
        True,
    )


def test_no_word_is_lost_and_no_passage_is_too_long():
    text = "x" * 3000 + " and 東京" + "都" * 500 + ". End. " + "word " * 300
    passages = [chunk.text for chunk in split([Document("d", text)], words=50, overlap=0)]
    assert "".join("".join(passages).split()) == "".join(text.split())
    assert max(len(passage.encode()) for passage in passages) <= 300


def test_a_gold_passage_names_the_object_and_is_from_the_facts_document():
    fact = Fact("f", "Aldo", "weight", "1 kg", "d", ("1000 g",))
    chunks = [Chunk("d", "It is 1000 G."), Chunk("e", "It is 1 kg."), Chunk("d", "It is light.")]
    assert [states(chunk, fact) for chunk in chunks] == [True, False, False]


def indexed(folder, *chunks):
    index.write(folder, chunks, WordHashes().encode([chunk.text for chunk in chunks]))
    return index.load(folder, WordHashes())


def test_both_rankings_count_when_they_are_fused(tmp_path):
    chunks = [Chunk("a", "red lamp"), Chunk("b", "blue lamp"), Chunk("c", "green chair")]
    found = indexed(tmp_path, *chunks).search("blue lamp", 2)
    assert [(hit.chunk.document_id, round(hit.score, 4)) for hit in found] == [
        ("b", round(2 / 61, 4)),
        ("a", round(2 / 62, 4)),
    ]


def test_words_that_no_passage_has_find_nothing_by_bm25(tmp_path):
    found = indexed(tmp_path, Chunk("a", "red lamp"))
    assert [found.search(query, 3, "bm25") for query in ("zebra", "?!", "")] == [(), (), ()]


def test_the_model_reads_the_best_passages(words, tmp_path):
    model = FakeLM(lambda chat: "100 g")
    system = rag.build(make_toy_corpus(), tmp_path, model, rag.Config(k=1, retriever="bm25"))
    answer = system.ask("Which weight does Aldo have?")
    text = answer.evidence[0].text
    assert model.chats[0].messages == reading("Which weight does Aldo have?", [text])
    assert (answer.text, answer.evidence[0].source, text.startswith("Aldo: Aldo is made")) == (
        "100 g",
        "document d0",
        True,
    )


def test_what_the_user_said_before_is_part_of_the_query(words, tmp_path):
    system = rag.build(make_toy_corpus(), tmp_path, FakeLM(lambda chat: "no"), rag.Config(k=1))
    history = (Turn("user", "Which weight does Corvo have?"), Turn("assistant", "5 g"))
    assert system.ask("You are wrong.", history).evidence[0].source == "document d2"


def test_an_index_is_reused_for_the_same_corpus_and_rebuilt_for_another(words, tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(index, "write", lambda *args, real=index.write: made.append(args) or real(*args))
    corpus, model = make_toy_corpus(), FakeLM(lambda chat: "no")
    for words_a_chunk in (70, 70, 40):
        rag.build(corpus, tmp_path, model, rag.Config(chunk_words=words_a_chunk))
    assert len(made) == 2


def test_a_damaged_index_is_refused(words, tmp_path):
    rag.build(make_toy_corpus(), tmp_path, FakeLM(lambda chat: "no"), rag.Config())
    file = tmp_path / "index" / "vectors.faiss"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(StoreError, match=r"vectors\.faiss is damaged"):
        rag.build(make_toy_corpus(), tmp_path, FakeLM(lambda chat: "no"), rag.Config())


def test_gold_passages_are_those_that_state_a_fact_whether_found_or_not(words, tmp_path):
    corpus = make_toy_corpus()
    system = rag.build(corpus, tmp_path, FakeLM(lambda chat: "no"), rag.Config(retriever="bm25", chunk_words=10))
    weight = corpus.facts_of("Aldo", "weight")
    gold = {n for n, chunk in enumerate(system.index.chunks) if states(chunk, weight[0])}
    found = system.ranking("Which weight does Aldo have?", weight)
    assert (found.gold, found.found[0] in gold) == (gold, True)
    assert system.ranking("?!", ()) == Ranking((), frozenset())


def test_other_weights_under_the_name_of_minilm_are_refused(tmp_path, monkeypatch):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"not the weights")
    monkeypatch.setattr(embed.importlib.resources, "files", lambda package: tmp_path)
    with pytest.raises(ModelError, match="does not hold all-MiniLM-L6-v2"):
        embed.load.__wrapped__()


def test_an_embedder_that_does_not_exist_is_one_clear_line(tmp_path):
    with pytest.raises(ModelError, match="cannot load the embedder"):
        embed.load.__wrapped__(os.fspath(tmp_path))


def test_minilm_finds_a_paraphrase():
    vectors = embed.load().encode(["The lamp weighs 3 kg.", "It was designed in Oslo."])
    asked = embed.load().encode(["How heavy is it?"])[0]
    assert float(vectors[0] @ asked) > float(vectors[1] @ asked)
