"""benchmarks.retrieval: what is found by meaning, by words and by both, and what an index costs."""

import json

import pytest
from conftest import make_toy_corpus
from word_hashes import WordHashes

from benchmarks import retrieval
from kinject.corpus import save
from kinject.errors import OptionError
from kinject.systems.rag import embed


@pytest.fixture
def toy(tmp_path, monkeypatch):
    monkeypatch.setattr(embed, "load", lambda name: WordHashes())
    save(make_toy_corpus(), tmp_path / "toy")
    return tmp_path


def test_every_retriever_has_its_shares_for_every_embedder_and_index(toy, capsys):
    options = ["--embedder", "minilm,static", "--index", "flat,hnsw", "--k", "1,5", "--n", "20", "--out", str(toy)]
    retrieval.main([str(toy / "toy"), *options])
    rows = json.loads((toy / "retrieval-toy.json").read_text())["rows"]
    built = [(embedder, kind) for embedder in (embed.MINILM, embed.STATIC) for kind in ("flat", "hnsw")]
    assert [(row["embedder"], row["kind"]) for row in rows] == built
    assert {(row["passages"], row["embedded"], row["recall"]) for row in rows} == {(8, 8, 1.0)}
    for share in (row[name] for row in rows for name in retrieval.RETRIEVERS):
        assert list(share) == ["recall@1", "recall@5", "mrr", "ndcg@10"]
        assert 0 <= share["recall@1"]["value"] <= share["mrr"]["value"] <= 1
        assert (share["recall@5"]["n"], share["recall@1"]["value"] <= share["recall@5"]["value"]) == (20, True)
    assert "| fused     | 100.0 % [" in capsys.readouterr().out


def test_what_is_not_in_the_corpus_is_not_found(toy, tmp_path):
    corpus = make_toy_corpus()
    strange = tuple(retrieval.replace(fact, object="never", aliases=()) for fact in corpus.facts)
    save(retrieval.replace(corpus, name="strange", facts=strange), tmp_path / "strange")
    retrieval.main([str(tmp_path / "strange"), "--out", str(toy)])
    (row,) = json.loads((toy / "retrieval-strange.json").read_text())["rows"]
    assert {row[name]["recall@10"]["value"] for name in retrieval.RETRIEVERS} == {0}


def test_a_corpus_of_which_nothing_holds_any_more_has_nothing_to_ask(toy, tmp_path):
    corpus = make_toy_corpus()
    past = tuple(fact for fact in corpus.facts if fact.valid_to)
    save(retrieval.replace(corpus, name="past", facts=past), tmp_path / "past")
    with pytest.raises(OptionError, match="no fact that holds now and has test questions: there is nothing to ask"):
        retrieval.main([str(tmp_path / "past")])


def test_an_index_that_does_not_exist_is_said(toy, capsys):
    with pytest.raises(SystemExit):
        retrieval.main([str(toy / "toy"), "--index", "tree"])
    assert "expected one of auto, flat, hnsw, ivfsq8, ivfpq, found 'tree'" in capsys.readouterr().err
