"""The documents about the question's entity in context: what a perfect retriever would let the model read.

The ladder closed_book, rag, oracle tells a bad retriever from a bad reader. Entities are found by the longest names
that stand in the dialogue, earliest turn first; the relation asked for is not known here. So an entity's own page comes
first, and then other pages that state facts about it. Without a name the context is empty.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kinject.corpus import Corpus
from kinject.errors import PromptTooLongError
from kinject.lm.base import LM, Chat, Completion, Message
from kinject.lm.prompts import ANSWER_TOKENS, dialogue, reading
from kinject.progress import Progress, silent
from kinject.systems._answer import answer
from kinject.systems._names import NamesInText, fold
from kinject.types import Answer, Document, Evidence, System, Turn


@dataclass(frozen=True)
class Config:
    documents: int = 3  # an entity's own page, and room for what other pages say of it in passing
    max_new_tokens: int = ANSWER_TOKENS  # of an answer, with what was asked before it

    def __post_init__(self) -> None:
        if min(self.documents, self.max_new_tokens) < 1:
            raise ValueError("documents and max_new_tokens must be at least 1")


@dataclass(frozen=True)
class Oracle:
    pages: "Pages"
    model: LM
    config: Config

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        started = time.perf_counter()
        said = [*(turn.text for turn in history if turn.role == "user"), question]
        shown = self.pages.about(said)[: self.config.documents]
        while True:
            prompt = reading(question, _passages(shown), history) if shown else dialogue(question, history)
            try:
                completion = self._complete(prompt)
            except PromptTooLongError:
                if not shown:
                    raise
                shown = _shorter(shown)
            else:
                evidence = tuple(Evidence(f"document {page.id}", page.text) for page in shown)
                return answer(completion.text, [completion], time.perf_counter() - started, evidence)

    def _complete(self, prompt: tuple[Message, ...]) -> Completion:
        return self.model.complete(Chat(prompt, (), self.config.max_new_tokens))


class Pages:
    """Which documents state facts about an entity, looked up by the names in a text."""

    def __init__(self, corpus: Corpus) -> None:
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        kinds = {relation.name: relation.kind for relation in corpus.relations}
        for fact in corpus.facts:
            counts[fold(fact.subject)][fact.document_id] += 1
            if kinds[fact.relation] == "entity":
                counts[fold(fact.object)][fact.document_id] += 1
        self._documents = {document.id: document for document in corpus.documents}
        self._of = {name: self._own_first(name, found) for name, found in counts.items() if name}
        self._names = NamesInText(self._of)

    def about(self, texts: Sequence[str]) -> list[Document]:
        """Own pages of the entities that the texts name, in that order, then the other pages that state their facts."""
        pages = [self._of[name] for text in texts for name in self._names(text)]
        ids = [page[0] for page in pages] + [id for page in pages for id in page[1:]]
        return [self._documents[id] for id in dict.fromkeys(ids)]

    def _own_first(self, name: str, found: Counter[str]) -> list[str]:
        return sorted(found, key=lambda id: (fold(self._documents[id].title) != name, -found[id]))


def build(corpus: Corpus, store: Path, model: LM, config: Config, progress: Progress = silent) -> System:
    """Indexes the documents by entity; the store is not used."""
    return Oracle(Pages(corpus), model, config)


def _passages(pages: list[Document]) -> list[str]:
    return [f"{page.title}: {page.text}" if page.title else page.text for page in pages]


def _shorter(pages: list[Document]) -> list[Document]:
    """Without the last page, or with the first half of the only one."""
    if len(pages) > 1:
        return pages[:-1]
    half = pages[0].text[: len(pages[0].text) // 2]
    return [replace(pages[0], text=half)] if half else []
