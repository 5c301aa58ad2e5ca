"""The untouched model with nothing in context: the floor that every injection is measured from."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kinject.corpus import Corpus
from kinject.lm.base import LM, Chat
from kinject.lm.prompts import ANSWER_TOKENS, dialogue
from kinject.progress import Progress, silent
from kinject.systems._answer import answer
from kinject.types import Answer, System, Turn


@dataclass(frozen=True)
class Config:
    max_new_tokens: int = ANSWER_TOKENS  # of an answer, with what was asked before it

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise ValueError(f"max_new_tokens must be at least 1, found {self.max_new_tokens}")


@dataclass(frozen=True)
class ClosedBook:
    """Any model on its own; sft answers through this too, on the weights that it trained."""

    model: LM
    config: Config

    @property
    def says_as_it_writes(self) -> bool:
        """Whether all that the model writes is the answer, as it is: then it can be heard before it is whole."""
        return True

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        started = time.perf_counter()
        completion = self.model.complete(Chat(dialogue(question, history), (), self.config.max_new_tokens))
        return answer(completion.text, [completion], time.perf_counter() - started)


def build(corpus: Corpus, store: Path, model: LM, config: Config, progress: Progress = silent) -> System:
    """Builds nothing: neither the corpus nor the store is used."""
    return ClosedBook(model, config)
