"""rag with a reader that was trained to read what rag shows, as in RAFT (arXiv:2403.10131).

Its training questions stand above passages as rag would put them: the one that answers among distractors that the index
found, or distractors only, where the answer has to come from memory. What rag retrieves is not changed.
"""

import math
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from kinject.corpus import Corpus
from kinject.lm import open_model
from kinject.lm.encoding import ChatEncoder
from kinject.lm.loading import load
from kinject.lm.local import LocalLM
from kinject.lm.prompts import reading, stated, value_of
from kinject.progress import Progress, Step
from kinject.store import artifact_is
from kinject.systems.hybrid.config import Config
from kinject.systems.hybrid.parts import Site
from kinject.systems.rag import Rag
from kinject.systems.rag.chunks import Chunk, states
from kinject.systems.rag.index import Index
from kinject.systems.sft import methods, text
from kinject.systems.sft.batches import Batch, batched, encode, padding
from kinject.systems.sft.loop import Plan, train
from kinject.systems.sft.text import Example
from kinject.systems.sft.training import write
from kinject.types import Fact, System

_SMALL = 50_000_000
_WEIGHT_DECAY = 0.1


def build(site: Site, config: Config) -> System:
    """Train the reader, or go on with the training that the store holds.

    Raises ModelError for a model whose weights are not on this machine.
    """
    local = methods.trainable(site.model, "sft_rag")
    fingerprint, reader = site.fingerprint(config), site.store / "reader"
    if not artifact_is(reader, fingerprint):
        _train(site, local, config, fingerprint)
    return site.part("rag", open_model(str(reader)))


class Shelf:
    """The passages of an index: those that state facts, and those that a question finds beside them."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._of_document: dict[str, list[Chunk]] = defaultdict(list)
        for chunk in index.chunks:
            self._of_document[chunk.document_id].append(chunk)

    def gold(self, facts: Sequence[Fact]) -> list[Chunk]:
        return [chunk for fact in facts for chunk in self._of_document[fact.document_id] if states(chunk, fact)]

    def distractors(self, question: str, facts: Sequence[Fact], count: int) -> list[Chunk]:
        gold = self.gold(facts)
        # By words alone: names are rare words, so that these are what a reader confuses, and it is fast.
        found = [hit.chunk for hit in self._index.search(question, count + len(gold), "bm25")]
        return [chunk for chunk in found if chunk not in gold][:count]


def examples(corpus: Corpus, shelf: Shelf, config: Config, rng: random.Random) -> Iterator[Example]:
    """The questions of one epoch, each above its passages; about unknown names only others' passages are found."""
    asked = list(text.asked(corpus, rng, times=1))
    asked = rng.sample(asked, math.ceil(len(asked) * config.asked_share))
    unknown = round(len(asked) * config.idk_share / (1 - config.idk_share))
    for example in (*asked, *text.unknown(corpus, rng, unknown)):
        facts = _facts(corpus, example)
        passages, gold = shelf.distractors(example.question, facts, config.distractors), shelf.gold(facts)
        if gold and rng.random() < config.oracle_share:
            passages.append(rng.choice(gold))
        rng.shuffle(passages)
        shown = [passage.text for passage in passages]
        yield replace(example, question=reading(example.question, shown)[-1].content)


def _facts(corpus: Corpus, example: Example) -> list[Fact]:
    """Those that the example's answer states."""
    value = value_of(example.answer)
    return [
        fact
        for fact in corpus.facts_of(example.subject)
        if fact.object in value and example.answer.startswith(stated(fact.subject, fact.relation, "").rstrip(": "))
    ]


def _train(site: Site, model: LocalLM, config: Config, fingerprint: str) -> None:
    rag = site.part("rag")
    assert isinstance(rag, Rag)
    shelf, loaded = Shelf(rag.index), load(model.info.name, str(model.model.device))
    encoder = ChatEncoder(loaded.tokenizer, loaded.name)
    rate = config.learning_rate or (5e-4 if model.info.parameters < _SMALL else 1e-5)

    def data(rng: random.Random) -> list[Batch]:
        windows = [(example,) for example in examples(site.corpus, shelf, config, rng)]
        rows = encode(windows, encoder, loaded.tokenizer, model.info.context_window)
        return batched(rows, config.batch_tokens, padding(loaded.tokenizer), rng)

    plan = Plan(
        fingerprint=fingerprint,
        epochs=config.epochs,
        matrix_lr=rate,
        other_lr=rate / 2,
        weight_decay=_WEIGHT_DECAY,
        seed=config.draw,
        data=data,
        # Its curve would be one of reading; sft's is the one of recall.
        quiz=lambda: (),
        show=lambda epochs: None,
    )
    train(loaded.model, plan, site.store / "checkpoints", _as_reading(site.progress))
    write(loaded, None, site.store / "reader", fingerprint)


def _as_reading(progress: Progress) -> Progress:
    def step(step: Step) -> None:
        progress(replace(step, stage="train the reader"))

    return step
