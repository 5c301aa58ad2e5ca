"""The model reads the passages that were retrieved for the question.

The whole dialogue is the query, so that what a user asserts can change what is found. Nothing is trained.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from kinject.corpus import Corpus
from kinject.errors import CorpusError
from kinject.lm.base import LM, Chat, Completion
from kinject.lm.prompts import ABSTENTION, ANSWER_TOKENS, reading
from kinject.progress import Progress, silent
from kinject.store import artifact_is
from kinject.systems._answer import answer
from kinject.systems._citations import checked
from kinject.systems._diagnosis import Observation
from kinject.systems.rag import abstention, building, embed, index, rerank, vectors
from kinject.systems.rag.abstention import Threshold
from kinject.systems.rag.chunks import Chunk, Splitter, split, states, titled
from kinject.systems.rag.claimed import ClaimedIndex
from kinject.systems.rag.index import Hit, Index, Retriever
from kinject.systems.rag.metrics import Ranking, measured
from kinject.systems.rag.rerank import Reranker
from kinject.systems.rag.rewriting import rewritten
from kinject.systems.rag.signals import PASSAGE
from kinject.systems.rag.signals import signals as signals
from kinject.systems.rag.vectors import Choice
from kinject.types import CLAIM_ID, Answer, Claim, Document, Evidence, Fact, Outcome, Record, Turn

_SCHEMA = 2
_DEPTH = 50


@dataclass(frozen=True)
class Config:
    k: int = 4  # passages in context; mini was taught to read four
    retriever: Retriever = "fused"  # dense finds paraphrases, bm25 finds rare names; fused needs no tuning
    names: bool = True  # fused ranks passages higher that name what the question names, by a document's title
    documents: str = ""  # only those whose id or title fits this pattern, such as guide-*; "": all
    embedder: str = embed.AUTO  # MiniLM, beyond 20,000 passages static; or one of these, a folder or a Hugging Face id
    index: Choice = "auto"  # exact (flat) to 200,000 passages, hnsw to 3 M, then ivfsq8; ivfpq is smallest
    splitter: Splitter = "sentences"  # recursive cuts long Markdown along its headings and names them in each passage
    chunk_words: int = 70  # short enough that four passages and a dialogue fit 1,024 tokens
    overlap_sentences: int = 1  # a pronoun's sentence keeps the one before it
    reranker: str = ""  # folder or id of a cross-encoder that puts the best passages in order; "": none
    rerank_depth: int = 20  # passages that the reranker sees
    rewrite: bool = False  # the model first makes one question of a dialogue; mini was not taught to
    abstain: bool = False  # without the model where no passage is near enough, as calibrated on training questions
    most_refused: float = 0.02  # share of answerable dev questions that abstain may leave unanswered
    min_score: float = 0.0  # cosine of the nearest passage below which the answer is an abstention; 0: none
    max_new_tokens: int = ANSWER_TOKENS  # of an answer, with what was asked before it

    def __post_init__(self) -> None:
        if min(self.k, self.max_new_tokens) < 1 or self.chunk_words < 10 or self.overlap_sentences < 0:
            raise ValueError("k and max_new_tokens must be at least 1, chunk_words 10 and overlap_sentences 0")
        if self.rerank_depth < self.k:
            raise ValueError(f"rerank_depth must be at least k = {self.k}, found {self.rerank_depth}")
        if not (0 <= self.most_refused <= 1 and 0 <= self.min_score <= 1):
            raise ValueError("most_refused and min_score must be between 0 and 1")


@dataclass(frozen=True)
class Rag:
    index: Index
    model: LM
    config: Config
    reranker: Reranker | None = None
    threshold: Threshold | None = None

    @property
    def says_as_it_writes(self) -> bool:
        """A question that is rewritten first is no part of the answer."""
        return not self.config.rewrite

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        started = time.perf_counter()
        query, spent = self._query(question, history)
        hits = self.retrieve(query, self.config.k)
        found = tuple(Evidence(f"{PASSAGE}{hit.chunk.document_id}", hit.chunk.text, hit.score) for hit in hits)
        if self._is_too_far(query):
            return answer(ABSTENTION, spent, time.perf_counter() - started, found)
        prompt = reading(question, [hit.chunk.text for hit in hits], history)
        completion = self.model.complete(Chat(prompt, (), self.config.max_new_tokens))
        evidence = checked(completion.text, found)
        return answer(completion.text, [*spent, completion], time.perf_counter() - started, evidence)

    def with_claim(self, claim: Claim) -> "Rag":
        """The same system, whose index also holds the claim as a page about its subject, of a single passage."""
        page = Document(CLAIM_ID, claim.text, claim.subject)
        passage = Chunk(page.id, titled(page, page.text), page.title)
        return replace(self, index=ClaimedIndex(self.index, passage))

    def retrieve(self, query: str, depth: int) -> tuple[Hit, ...]:
        """The best passages for a query, best first."""
        if self.reranker is None:
            return self.index.search(query, depth, self.config.retriever)
        hits = self.index.search(query, max(depth, self.config.rerank_depth), self.config.retriever)
        seen = hits[: self.config.rerank_depth]
        return (*self.reranker.ordered(query, seen), *hits[len(seen) :])[:depth]

    def ranking(self, question: str, facts: Sequence[Fact], depth: int = _DEPTH) -> Ranking:
        """What is found for a question about these facts, beside the passages that state one of them."""
        pages = {fact.document_id for fact in facts}
        stating = (
            number
            for page in pages
            for number in self.index.of_document(page)
            if any(states(self.index.chunks[number], fact) for fact in facts)
        )
        return Ranking(tuple(hit.number for hit in self.retrieve(question, depth)), frozenset(stating))

    def _query(self, question: str, history: Sequence[Turn]) -> tuple[str, list[Completion]]:
        """What is searched for, and what finding it out has cost."""
        plain = "\n".join([*(turn.text for turn in history if turn.role == "user"), question])
        if not (self.config.rewrite and history):
            return plain, []
        completion = rewritten(self.model, question, history)
        return completion.text.strip() or plain, [completion]

    def _is_too_far(self, query: str) -> bool:
        least = max(self.config.min_score, self.threshold.score if self.threshold else 0.0)
        return least > 0 and self.index.cosine(query) < least


def build(corpus: Corpus, store: Path, model: LM, config: Config, progress: Progress = silent) -> Rag:
    """Chunk, embed and index the documents. The index is kept in `store` and reused as far as its texts are the same.

    `store/index/made.json` says how it was made: passages, how many of them were embedded, at what rate, by what.
    """
    if not corpus.documents:
        raise CorpusError(f"corpus {corpus.name!r} has no documents to retrieve from")
    cut = (config.chunk_words, config.overlap_sentences, config.splitter)
    made_from = [*map(asdict, corpus.documents), embed.identity(config.embedder), *cut, config.index]
    fingerprint, folder = _digest(*made_from), store / "index"
    if not artifact_is(folder, fingerprint):
        chunks = split(corpus.documents, *cut)
        name = embed.chosen(config.embedder, len(chunks))
        kind = vectors.kind_for(len(chunks), config.index)
        building.make(folder, building.Wanted(fingerprint, chunks, name, embed.load(name), kind), progress)
    loaded = index.load(folder, embed.load(building.read_made(folder).embedder), config.names)
    if config.documents:
        loaded = _only(loaded, config.documents)
    reranker = rerank.load(config.reranker) if config.reranker else None
    threshold = None
    if config.abstain:
        depends_on = _digest(fingerprint, corpus.fingerprint(), config.documents, config.most_refused)
        kept = abstention.Kept(store / "abstention", depends_on)
        threshold = kept.threshold(corpus, loaded.cosine, config.most_refused, progress)
    return Rag(loaded, model, config, reranker, threshold)


def at_size(config: Config, documents: int, facts: int) -> Config:
    """The options as they are chosen for so many documents, if each is one passage."""
    kind = vectors.kind_for(documents) if config.index == "auto" else config.index
    return replace(config, embedder=embed.chosen(config.embedder, documents), index=kind)


def diagnose(system: Rag, corpus: Corpus, records: Sequence[Record]) -> Iterator[Observation]:
    """Retrieval for the recall probes, answers with and without a gold passage in context, and what passages support.

    Citations are those of answers that were attempted in a single turn: the share that a passage supports, and how
    often supported and unsupported ones are right.
    """
    recall = [record for record in records if record.probe.kind == "recall"]
    facts = {fact.id: fact for fact in corpus.facts}
    rankings = [system.ranking(one.probe.question, [facts[id] for id in one.probe.facts]) for one in recall]
    k = system.config.k
    for record, values in zip(recall, measured(rankings, (1, k)), strict=True):
        given = "accuracy_given_gold" if values[f"recall@{k}"] else "accuracy_without_gold"
        for metric, value in {**values, given: _right(record)}.items():
            yield Observation("retrieval", metric, value, record.probe.subject)
    yield from _citations(record for record in records if not record.probe.turns)


def _citations(records: Iterable[Record]) -> Iterator[Observation]:
    for record in records:
        marks = {one.supports for one in record.answers[0].evidence} - {None}
        if marks and record.verdicts[0].outcome is not Outcome.NOT_ATTEMPTED:
            supported = True in marks
            given = "accuracy_supported" if supported else "accuracy_unsupported"
            for metric, value in (("supported", float(supported)), (given, _right(record))):
                yield Observation("citations", metric, value, record.probe.subject)


def _right(record: Record) -> float:
    return float(record.verdicts[0].outcome is Outcome.CORRECT)


def _only(loaded: Index, pattern: str) -> Index:
    found = loaded.only(lambda chunk: fnmatchcase(chunk.document_id, pattern) or fnmatchcase(chunk.title, pattern))
    if not found.size:
        raise CorpusError(f"no document's id or title fits documents={pattern!r}; * stands for any text")
    return found


def _digest(*made_from: object) -> str:
    return hashlib.sha256(json.dumps([_SCHEMA, *made_from], ensure_ascii=False).encode()).hexdigest()[:16]
