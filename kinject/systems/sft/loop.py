"""The training loop: bf16 compute over float32 masters, a checkpoint an epoch, resumed exactly after a kill.

The data of an epoch depends on the seed and the epoch's number only. So a killed run, which goes on from the last whole
checkpoint, ends with the weights of one that was not killed. What is trained on is decided elsewhere.
"""

import json
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from kinject.errors import ModelError, StoreError
from kinject.lm.compute import computes
from kinject.lm.optim import MasterWeights, linear
from kinject.progress import Progress, Step
from kinject.store import artifact_is, new_artifact, write_whole
from kinject.store.files import remove, temporary_for
from kinject.systems.sft.batches import Batch

# A PreTrainedModel, of which transformers leaves half the methods untyped.
Network = Any

KEPT = 2
_OPTIMIZER, _STATE = "optimizer.safetensors", "state.json"
# Where a configuration sets one of these, logits are more than the output embedding of the last hidden state.
_SCALED_LOGITS = ("final_logit_softcapping", "logit_scale", "logits_scaling")
# Resolution of the learning-rate schedule, which runs over epochs: their number of batches is not known beforehand.
_TICKS = 10_000


@dataclass(frozen=True, slots=True)
class Epoch:
    """One point of the curve: what the model had learnt after an epoch, and its answers to the quiz."""

    epoch: int
    step: int
    tokens: int
    loss: float | None  # None before any training
    seconds: float
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What the loop needs to know; `data` gives an epoch's batches and `quiz` the answers of the model as it is.

    `show` is called with the curve so far, after each epoch and once at the start.
    """

    fingerprint: str
    epochs: int
    matrix_lr: float
    other_lr: float
    weight_decay: float
    seed: int
    data: Callable[[random.Random], Sequence[Batch]]
    quiz: Callable[[], tuple[str, ...]]
    show: Callable[[tuple[Epoch, ...]], None]


def train(model: Network, plan: Plan, folder: Path, progress: Progress) -> tuple[Epoch, ...]:
    """Train the model's weights in place; checkpoints go to `folder`. Returns the curve, the untrained model first.

    Raises ModelError if the loss is no longer a number; the checkpoints before that remain.
    """
    optimizer = computes(MasterWeights)(model, plan.matrix_lr, plan.other_lr, plan.weight_decay)
    curve = _resume(folder, plan, optimizer)
    if not curve:
        model.eval()
        curve = [Epoch(0, 0, 0, None, 0.0, plan.quiz())]
    plan.show(tuple(curve))
    while curve[-1].epoch < plan.epochs:
        curve.append(_epoch(model, optimizer, plan, curve[-1], progress))
        _save(folder, plan, optimizer, curve)
        plan.show(tuple(curve))
    model.eval()
    return tuple(curve)


def _epoch(model: Network, optimizer: MasterWeights, plan: Plan, last: Epoch, progress: Progress) -> Epoch:
    started, number = time.perf_counter(), last.epoch + 1
    batches = plan.data(random.Random(f"{plan.seed}/{number}"))
    total = 0.0
    model.train()
    # Dropout, where a model has it, draws from torch's own generator.
    with torch.random.fork_rng():
        torch.manual_seed(plan.seed * 1_000_003 + number)
        for n, batch in enumerate(batches):
            value = _step(model, optimizer, batch, (number - 1 + n / len(batches)) / plan.epochs)
            if not math.isfinite(value):
                raise ModelError(
                    f"the loss is {value} in epoch {number}, step {last.step + n + 1}; "
                    f"lower learning_rate ({plan.matrix_lr:g}) and run again: {last.epoch} epochs are kept"
                )
            total += value
            progress(Step("sft", (number - 1) * len(batches) + n + 1, plan.epochs * len(batches), f"epoch {number}"))
    seconds = last.seconds + time.perf_counter() - started
    model.eval()
    tokens = last.tokens + sum(batch.tokens for batch in batches)
    return Epoch(number, last.step + len(batches), tokens, total / len(batches), seconds, plan.quiz())


@computes
def _step(model: Network, optimizer: MasterWeights, batch: Batch, done: float) -> float:
    targets = batch.targets.to(model.device)
    loss = F.cross_entropy(_logits(model, batch).float(), targets)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step(linear(int(done * _TICKS), _TICKS, warmup=_TICKS // 100))
    return float(loss.detach())


def _logits(model: Network, batch: Batch) -> torch.Tensor:
    """Of the learnt positions only: over a whole batch they would cost more than the rest of a small model.

    Rows are padded on the right and models are causal, so that no mask is needed.
    """
    ids, positions = batch.ids.to(model.device), batch.positions.to(model.device)
    config = model.config.get_text_config()
    if any(getattr(config, name, None) for name in _SCALED_LOGITS):
        logits: torch.Tensor = model(input_ids=ids, use_cache=False).logits.flatten(0, 1)[positions]
        return logits
    hidden = model.base_model(input_ids=ids, use_cache=False).last_hidden_state.flatten(0, 1)[positions]
    head: torch.Tensor = model.get_output_embeddings()(hidden)
    return head


@computes
def _save(folder: Path, plan: Plan, optimizer: MasterWeights, curve: Sequence[Epoch]) -> None:
    path = folder / f"epoch-{curve[-1].epoch:03d}"
    with new_artifact(path, plan.fingerprint) as unfinished:
        save_file(optimizer.tensors(), unfinished / _OPTIMIZER)
        write_whole(unfinished / _STATE, json.dumps([asdict(epoch) for epoch in curve]))
    kept = {f"epoch-{curve[-1].epoch - back:03d}" for back in range(KEPT)}
    for old in folder.glob("epoch-*"):
        if old.name not in kept:
            # Moved first: a kill half-way must not leave a checkpoint that looks damaged.
            remove(old.rename(temporary_for(path)))


@computes
def _resume(folder: Path, plan: Plan, optimizer: MasterWeights) -> list[Epoch]:
    """Load the newest whole checkpoint of this very run, if there is one."""
    for path in sorted(folder.glob("epoch-???"), reverse=True):
        if _is_whole(path, plan.fingerprint):
            optimizer.load(load_file(path / _OPTIMIZER))
            rows: list[dict[str, Any]] = json.loads((path / _STATE).read_text(encoding="utf-8"))
            return [Epoch(**{**row, "answers": tuple(row["answers"])}) for row in rows]
    return []


def _is_whole(path: Path, fingerprint: str) -> bool:
    try:
        return artifact_is(path, fingerprint)
    except StoreError:
        # The one before it is as good: training goes on from there.
        return False
