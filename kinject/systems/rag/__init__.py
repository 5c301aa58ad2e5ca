"""The model reads the passages that were retrieved for the question.

The whole dialogue is the query, so that what a user asserts can change what is found. Nothing is trained.
"""

import hashlib
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinject.corpus import Corpus
from kinject.errors import CorpusError
from kinject.lm.base import LM, Chat
from kinject.lm.prompts import ANSWER_TOKENS, reading
from kinject.progress import Progress, Step, silent
from kinject.store import artifact_is, new_artifact
from kinject.systems._answer import answer
from kinject.systems._diagnosis import Observation
from kinject.systems.rag import embed, index
from kinject.systems.rag.chunks import split, states
from kinject.systems.rag.embed import MINILM
from kinject.systems.rag.index import Index, Retriever
from kinject.types import Answer, Evidence, Fact, Outcome, Record, Turn

_SCHEMA = 1
_BATCH = 256


@dataclass(frozen=True)
class Config:
    k: int = 4  # passages in context; mini was taught to read four
    retriever: Retriever = "fused"  # dense finds paraphrases, bm25 finds rare names; fused needs no tuning
    embedder: str = MINILM  # carried by an installed package; else a folder or a Hugging Face id
    chunk_words: int = 70  # short enough that four passages and a dialogue fit 1,024 tokens
    overlap_sentences: int = 1  # a pronoun's sentence keeps the one before it
    max_new_tokens: int = ANSWER_TOKENS  # of an answer, with what was asked before it

    def __post_init__(self) -> None:
        if min(self.k, self.max_new_tokens) < 1 or self.chunk_words < 10 or self.overlap_sentences < 0:
            raise ValueError("k and max_new_tokens must be at least 1, chunk_words 10 and overlap_sentences 0")


@dataclass(frozen=True)
class Rag:
    index: Index
    model: LM
    config: Config

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        started = time.perf_counter()
        query = "\n".join([*(turn.text for turn in history if turn.role == "user"), question])
        hits = self.index.search(query, self.config.k, self.config.retriever)
        prompt = reading(question, [hit.chunk.text for hit in hits], history)
        completion = self.model.complete(Chat(prompt, (), self.config.max_new_tokens))
        evidence = tuple(Evidence(f"document {hit.chunk.document_id}", hit.chunk.text, hit.score) for hit in hits)
        return answer(completion.text, [completion], time.perf_counter() - started, evidence)

    def rank(self, question: str, facts: Sequence[Fact], depth: int = 50) -> int | None:
        """The rank, from 1, of the first passage that states one of the facts; None if it is not within `depth`."""
        hits = self.index.search(question, depth, self.config.retriever)
        found = (rank for rank, hit in enumerate(hits, start=1) if any(states(hit.chunk, fact) for fact in facts))
        return next(found, None)


def build(corpus: Corpus, store: Path, model: LM, config: Config, progress: Progress = silent) -> Rag:
    """Chunk, embed and index the documents; the index is kept in `store` and reused for the same texts and embedder."""
    if not corpus.documents:
        raise CorpusError(f"corpus {corpus.name!r} has no documents to retrieve from")
    embedder = embed.load(config.embedder)
    made_from = [_SCHEMA, corpus.fingerprint(), embedder.fingerprint, config.chunk_words, config.overlap_sentences]
    fingerprint = hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:16]
    folder = store / "index"
    if not artifact_is(folder, fingerprint):
        chunks = split(corpus.documents, config.chunk_words, config.overlap_sentences)
        vectors = []
        for start in range(0, len(chunks), _BATCH):
            progress(Step("index", start, len(chunks)))
            vectors.append(embedder.encode([chunk.text for chunk in chunks[start : start + _BATCH]]))
        with new_artifact(folder, fingerprint) as unfinished:
            index.write(unfinished, chunks, np.concatenate(vectors))
        progress(Step("index", len(chunks), len(chunks)))
    return Rag(index.load(folder, embedder), model, config)


def diagnose(system: Rag, corpus: Corpus, records: Sequence[Record]) -> Iterator[Observation]:
    """Retrieval for the recall probes: where the first gold passage ranks, and answers with and without it in context.

    nDCG is that of one gold passage, 1 / log2(1 + rank) within the first ten.
    """
    facts = {fact.id: fact for fact in corpus.facts}
    for record in records:
        if record.probe.kind == "recall":
            rank = system.rank(record.probe.question, [facts[id] for id in record.probe.facts])
            right = float(record.verdicts[0].outcome is Outcome.CORRECT)
            in_context = within(rank, system.config.k)
            values = {
                "recall@1": float(within(rank, 1)),
                f"recall@{system.config.k}": float(in_context),
                "mrr": reciprocal_rank(rank),
                "ndcg@10": 1 / math.log2(1 + rank) if rank is not None and rank <= 10 else 0.0,
                "accuracy_given_gold" if in_context else "accuracy_without_gold": right,
            }
            for metric, value in values.items():
                yield Observation("retrieval", metric, value, record.probe.subject)


def reciprocal_rank(rank: int | None) -> float:
    """Its mean is MRR."""
    return 0.0 if rank is None else 1 / rank


def within(rank: int | None, k: int) -> bool:
    """Its mean is recall@k, with one gold passage."""
    return rank is not None and rank <= k
