"""Training speed of sft as a share of what this machine can multiply: both measured now, on the model's own shapes."""

import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import nn

from kinject.corpus import Corpus
from kinject.lm.local import LocalLM
from kinject.systems import sft

_REPEATS = 5


@dataclass(frozen=True)
class Training:
    """`tokens_per_s` counts tokens of text, not padding; `share` is useful FLOP/s over the matmul rate."""

    tokens: int
    learnt_share: float
    seconds: float
    tokens_per_s: float
    flop_per_token: float
    matmul_flop_per_s: float
    share: float
    epochs: int
    dtype: str


def measure(corpus: Corpus, model: LocalLM, config: sft.Config, epochs: int) -> Training:
    """Really train for `epochs` in a folder that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="kinject-speed-") as folder:
        store = Path(folder)
        sft.build(corpus, store, model, replace(config, epochs=epochs))
        last = sft.curve(store)[-1]
    learnt = learnt_share(corpus, model, config)
    flop = flop_per_token(model.model, learnt)
    rate = matmul_rate(model.model, config.batch_tokens)
    per_s = last.tokens / last.seconds
    dtype = str(model.model.dtype).removeprefix("torch.")
    return Training(last.tokens, learnt, last.seconds, per_s, flop, rate, per_s * flop / rate, epochs, dtype)


def flop_per_token(model: nn.Module, learnt: float) -> float:
    """6 FLOP a weight and token (forward, and twice that backward) of linear layers; the head for learnt tokens only.

    Attention scores and convolutions are left out, so a share of the matmul rate errs on the low side.
    """
    head = _head(model)
    body = sum(layer.weight.numel() for layer in _linear(model) if layer is not head)
    return 6 * (body + learnt * (head.weight.numel() if head is not None else 0))


def matmul_rate(model: nn.Module, rows: int) -> float:
    """FLOP/s of plain products of `rows` tokens with the model's linear layers, each shape as often as it occurs."""
    shapes = Counter(tuple(layer.weight.shape) for layer in _linear(model) if layer is not _head(model))
    flop = sum(2 * rows * wide * deep * times for (wide, deep), times in shapes.items())
    weight = next(model.parameters())
    inputs = {deep: torch.randn(rows, deep).to(weight) for _, deep in shapes}
    matrices = {shape: torch.randn(*shape).to(weight) for shape in shapes}

    def once() -> float:
        started = time.perf_counter()
        for (wide, deep), times in shapes.items():
            for _ in range(times):
                torch.mm(inputs[deep], matrices[wide, deep].T)
        _wait(weight.device)
        return time.perf_counter() - started

    once()
    return flop / median(once() for _ in range(_REPEATS))


def learnt_share(corpus: Corpus, model: LocalLM, config: sft.Config) -> float:
    """The share of an epoch's tokens that are predicted: all of a text, of a dialogue the answers."""
    rows = sft.rows(corpus, config, model.tokenizer, random.Random(0))
    return sum(sum(row.learnt) for row in rows) / sum(len(row.ids) for row in rows)


def _linear(model: nn.Module) -> list[nn.Linear]:
    return [layer for layer in model.modules() if isinstance(layer, nn.Linear)]


def _head(model: Any) -> Any:
    return model.get_output_embeddings()


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
