"""As much of the corpus as fits in the window, from its beginning, or the blocks that the model's own keys retrieve.

Where the corpus does not fit, what is shown of it does not depend on the question (`first`), or by the model's weights
alone (`blocks`, see `keys`). The question stands before the passages too, so that no prefix of a prompt can be shared
among questions: each pays for the whole window.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Literal

import numpy as np

from kinject.corpus import Corpus, questions
from kinject.errors import CorpusError, ModelError, PromptTooLongError
from kinject.lm.base import LM, Chat
from kinject.lm.local import LocalLM
from kinject.lm.prompts import ANSWER_TOKENS, dialogue, reading
from kinject.progress import Progress, Step, silent
from kinject.store import artifact_is, new_artifact
from kinject.systems._answer import answer
from kinject.systems._diagnosis import Observation
from kinject.systems.long_context.keys import Keys, hidden
from kinject.systems.rag.chunks import Chunk, split, states
from kinject.types import Answer, Evidence, Outcome, Record, Turn

_SCHEMA = 1
_BATCH = 32
_UNKNOWN_WINDOW = 32_768
# Of a passage's number and line break, and of the marks around each message.
_FRAME_TOKENS = 8
_BYTES_A_TOKEN = 3  # of a tokenizer that is elsewhere: English has four


@dataclass(frozen=True)
class Config:
    select: Literal["first", "blocks"] = "first"  # in the corpus's order; blocks: those nearest to the question
    blocks: int = 8  # select=blocks: how many are attended to
    layer: int = 0  # select=blocks: whose states are keys; on mini the embeddings find most, deeper layers little
    block_words: int = 70  # as long as rag's passages
    context_tokens: int = 0  # of the whole prompt; 0: the model's window, or 32,768 where nobody says how wide it is
    max_new_tokens: int = ANSWER_TOKENS  # of an answer, with what was asked before it

    def __post_init__(self) -> None:
        if min(self.blocks, self.max_new_tokens) < 1 or min(self.layer, self.context_tokens) < 0:
            raise ValueError("blocks and max_new_tokens must be at least 1, layer and context_tokens 0")
        if self.block_words < 10:
            raise ValueError(f"block_words must be at least 10, found {self.block_words}")


class LongContext:
    """Made by `build`; without `keys` the blocks are taken in their order."""

    def __init__(self, blocks: Sequence[Chunk], model: LM, config: Config, keys: Keys | None) -> None:
        self.blocks, self._model, self._config, self._keys = tuple(blocks), model, config, keys
        self._tokens = tuple(_FRAME_TOKENS + self._count(block.text) for block in blocks)

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        started = time.perf_counter()
        chosen = self.chosen(question, history)
        while True:
            shown = [self.blocks[number].text for number in sorted(chosen)]
            prompt = reading(question, shown, history) if shown else dialogue(question, history)
            try:
                completion = self._model.complete(Chat(prompt, (), self._config.max_new_tokens))
            except PromptTooLongError:
                # What a tokenizer elsewhere makes of a text is a guess.
                if not chosen:
                    raise
                chosen = dict(list(chosen.items())[: len(chosen) * 7 // 8])
            else:
                return answer(completion.text, [completion], time.perf_counter() - started, self._evidence(chosen))

    def chosen(self, question: str, history: Sequence[Turn] = ()) -> dict[int, float]:
        """The numbers of the blocks that fit, the best first, with their scores; all are 0 where order decides."""
        room = self._room(question, history)
        found: dict[int, float] = {}
        for number, score in self._ranked(question, history):
            room -= self._tokens[number]
            if room < 0:
                break
            found[number] = score
        return found

    def _ranked(self, question: str, history: Sequence[Turn]) -> Iterator[tuple[int, float]]:
        if self._keys is None:
            yield from ((number, 0.0) for number in range(len(self.blocks)))
            return
        assert isinstance(self._model, LocalLM)
        query = "\n".join([*(turn.text for turn in history if turn.role == "user"), question])
        scores = self._keys.scores(hidden(self._model, [query], self._config.layer)[0])
        for number in np.argsort(-scores, kind="stable")[: self._config.blocks]:
            yield int(number), float(scores[number])

    def _room(self, question: str, history: Sequence[Turn]) -> int:
        """Tokens for passages, beside the dialogue, the question's second copy and the answer."""
        window = self._config.context_tokens or self._model.info.context_window or _UNKNOWN_WINDOW
        messages = reading(question, [], history)
        taken = sum(_FRAME_TOKENS + self._count(message.content) for message in messages)
        return window - taken - self._config.max_new_tokens

    def _count(self, text: str) -> int:
        if isinstance(self._model, LocalLM):
            return len(self._model.ids(text))
        return len(text.encode()) // _BYTES_A_TOKEN

    def _evidence(self, chosen: dict[int, float]) -> tuple[Evidence, ...]:
        if self._keys is None:
            # The same for every question, and long.
            return (Evidence("context", f"the first {len(chosen)} of {len(self.blocks)} passages"),)
        blocks = [(self.blocks[number], chosen[number]) for number in sorted(chosen)]
        return tuple(Evidence(f"document {block.document_id}", block.text, score) for block, score in blocks)


def build(corpus: Corpus, store: Path, model: LM, config: Config, progress: Progress = silent) -> LongContext:
    """Cut the documents into blocks and, where keys choose among them, read each once; keys are kept in `store`.

    Raises ModelError for keys of a model whose weights are not on this machine.
    """
    if not corpus.documents:
        raise CorpusError(f"corpus {corpus.name!r} has no documents to put in context")
    keys = _keys(corpus, store, model, config, progress) if config.select == "blocks" else None
    return LongContext(_blocks(corpus, config), model, config, keys)


def diagnose(system: LongContext, corpus: Corpus, records: Sequence[Record]) -> Iterator[Observation]:
    """For the recall probes: how much was in context, and answers with and without a gold passage among it."""
    facts = {fact.id: fact for fact in corpus.facts}
    for record in records:
        if record.probe.kind == "recall":
            shown = [system.blocks[number] for number in system.chosen(record.probe.question)]
            has_gold = any(states(block, facts[id]) for block in shown for id in record.probe.facts)
            values = {
                "documents_in_context": len({block.document_id for block in shown}) / len(corpus.documents),
                "gold_in_context": float(has_gold),
                "accuracy_given_gold" if has_gold else "accuracy_without_gold": float(
                    record.verdicts[0].outcome is Outcome.CORRECT
                ),
            }
            for metric, value in values.items():
                yield Observation("context", metric, value, record.probe.subject)


def _keys(corpus: Corpus, store: Path, model: LM, config: Config, progress: Progress) -> Keys:
    if not isinstance(model, LocalLM):
        raise ModelError(
            f"select=blocks keys blocks by hidden states, and the weights of {model.info.name} are elsewhere: "
            "use a local model, or select=first"
        )
    made_from = [_SCHEMA, corpus.fingerprint(), model.info.fingerprint, config.block_words, config.layer]
    fingerprint, folder = hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:16], store / "keys"
    if not artifact_is(folder, fingerprint):
        texts, states = [block.text for block in _blocks(corpus, config)], []
        for start in range(0, len(texts), _BATCH):
            progress(Step("key the blocks", start, len(texts)))
            states.append(hidden(model, texts[start : start + _BATCH], config.layer))
        with new_artifact(folder, fingerprint) as unfinished:
            Keys.of(np.concatenate(states), hidden(model, _questions(corpus), config.layer)).save(unfinished)
    return Keys.load(folder)


def _blocks(corpus: Corpus, config: Config) -> tuple[Chunk, ...]:
    return split(corpus.documents, config.block_words, overlap=0)


def _questions(corpus: Corpus) -> list[str]:
    """One a training phrasing, each about another entity: what questions here have in common."""
    entities = cycle(corpus.entities())
    templates = (template for relation in corpus.relations for template in questions(relation, "train"))
    return [template.format(subject=entity) for template, entity in zip(templates, entities, strict=False)]
