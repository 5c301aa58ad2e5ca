"""From a corpus and a model to trained weights in a folder: what is set up around the loop, and what is written after.

It also says what trained weights are made from, by which they are found again.
"""

import hashlib
import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel

from kinject.corpus import Corpus
from kinject.lm import open_model
from kinject.lm.base import LM
from kinject.lm.loading import Loaded, load
from kinject.lm.local import LocalLM
from kinject.lm.workers import Worker, whose
from kinject.progress import Progress, Step, silent
from kinject.store import crash_point, new_artifact, write_sealed
from kinject.systems import closed_book
from kinject.systems._quiet import no_bars
from kinject.systems.sft import methods, mix, packing, replay
from kinject.systems.sft.batches import Batch, batched, padding
from kinject.systems.sft.checkpoints import Epoch
from kinject.systems.sft.config import Config
from kinject.systems.sft.loop import Plan, train
from kinject.systems.sft.mix import Beside
from kinject.systems.sft.quiz import Split, answers, quiz, right, split
from kinject.systems.sft.rephrase import rephrased
from kinject.systems.sft.trained import Trained, tokens

CURVE, MODEL, REPLAY = "curve.json", "model", "replay"
_SCHEMA = 5


def fingerprint(corpus: Corpus, store: Path, model: LM, config: Config) -> str:
    """Of the weights that a training from the untouched model ends with."""
    options = config.made_from(replay.digest(Path(config.replay), store / REPLAY) if config.replay else "")
    made_from = [_SCHEMA, corpus.fingerprint(), model.info.fingerprint, options]
    return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:16]


def learn(corpus: Corpus, store: Path, model: LocalLM, config: Config, progress: Progress) -> None:
    """Train, or go on with the training that `store` holds; `store/model` is the result, and `store/curve.json`."""
    worker, made_from = whose(), fingerprint(corpus, store, model, config)
    loaded = opened(model.info.name, model, config, worker)
    adapter = methods.prepare(loaded, config)
    probes = quiz(corpus)
    apart = split(corpus, config.seed) if config.patience else Split(corpus, ())
    beside = _beside(apart.training, store, model, config, progress) if worker.leads else None
    worker.gather(None)  # what is written beside is written once
    beside = beside or _beside(apart.training, store, model, config, silent)

    def show(epochs: tuple[Epoch, ...]) -> None:
        store.mkdir(parents=True, exist_ok=True)
        write_sealed(store / CURVE, {"schema": 2, "epochs": [asdict(epoch) for epoch in epochs]})
        exact = right(epochs[-1].answers, probes)
        note = f"{exact} of {len(probes)} held-out questions answered"
        progress(Step("sft", epochs[-1].epoch, config.epochs, note))

    def dev() -> float:
        return right(answers(loaded, apart.dev, config.max_new_tokens), apart.dev) / len(apart.dev)

    rate = methods.learning_rate(model.info.parameters, config)
    plan = Plan(
        fingerprint=made_from,
        epochs=config.epochs,
        matrix_lr=rate,
        other_lr=rate / 2,
        weight_decay=config.weight_decay,
        seed=config.seed,
        data=lambda rng: batches(apart.training, loaded, config, rng, beside),
        quiz=lambda: answers(loaded, probes, config.max_new_tokens),
        show=show,
        dev=dev if config.patience else None,
        patience=config.patience,
        accumulate=config.accumulate,
        checkpoint_s=config.checkpoint_s,
        compile=config.compile,
        worker=worker,
    )
    train(loaded.model, plan, store / "checkpoints", progress)
    crash_point("sft.trained")
    if worker.leads:
        write(loaded, adapter, store / MODEL, made_from)
    worker.gather(None)  # nobody opens what is not written


def opened(name: str, model: LocalLM, config: Config, worker: Worker) -> Loaded:
    """A copy in memory, to be trained as the options say."""
    loaded = load(name, str(model.model.device) if worker.size == 1 else worker.device())
    if config.dtype != "auto":
        for weight in loaded.model.parameters():
            # Weights alone: frequencies of rotary embeddings must not be rounded.
            weight.data = weight.data.to(getattr(torch, config.dtype))
    if config.gradient_checkpointing:
        network: Any = loaded.model
        # The name before transformers 5.23 is deprecated since.
        enable = getattr(network, "activation_checkpointing_enable", None) or network.gradient_checkpointing_enable
        enable({"use_reentrant": False})
    if config.packing:
        packing.check(loaded.model)
    return loaded


def batches(corpus: Corpus, loaded: Loaded, config: Config, rng: random.Random, beside: Beside) -> list[Batch]:
    """One epoch."""
    rows = mix.rows(corpus, config, loaded.tokenizer, rng, beside)
    fill = padding(loaded.tokenizer)
    if config.packing:
        return packing.packed(rows, config.batch_tokens, fill, packing.gap_of(loaded.model), rng)
    return batched(rows, config.batch_tokens, fill, rng)


def write(loaded: Loaded, adapter: PeftModel | None, path: Path, made_from: str) -> None:
    with new_artifact(path, made_from) as folder, no_bars():
        if adapter is None:
            loaded.model.save_pretrained(folder)
            loaded.tokenizer.save_pretrained(folder)
        else:
            adapter.save_pretrained(str(folder), save_embedding_layers=False)


def answering(folder: Path, model: LocalLM, config: Config) -> Trained:
    """The system on the weights of a folder; an adapter shares the base that is in memory."""
    trained = model.with_adapter(folder) if config.method == "lora" else LocalLM.start(load(str(folder)))
    own = closed_book.Config(tokens(config.max_new_tokens, config.traces))
    return Trained(trained, own, methods.trained_parameters(trained.model, folder, config), config.traces)


def longest(model: LocalLM) -> int:
    """Tokens in a row."""
    return min(mix.LONGEST, model.info.context_window)


def _beside(corpus: Corpus, store: Path, model: LocalLM, config: Config, progress: Progress) -> Beside:
    said, rows = {}, []
    if config.rephraser:
        rephraser = open_model(config.rephraser)
        said = dict(rephrased(corpus, rephraser, store / "rephrased", progress))
        rephraser.close()
    if config.replay:
        rows = replay.rows(Path(config.replay), model, store / REPLAY, longest(model))
    return Beside(longest(model), said, rows)
