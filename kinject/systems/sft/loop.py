"""The training loop: bf16 compute over float32 masters, checkpoints, and exact resume after a kill at any moment.

The data of an epoch depends on the seed and the epoch's number only. So a killed run, which goes on from the last whole
checkpoint, ends with the weights of one that was not killed. Several processes share the batches of each step and end
with the weights of one, up to rounding. What is trained on is decided elsewhere.
"""

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from kinject.errors import ModelError
from kinject.lm.compute import computes
from kinject.lm.optim import MasterWeights, linear
from kinject.lm.workers import Worker
from kinject.progress import Progress, Step
from kinject.systems.sft import packing
from kinject.systems.sft.batches import Batch
from kinject.systems.sft.checkpoints import Checkpoints, Epoch, Position, best

# A PreTrainedModel, of which transformers leaves half the methods untyped.
Network = Any

# Where a configuration sets one of these, logits are more than the output embedding of the last hidden state.
_SCALED_LOGITS = ("final_logit_softcapping", "logit_scale", "logits_scaling")
# Resolution of the learning-rate schedule, which runs over epochs: their number of batches is not known beforehand.
_TICKS = 10_000


@dataclass(frozen=True)
class Plan:
    """What the loop needs to know; `data` gives an epoch's batches and `quiz` the answers of the model as it is.

    `show` is called with the curve so far, after each epoch and once at the start. With `patience`, `dev` gives the
    recall by which training ends and the best epoch is chosen. A step has `accumulate` batches, shared by the workers.
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
    dev: Callable[[], float] | None = None
    patience: int = 0
    accumulate: int = 1
    checkpoint_s: float = 0.0
    compile: bool = False
    worker: Worker = field(default_factory=Worker)


def train(model: Network, plan: Plan, folder: Path, progress: Progress) -> tuple[Epoch, ...]:
    """Train the model's weights in place; checkpoints go to `folder`. Returns the curve, the untrained model first.

    Raises ModelError if the loss is no longer a number; the checkpoints before that remain.
    """
    if plan.accumulate % plan.worker.size:
        raise ModelError(
            f"{plan.worker.size} processes cannot share the {plan.accumulate} batches of a step; "
            f"set accumulate to a multiple of {plan.worker.size}"
        )
    optimizer = computes(MasterWeights)(model, plan.matrix_lr, plan.other_lr, plan.weight_decay)
    kept = Checkpoints(folder, plan.fingerprint)
    position = kept.resume(optimizer)
    plan.worker.gather(None)  # nobody writes before all have read
    if not position.curve:
        model.eval()
        position = Position((Epoch(0, 0, 0, None, 0.0, *_told(plan)),))
    run = _Run(model, optimizer, plan, kept, progress)
    run.show(position.curve)
    while position.curve[-1].epoch < plan.epochs and not _has_settled(position.curve, plan.patience):
        position = Position((*position.curve, run.epoch(position)))
        if plan.worker.leads:
            kept.save(optimizer, position)
        run.show(position.curve)
    plan.worker.gather(None)  # nobody reads the best epoch before it is written
    if plan.patience and best(position.curve) != position.curve[-1]:
        kept.restore(best(position.curve), optimizer)
    model.eval()
    return position.curve


class _Run:
    """What stays the same over the epochs of one training."""

    def __init__(
        self, model: Network, optimizer: MasterWeights, plan: Plan, kept: Checkpoints, progress: Progress
    ) -> None:
        self.model, self.optimizer, self.plan, self.kept, self.progress = model, optimizer, plan, kept, progress
        self.forward = torch.compile(model.base_model, dynamic=True) if plan.compile else model.base_model

    def show(self, curve: tuple[Epoch, ...]) -> None:
        if self.plan.worker.leads:
            self.plan.show(curve)

    def epoch(self, position: Position) -> Epoch:
        """Train to the end of the epoch that `position` is in."""
        plan, last = self.plan, position.curve[-1]
        started, number = time.perf_counter() - position.seconds, last.epoch + 1
        batches = plan.data(random.Random(f"{plan.seed}/{number}"))
        steps = [batches[i : i + plan.accumulate] for i in range(0, len(batches), plan.accumulate)]
        total, saved = position.loss, time.monotonic()
        self.model.train()
        with torch.random.fork_rng():
            for n in range(position.steps, len(steps)):
                total += self._step(steps[n], (number - 1 + n / len(steps)) / plan.epochs, last, n)
                at = (number - 1) * len(steps) + n + 1
                self.progress(Step("sft", at, plan.epochs * len(steps), f"epoch {number}"))
                if plan.worker.leads and 0 < plan.checkpoint_s < time.monotonic() - saved:
                    here = Position(position.curve, n + 1, total, time.perf_counter() - started)
                    self.kept.save(self.optimizer, here)
                    saved = time.monotonic()
        seconds = last.seconds + time.perf_counter() - started
        self.model.eval()
        tokens = last.tokens + sum(batch.tokens for batch in batches)
        return Epoch(number, last.step + len(steps), tokens, total / len(steps), seconds, *_told(plan))

    def _step(self, batches: Sequence[Batch], done: float, last: Epoch, n: int) -> float:
        plan = self.plan
        # Dropout, where a model has it, draws from torch's own generator.
        torch.manual_seed(hash((plan.seed, last.epoch + 1, n)) % 2**63)
        value = self._learn(batches, done)
        if not math.isfinite(value):
            raise ModelError(
                f"the loss is {value} in epoch {last.epoch + 1}, step {last.step + n + 1}; "
                f"lower learning_rate ({plan.matrix_lr:g}) and run again: {last.epoch} epochs are kept"
            )
        return value

    @computes
    def _learn(self, batches: Sequence[Batch], done: float) -> float:
        """One step on the mean loss of all the predicted tokens of its batches, of which each worker has some."""
        worker, predicted = self.plan.worker, sum(len(batch.targets) for batch in batches)
        value = 0.0
        # A worker that is left without a batch takes part with gradients of nothing.
        for batch in batches[worker.rank :: worker.size] or batches[:1]:
            share = len(batch.targets) / predicted if len(batches) > worker.rank else 0.0
            loss = F.cross_entropy(self._logits(batch).float(), batch.targets.to(self.model.device))
            (loss * (share * worker.size)).backward()  # type: ignore[no-untyped-call]
            value += float(loss.detach()) * share
        rate = linear(int(done * _TICKS), _TICKS, warmup=_TICKS // 100)
        self.optimizer.step(rate, average=worker.average if worker.size > 1 else None)
        return sum(worker.gather(value))

    def _logits(self, batch: Batch) -> torch.Tensor:
        """Of the learnt positions only: over a whole batch they would cost more than the rest of a small model.

        Rows are padded on the right and models are causal, so that no mask is needed where none is packed.
        """
        ids, positions = batch.ids.to(self.model.device), batch.positions.to(self.model.device)
        apart = packing.inputs(self.model, batch)
        config = self.model.config.get_text_config()
        if any(getattr(config, name, None) for name in _SCALED_LOGITS):
            logits: torch.Tensor = self.model(input_ids=ids, use_cache=False, **apart).logits
            return logits.flatten(0, 1)[positions]
        hidden = self.forward(input_ids=ids, use_cache=False, **apart).last_hidden_state.flatten(0, 1)[positions]
        head: torch.Tensor = self.model.get_output_embeddings()(hidden)
        return head


def _told(plan: Plan) -> tuple[tuple[str, ...], float | None]:
    """The leading worker's answers to the quiz, and the recall that decides; the others wait for it."""
    found = (plan.quiz(), plan.dev() if plan.dev else None) if plan.worker.leads else ((), None)
    return plan.worker.gather(found)[0]


def _has_settled(curve: Sequence[Epoch], patience: int) -> bool:
    return bool(patience) and curve[-1].epoch - best(curve).epoch >= patience
