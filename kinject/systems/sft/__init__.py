"""The facts are trained into the weights: multi-epoch supervised fine-tuning, of all weights or of a LoRA adapter.

Trains on documents, on training questions with their answers and on facts in the words of an answer, with nothing in
context. Test questions are asked after each epoch for the curve, and decide nothing: there is no early stop and no
choice among checkpoints.
"""

import hashlib
import json
import math
import random
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch
from peft import LoraConfig, PeftModel, get_peft_model

from kinject.corpus import Corpus, questions
from kinject.errors import ModelError
from kinject.lm import open_model
from kinject.lm.base import LM
from kinject.lm.encoding import ChatEncoder
from kinject.lm.loading import Loaded, load
from kinject.lm.local import LocalLM
from kinject.lm.lockstep import in_step
from kinject.lm.prompts import ANSWER_TOKENS, value_of
from kinject.progress import Progress, Step, silent
from kinject.store import artifact_is, new_artifact, write_whole
from kinject.systems import closed_book
from kinject.systems._names import fold
from kinject.systems._quiet import no_bars
from kinject.systems.sft import text
from kinject.systems.sft.batches import Batch, Row, Tokenizer, batched, encode, frame
from kinject.systems.sft.loop import Epoch, Plan, train
from kinject.systems.sft.text import Example
from kinject.types import Probe, System

NEEDS_WEIGHTS = True  # a study of a remote model leaves it out
_SCHEMA = 5
_QUIZ = 60
_SMALL = 50_000_000
_LONGEST = 512
_CURVE = "curve.json"


@dataclass(frozen=True)
class Config:
    method: Literal["full", "lora"] = "full"  # full learns more, lora forgets less (arXiv:2405.09673)
    data: Literal["mixed", "documents", "qa"] = "mixed"  # documents or questions alone inject little
    epochs: int = 8  # the loss still falls here; more of them do not fit into a quick study on two cores
    paraphrases: int = 1  # renderings of an entity and phrasings of a question an epoch; each epoch draws new ones
    questions: int = 6  # in one dialogue, about as many subjects; they share a system message
    asked_share: float = 0.34  # of the questions that an epoch asks
    word_dropout: float = 0.35  # chance of a question's word to be left out; without, new phrasings are misread
    answers: int = 3  # times that an epoch holds every fact in the words of its answer, without a question
    idk_share: float = 0.08  # questions about unknown names among the questions; more costs recall
    text_share: float = 0.25  # of the pages and of the entities' restated facts that an epoch holds
    learning_rate: float = 0.0  # of matrices; 0: 2e-3 below 50 M parameters, 2e-5 above, for lora ten times that
    weight_decay: float = 0.1  # of matrices
    lora_rank: int = 32  # of the adapter, for method=lora
    batch_tokens: int = 1024  # padded tokens a step: fewer steps learn less, more of them cost time
    max_new_tokens: int = ANSWER_TOKENS  # of an answer, with what was asked before it
    seed: int = 0  # of the order, the phrasings and the adapter's first values

    def __post_init__(self) -> None:
        if (
            min(self.epochs, self.paraphrases, self.questions, self.lora_rank, self.batch_tokens, self.max_new_tokens)
            < 1
        ):
            raise ValueError(
                "epochs, paraphrases, questions, lora_rank, batch_tokens and max_new_tokens must be at least 1"
            )
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise ValueError(f"weight_decay must be 0 or more, found {self.weight_decay}")
        if self.answers < 0:
            raise ValueError(f"answers must be 0 or more, found {self.answers}")
        for name in ("text_share", "asked_share"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} must be above 0 and at most 1, found {getattr(self, name)}")
        for name in ("idk_share", "word_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 0 and below 1, found {getattr(self, name)}")
        if not (math.isfinite(self.learning_rate) and self.learning_rate >= 0):
            raise ValueError(f"learning_rate must be 0 or more, found {self.learning_rate}")


def build(corpus: Corpus, store: Path, model: LM, config: Config, progress: Progress = silent) -> System:
    """Train, or go on with the training that `store` holds; `store/model` is the result.

    Raises ModelError for a model whose weights are not on this machine.
    """
    if not isinstance(model, LocalLM):
        raise ModelError(f"sft trains weights on this machine; {model.info.name} has none here: use a local model")
    fingerprint = _fingerprint(corpus, model, config)
    folder = store / "model"
    if not artifact_is(folder, fingerprint):
        _train(corpus, store, model, config, progress)
    trained = model.with_adapter(folder) if config.method == "lora" else open_model(str(folder))
    return closed_book.ClosedBook(trained, closed_book.Config(config.max_new_tokens))


def quiz(corpus: Corpus) -> tuple[Probe, ...]:
    """The held-out questions that are asked after every epoch: up to 60 facts of one value, in unseen phrasings."""
    rng = random.Random(0)
    facts = corpus.current().facts
    values = Counter((fact.subject, fact.relation) for fact in facts)
    single = [fact for fact in facts if values[fact.subject, fact.relation] == 1]
    return tuple(
        Probe(
            id=f"curve/{fact.id}",
            kind="recall",
            question=rng.choice(questions(corpus.relation(fact.relation), "test")).format(subject=fact.subject),
            gold=(fact.object, *fact.aliases),
            facts=(fact.id,),
            relation=fact.relation,
            subject=fact.subject,
        )
        for fact in rng.sample(single, min(_QUIZ, len(single)))
    )


def curve(store: Path) -> tuple[Epoch, ...]:
    """The epochs that are finished, the untrained model first; answers are in the order of `quiz`."""
    path = store / _CURVE
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return tuple(Epoch(**{**row, "answers": tuple(row["answers"])}) for row in rows)


def examples(corpus: Corpus, config: Config, rng: random.Random) -> list[Example]:
    """The training examples of one epoch."""
    found: list[Example] = []
    if config.data != "qa":
        pages = [*text.documents(corpus), *(e for _ in range(config.paraphrases) for e in text.statements(corpus, rng))]
        found += rng.sample(pages, math.ceil(len(pages) * config.text_share))
    if config.data != "documents":
        asked = list(text.asked(corpus, rng, config.paraphrases, config.word_dropout))
        asked = rng.sample(asked, math.ceil(len(asked) * config.asked_share))
        unknown = round(len(asked) * config.idk_share / (1 - config.idk_share))
        found += [*asked, *text.unknown(corpus, rng, unknown, config.word_dropout)]
        found += [answer for _ in range(config.answers) for answer in text.answers(corpus, rng)]
    return found


def rows(
    corpus: Corpus, config: Config, tokenizer: Tokenizer, rng: random.Random, longest: int = _LONGEST
) -> list[Row]:
    """One epoch as rows of at most `longest` tokens."""
    most = config.questions if frame(tokenizer).can_go_on else 1
    windows = list(text.windows(examples(corpus, config, rng), most, rng))
    return list(encode(windows, ChatEncoder(tokenizer, tokenizer.name_or_path), tokenizer, longest))


def _train(corpus: Corpus, store: Path, model: LocalLM, config: Config, progress: Progress) -> None:
    fingerprint = _fingerprint(corpus, model, config)
    loaded = load(model.info.name, str(model.model.device))
    adapter = _adapter(loaded, config) if config.method == "lora" else None
    probes = quiz(corpus)
    end, pad = loaded.tokenizer.eos_token_id, loaded.tokenizer.pad_token_id
    longest = min(_LONGEST, model.info.context_window)

    def data(rng: random.Random) -> list[Batch]:
        epoch = rows(corpus, config, loaded.tokenizer, rng, longest)
        return batched(epoch, config.batch_tokens, end if pad is None else pad, rng)

    def show(epochs: tuple[Epoch, ...]) -> None:
        store.mkdir(parents=True, exist_ok=True)
        write_whole(store / _CURVE, json.dumps([asdict(epoch) for epoch in epochs]))
        last = epochs[-1]
        pairs = zip(last.answers, probes, strict=True)
        exact = sum(fold(value_of(said)) in map(fold, probe.gold) for said, probe in pairs)
        progress(Step("sft", last.epoch, config.epochs, f"{exact} of {len(probes)} held-out questions answered"))

    rate = config.learning_rate or _rate(model.info.parameters, config.method)
    plan = Plan(
        fingerprint,
        config.epochs,
        rate,
        rate / 2,
        config.weight_decay,
        config.seed,
        data,
        lambda: _answers(loaded, probes, config),
        show,
    )
    train(loaded.model, plan, store / "checkpoints", progress)
    with new_artifact(store / "model", fingerprint) as folder, no_bars():
        if adapter is None:
            loaded.model.save_pretrained(folder)
            loaded.tokenizer.save_pretrained(folder)
        else:
            adapter.save_pretrained(str(folder))


def _answers(loaded: Loaded, probes: Sequence[Probe], config: Config) -> tuple[str, ...]:
    """By free generation, through the queue that answers everybody else; a new one, as it remembers its answers."""
    lm = LocalLM.start(loaded)
    system = closed_book.ClosedBook(lm, closed_book.Config(config.max_new_tokens))
    try:
        with ThreadPoolExecutor(_QUIZ) as pool:
            asked = in_step(pool, system.ask, [probe.question for probe in probes])
            return tuple(future.result().text for future in asked)
    finally:
        lm.close()


def _adapter(loaded: Loaded, config: Config) -> PeftModel:
    """Put LoRA matrices beside every linear layer of the loaded model, which alone are trained from here on."""
    lora = LoraConfig(r=config.lora_rank, lora_alpha=2 * config.lora_rank, target_modules="all-linear")
    with torch.random.fork_rng(), warnings.catch_warnings():
        torch.manual_seed(config.seed)
        # peft still asks for a property that transformers has renamed.
        warnings.simplefilter("ignore", FutureWarning)
        adapted = get_peft_model(loaded.model, lora, autocast_adapter_dtype=False)
    # Not where the base happened to lie on this machine.
    adapted.peft_config["default"].base_model_name_or_path = loaded.name
    return adapted


def _rate(parameters: int, method: str) -> float:
    return (2e-3 if parameters < _SMALL else 2e-5) * (10 if method == "lora" else 1)


def _fingerprint(corpus: Corpus, model: LM, config: Config) -> str:
    options = {name: value for name, value in asdict(config).items() if name != "max_new_tokens"}
    made_from = json.dumps([_SCHEMA, corpus.fingerprint(), model.info.fingerprint, options], sort_keys=True)
    return hashlib.sha256(made_from.encode()).hexdigest()[:16]
