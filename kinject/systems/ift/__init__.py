"""Instruction tuned: the training of sft on tasks that state no fact of the corpus, then asked with nothing in context.

Such a tuning changes how the model answers and reads, so what it recalls beyond the untouched model was activated, not
injected. By default the tasks are made in the corpus's phrasings about entities that do not exist.
"""

import hashlib
import json
import math
import random
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from kinject.corpus import Corpus
from kinject.errors import CorpusError
from kinject.instructions import alpaca
from kinject.instructions.alpaca import Task
from kinject.instructions.stated import facts_stated
from kinject.lm import open_model
from kinject.lm.base import LM
from kinject.lm.encoding import ChatEncoder
from kinject.lm.loading import Loaded, load
from kinject.lm.prompts import ANSWER_TOKENS, dialogue, reading
from kinject.progress import Progress, silent
from kinject.store import artifact_is
from kinject.systems import closed_book
from kinject.systems.ift import invented
from kinject.systems.sft import methods
from kinject.systems.sft.batches import Batch, batched, encode, padding
from kinject.systems.sft.loop import Plan, train
from kinject.systems.sft.text import Example
from kinject.systems.sft.training import write
from kinject.types import System

NEEDS_WEIGHTS = True  # a study of a remote model leaves it out
_SCHEMA = 1
_LONGEST = 1024  # tokens of a row: an instruction comes with a text
_SMALL = 50_000_000


@dataclass(frozen=True)
class Config:
    tasks: str = ""  # a file in the Alpaca format; "" makes tasks about entities that do not exist
    facts: Literal["refuse", "allow"] = "refuse"  # a file that states facts of the corpus, and so injects them
    made: int = 200  # tasks an epoch that are made where there is no file; each epoch draws new ones
    missing_share: float = 0.25  # of the made tasks whose pages lack the answer: "I don't know."
    epochs: int = 2  # over a file; how to answer is learnt soon
    learning_rate: float = 0.0  # of matrices; 0: 5e-4 below 50 M parameters, 1e-5 above
    weight_decay: float = 0.1  # of matrices
    batch_tokens: int = 2048  # padded tokens a step
    max_new_tokens: int = ANSWER_TOKENS  # of an answer, with what was asked before it
    seed: int = 0  # of the made tasks and of the order

    def __post_init__(self) -> None:
        if min(self.made, self.epochs, self.batch_tokens, self.max_new_tokens) < 1:
            raise ValueError("made, epochs, batch_tokens and max_new_tokens must be at least 1")
        if not 0 <= self.missing_share < 1:
            raise ValueError(f"missing_share must be at least 0 and below 1, found {self.missing_share}")
        for name in ("learning_rate", "weight_decay"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ValueError(f"{name} must be 0 or more, found {getattr(self, name)}")


def build(corpus: Corpus, store: Path, model: LM, config: Config, progress: Progress = silent) -> System:
    """Train, or go on with the training that `store` holds; `store/model` is the result.

    Raises ModelError for a model whose weights are not on this machine, and CorpusError for tasks that state facts of
    the corpus.
    """
    local = methods.trainable(model, "ift")
    tasks = _given(corpus, config)
    fingerprint = _fingerprint(corpus, model, config, tasks)
    folder = store / "model"
    if not artifact_is(folder, fingerprint):
        loaded = load(local.info.name, str(local.model.device))
        longest = min(_LONGEST, model.info.context_window)
        plan = _plan(_Course(corpus, tasks, config, loaded, longest), fingerprint, model.info.parameters)
        train(loaded.model, plan, store / "checkpoints", lambda step: progress(replace(step, stage="ift")))
        write(loaded, None, folder, fingerprint)
    return closed_book.ClosedBook(open_model(str(folder)), closed_book.Config(config.max_new_tokens))


def example(task: Task) -> Example:
    """A task as it is trained on: its input stands where a system that reads has its passages, one a paragraph."""
    passages = [passage for passage in task.input.split("\n\n") if passage.strip()]
    messages = reading(task.instruction, passages) if passages else dialogue(task.instruction)
    return Example(task.output, messages[-1].content)


@dataclass(frozen=True)
class _Course:
    """What is trained on; `tasks` None: made anew each epoch."""

    corpus: Corpus
    tasks: tuple[Task, ...] | None
    config: Config
    loaded: Loaded
    longest: int  # tokens of a row

    def epoch(self, rng: random.Random) -> list[Batch]:
        config, tokenizer = self.config, self.loaded.tokenizer
        tasks = self.tasks or invented.tasks(self.corpus, config.made, config.missing_share, rng)
        encoder = ChatEncoder(tokenizer, tokenizer.name_or_path)
        rows = list(encode([(example(task),) for task in tasks], encoder, tokenizer, self.longest))
        if not rows:
            raise CorpusError(f"none of the {len(tasks)} tasks fits into {self.longest} tokens; give shorter ones")
        return batched(rows, config.batch_tokens, padding(tokenizer), rng)


def _plan(course: _Course, fingerprint: str, parameters: int) -> Plan:
    config = course.config
    rate = config.learning_rate or (5e-4 if parameters < _SMALL else 1e-5)
    return Plan(
        fingerprint=fingerprint,
        epochs=config.epochs,
        matrix_lr=rate,
        other_lr=rate / 2,
        weight_decay=config.weight_decay,
        seed=config.seed,
        data=course.epoch,
        quiz=tuple,  # there is no curve: what this training is for shows with a text in context
        show=lambda epochs: None,
    )


def _given(corpus: Corpus, config: Config) -> tuple[Task, ...] | None:
    """The tasks of the file, None where there is none. Raises CorpusError for tasks that would inject the corpus."""
    if not config.tasks:
        return None
    tasks = alpaca.read(Path(config.tasks))
    stated = facts_stated(corpus, tasks) if config.facts == "refuse" else ()
    if stated:
        first = stated[0]
        raise CorpusError(
            f"{config.tasks} states facts of corpus {corpus.name!r} ({len(stated)}, such as {first.subject}, "
            f"{first.relation}: {first.object}); make it without documents (kinject instruct --set documents=0), "
            "or inject them with ift.facts=allow"
        )
    return tasks


def _fingerprint(corpus: Corpus, model: LM, config: Config, tasks: tuple[Task, ...] | None) -> str:
    options = {
        name: value for name, value in asdict(config).items() if name not in ("max_new_tokens", "tasks", "facts")
    }
    given = [asdict(task) for task in tasks or ()]
    made_from = json.dumps([_SCHEMA, corpus.fingerprint(), model.info.fingerprint, options, given], sort_keys=True)
    return hashlib.sha256(made_from.encode()).hexdigest()[:16]
