"""Passages put in order by a cross-encoder, here a random BERT or one that is scripted."""

from dataclasses import replace

import pytest
from conftest import FakeLM, make_toy_corpus
from word_hashes import WordHashes

from kinject.errors import ModelError
from kinject.systems import rag
from kinject.systems.rag import embed, rerank
from kinject.systems.rag.chunks import Chunk
from kinject.systems.rag.index import Hit

CORPUS = make_toy_corpus()
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "lamp", "red", "blue", "oak"]
HITS = tuple(Hit(Chunk("d", text), 1.0, n) for n, text in enumerate(["red lamp", "blue oak", "lamp", "red oak"]))


def cross_encoder(folder, outputs):
    """A random BERT of one layer, as its authors would publish it."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY), encoding="utf-8")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = BertConfig(vocab_size=len(VOCABULARY), num_labels=outputs, initializer_range=1.0, **sizes)
    torch.manual_seed(0)
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    return str(folder)


class Backwards:
    def ordered(self, query, hits):
        return tuple(reversed(hits))


@pytest.fixture
def words(monkeypatch):
    monkeypatch.setattr(embed, "load", lambda name: WordHashes())


def built(folder, **options):
    return rag.build(CORPUS, folder, FakeLM(lambda chat: "no"), rag.Config(**options))


def test_a_cross_encoder_from_a_folder_orders_by_its_own_scores(tmp_path):
    ordered = rerank.load.__wrapped__(cross_encoder(tmp_path / "model", 1)).ordered("lamp", HITS)
    scores = [hit.score for hit in ordered]
    assert (scores, len(set(scores))) == (sorted(scores, reverse=True), 4)
    assert {replace(hit, score=1.0) for hit in ordered} == set(HITS)


def test_the_order_of_the_passages_before_does_not_count(tmp_path):
    reranker = rerank.load.__wrapped__(cross_encoder(tmp_path / "model", 1))
    first, second = (reranker.ordered("lamp", hits) for hits in (HITS, HITS[::-1]))
    assert [hit.number for hit in first] == [hit.number for hit in second]


def test_no_passages_have_an_order(tmp_path):
    assert rerank.load.__wrapped__(cross_encoder(tmp_path / "model", 1)).ordered("lamp", ()) == ()


def test_a_classifier_of_two_classes_ranks_nothing(tmp_path):
    with pytest.raises(ModelError, match="has 2 outputs; one that ranks passages has 1"):
        rerank.load.__wrapped__(cross_encoder(tmp_path / "model", 2))


def test_a_reranker_that_does_not_exist_is_one_clear_line(tmp_path):
    with pytest.raises(ModelError, match=r"cannot load the reranker .*; give a folder or an id"):
        rerank.load.__wrapped__(str(tmp_path))


def test_the_reranker_sees_the_best_passages_and_the_rest_stay_behind(words, tmp_path, monkeypatch):
    plain = built(tmp_path, k=2).retrieve("Which weight does Aldo have?", 8)
    monkeypatch.setattr(rerank, "load", lambda name: Backwards())
    system = built(tmp_path, k=2, reranker="scripted", rerank_depth=3)
    assert system.retrieve("Which weight does Aldo have?", 8) == (*plain[2::-1], *plain[3:])
    assert [hit.chunk for hit in system.retrieve("Which weight does Aldo have?", 2)] == [plain[2].chunk, plain[1].chunk]


def test_fewer_passages_cannot_be_reranked_than_are_read():
    with pytest.raises(ValueError, match="rerank_depth must be at least k = 4, found 3"):
        rag.Config(rerank_depth=3)
