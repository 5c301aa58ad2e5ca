"""Which passages are found: names, kinds of index, and an index that follows its corpus."""

import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import FakeLM, make_toy_corpus
from word_hashes import WordHashes

from kinject.store import artifact_is
from kinject.systems import rag
from kinject.systems.rag import building, embed, index, static, vectors
from kinject.systems.rag.chunks import Chunk, split
from kinject.types import Document

CORPUS = make_toy_corpus()
MODEL = FakeLM(lambda chat: "no")


@pytest.fixture
def words(monkeypatch):
    embedder = WordHashes()
    monkeypatch.setattr(embed, "load", lambda name: embedder)
    return embedder


def unit(count, dimensions=64):
    rows = np.random.default_rng(0).standard_normal((count, dimensions)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def indexed(folder, *chunks, names=True):
    index.write(folder, chunks, WordHashes().encode([chunk.text for chunk in chunks]))
    return index.load(folder, WordHashes(), names)


def ids(hits):
    return [hit.chunk.document_id for hit in hits]


VANTOR = (
    Chunk(
        "pro",
        "Vantor 300 Pro: Vantor 300 Pro has a weight. Its weight is like that of Vantor 300 Lite",
        "Vantor 300 Pro",
    ),
    Chunk("guide", "Lamps: The designer of Vantor 300 is Ada", "Lamps"),
    Chunk("plain", "Vantor 300: It is 3 kg", "Vantor 300"),
    Chunk("lite", "Vantor 300 Lite: A weight", "Vantor 300 Lite"),
)


def test_passages_that_name_what_is_asked_about_come_before_those_that_name_its_sisters(tmp_path):
    question = "What is the weight of Vantor 300?"
    with_names, without = (indexed(tmp_path, *VANTOR, names=names) for names in (True, False))
    assert ids(with_names.search(question, 2)) == ["plain", "guide"]
    assert ids(without.search(question, 2)) != ["plain", "guide"]


def test_names_count_for_nothing_where_the_question_holds_none(tmp_path):
    with_names, without = (indexed(tmp_path, *VANTOR, names=names) for names in (True, False))
    assert with_names.search("Who is the designer?", 4) == without.search("Who is the designer?", 4)


@pytest.mark.parametrize("retriever", ["dense", "bm25", "fused"])
def test_a_narrowed_index_finds_no_other_passages(tmp_path, retriever):
    whole = indexed(tmp_path, *VANTOR)
    only = whole.only(lambda chunk: chunk.document_id in ("lite", "guide"))
    question = "the weight of Vantor 300"
    assert (set(ids(only.search(question, 4, retriever))), only.size) == ({"lite", "guide"}, 2)
    assert len(whole.search(question, 4, retriever)) == 4


def test_a_question_is_embedded_once(tmp_path):
    chunks = [Chunk("a", "red lamp")]
    embedder = WordHashes()
    index.write(tmp_path, chunks, WordHashes().encode(["red lamp"]))
    found = index.load(tmp_path, embedder)
    found.search("lamp", 1)
    assert (round(found.cosine("lamp"), 3), embedder.asked) == (0.707, ["lamp"])


@pytest.mark.parametrize(
    ("passages", "kind"), [(200_000, "flat"), (200_001, "hnsw"), (3_000_000, "hnsw"), (3_000_001, "ivfsq8")]
)
def test_the_kind_of_index_follows_the_number_of_passages(passages, kind):
    assert vectors.kind_for(passages) == kind


@pytest.mark.parametrize(("kind", "least"), [("flat", 1.0), ("hnsw", 0.95), ("ivfsq8", 0.3), ("ivfpq", 0.3)])
def test_every_kind_finds_its_own_vectors_and_says_how_much_it_misses(tmp_path, kind, least):
    rows = unit(4000, 16)
    vectors.write(tmp_path, rows, kind)
    exact = vectors.exact(tmp_path)
    searched = vectors.searched(tmp_path, exact)
    assert searched.search(rows[:20], 1)[1].ravel().tolist() == list(range(20))
    assert least <= vectors.recall(searched, exact, sample=50) <= 1
    assert np.array_equal(exact.reconstruct_n(), rows)


def test_recall_is_the_share_of_the_nearest_others_that_are_found(tmp_path):
    class Blind:
        def search(self, asked, k):
            return np.zeros((len(asked), k)), np.tile([0, 1, -1], (len(asked), 1))

    angles = np.radians([0, 10, 15, 17])
    vectors.write(tmp_path, np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32))
    # Of two others each, those of passage 0 are 1 and 2, of 1 are 2 and 3, of 2 and of 3 are the other and 1.
    assert vectors.recall(Blind(), vectors.exact(tmp_path), k=2) == pytest.approx((1 + 0 + 1 + 1) / 8)


def files(folder):
    beside = ("made.json", "MANIFEST.json")
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name not in beside}


def changed(how):
    first, *others = CORPUS.documents
    match how:
        case "add":
            return (*CORPUS.documents, Document("new", "Zeta weighs 1 g.", "Zeta"))
        case "remove":
            return tuple(others)
        case "update":
            return (replace(first, text=first.text.replace("Aldo", "Aldine")), *others)
        case _:
            return tuple(reversed(CORPUS.documents))


@pytest.mark.parametrize(("how", "new"), [("add", 1), ("remove", 0), ("update", 1), ("reorder", 0)])
@pytest.mark.parametrize("kind", ["flat", "ivfsq8"])
def test_a_changed_corpus_embeds_what_is_new_and_gives_the_index_of_a_build_from_nothing(
    words, tmp_path, how, new, kind
):
    corpus, config, steps = replace(CORPUS, documents=changed(how), facts=()), rag.Config(index=kind), []
    rag.build(CORPUS, tmp_path / "old", MODEL, config)
    words.asked.clear()
    rag.build(corpus, tmp_path / "old", MODEL, config, steps.append)
    assert (len(words.asked), steps[-1].total, steps[-1].note) == (new, new, steps[0].note)
    assert steps[0].note == f"{new} of {len(corpus.documents)} passages are new"
    rag.build(corpus, tmp_path / "fresh", MODEL, config)
    assert files(tmp_path / "old" / "index") == files(tmp_path / "fresh" / "index")


def test_another_embedder_embeds_everything_anew(words, tmp_path):
    rag.build(CORPUS, tmp_path, MODEL, rag.Config())
    words.asked.clear()
    words.fingerprint = "others"
    rag.build(CORPUS, tmp_path, MODEL, rag.Config(chunk_words=50, embedder="static"))
    assert len(words.asked) == len(split(CORPUS.documents, 50))


def test_an_index_says_how_it_was_made(words, tmp_path):
    rag.build(CORPUS, tmp_path, MODEL, rag.Config(index="hnsw"))
    made = building.read_made(tmp_path / "index")
    assert (made.passages, made.embedded, made.kind, made.embedder) == (8, 8, "hnsw", embed.MINILM)
    assert json.loads((tmp_path / "index" / "made.json").read_text())["rate"] == pytest.approx(made.rate)
    assert made.recall == 1.0


@pytest.mark.parametrize(
    ("name", "passages", "expected"),
    [
        (embed.AUTO, 20_000, embed.MINILM),
        (embed.AUTO, 20_001, embed.STATIC),
        (embed.MINILM, 99_999, embed.MINILM),
        ("org/model", 1, "org/model"),
    ],
)
def test_auto_is_minilm_up_to_twenty_thousand_passages(name, passages, expected):
    assert embed.chosen(name, passages) == expected


def test_every_embedder_has_an_identity_of_its_own(tmp_path):
    assert len({embed.identity(name) for name in (embed.AUTO, embed.MINILM, embed.STATIC, str(tmp_path))}) == 4


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """A random BERT of one layer with a vocabulary of nine."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("teacher")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "lamp", "red", "blue", "oak"]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=9, **sizes)).save_pretrained(folder)
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    transformer = Transformer(str(folder))
    return SentenceTransformer(modules=[transformer, Pooling(16)], device="cpu")


def test_a_static_embedder_is_distilled_once_and_kept_in_the_users_cache(teacher, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = []
    for _ in range(2):
        folder = static.distilled(lambda: made.append(1) or teacher, "f" * 64)
    assert (made, folder.parent, artifact_is(folder, folder.name)) == ([1], tmp_path / "kinject", True)
    one, other, mixed = embed.load.__wrapped__(str(folder)).encode(["red", "lamp", "Lamp red!"])
    assert np.linalg.norm([one, other, mixed], axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    # A mean of the two tokens and of "!", which is unknown: not of the order, nor of more.
    assert embed.load.__wrapped__(str(folder)).encode(["red lamp ?"])[0] == pytest.approx(mixed, abs=1e-6)


def test_recursive_passages_say_their_headings_and_stay_within_their_size():
    text = "Intro.\n\n# Care\nWash it. Dry it.\n\n## Storage\n" + "Keep it in a dry and cool place. " * 20
    first, second, *others = (chunk.text for chunk in split([Document("d", text, "Tent")], 20, splitter="recursive"))
    assert (first, second) == ("Tent: Intro.", "Tent: Care: Wash it. Dry it.")
    assert {text.startswith("Tent: Care > Storage: Keep it in") for text in others} == {True}
    assert max(len(text.encode()) for text in others) <= 20 * 6 + len("Tent: Care > Storage: ")
