"""Mixed-precision optimisation for training on CPUs with bf16 units and on GPUs alike.

The model's own weights are bf16 where there are units for it, so that every matrix product runs on these; float32
master copies take the updates, which bf16's eight bits would round away. It does not decide learning rates over time:
`step` takes a factor.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel


class MasterWeights:
    """AdamW over float32 masters of a model: matrices at one rate and with decay, all else at another without.

    Muon was measured beside it and learnt slower from small batches: it makes every direction of an update equally
    large, also those that are noise. Gradients are clipped to norm 1.
    """

    def __init__(self, model: nn.Module, matrix_lr: float, other_lr: float, weight_decay: float = 0.0) -> None:
        self._weights: list[torch.Tensor] = [p for p in model.parameters() if p.requires_grad]
        self._masters: list[torch.Tensor] = [nn.Parameter(p.detach().float().clone()) for p in self._weights]
        embeddings = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
        pairs = list(zip(self._weights, self._masters, strict=True))
        matrices = [m for p, m in pairs if p.ndim == 2 and id(p) not in embeddings]
        others = [m for p, m in pairs if p.ndim != 2 or id(p) in embeddings]
        groups = [
            {"params": matrices, "lr": matrix_lr, "weight_decay": weight_decay},
            {"params": others, "lr": other_lr, "weight_decay": 0.0},
        ]
        self._optimizer = torch.optim.AdamW([g for g in groups if g["params"]], betas=(0.9, 0.98), fused=True)
        self._base = [g["lr"] for g in self._optimizer.param_groups]

    def step(self, factor: float = 1.0, average: Callable[[Sequence[torch.Tensor]], None] | None = None) -> None:
        """Apply the gradients of the model's weights at `factor` times the learning rates.

        `average` replaces them, in place, by their means over several processes.
        """
        found = [weight.grad for weight in self._weights if weight.grad is not None]
        gradients = [torch.empty_like(gradient, dtype=torch.float32) for gradient in found]
        torch._foreach_copy_(gradients, found)
        apart = iter(gradients)
        for weight, master in zip(self._weights, self._masters, strict=True):
            master.grad = None if weight.grad is None else next(apart)
            weight.grad = None
        if average:
            average(gradients)
        torch.nn.utils.clip_grad_norm_(self._masters, 1.0)
        for group, rate in zip(self._optimizer.param_groups, self._base, strict=True):
            group["lr"] = rate * factor
        self._optimizer.step()
        with torch.no_grad():
            torch._foreach_copy_(self._weights, self._masters)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Everything that a resume needs, as flat named tensors for safetensors."""
        found = {f"master.{i}": m.detach() for i, m in enumerate(self._masters)}
        for i, state in self._optimizer.state_dict()["state"].items():
            found |= {f"state.{i}.{key}": torch.as_tensor(value).clone() for key, value in state.items()}
        return found

    def load(self, tensors: dict[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for i, (weight, master) in enumerate(zip(self._weights, self._masters, strict=True)):
                master.copy_(tensors[f"master.{i}"])
                weight.copy_(master)
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in tensors.items():
            kind, number, *key = name.split(".")
            if kind == "state":
                state.setdefault(int(number), {})[key[0]] = tensor.clone()
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": state})


@contextmanager
def any_shape(model: nn.Module) -> Iterator[None]:
    """Steps over batches of ever new shapes, which on an accelerator are many small operations.

    cuDNN plans anew for each shape, which takes longer than a step of a small model; and norms are one operation each
    rather than six.
    """
    norms = [part for part in model.modules() if type(part).__name__.endswith("RMSNorm")]
    for norm in norms:
        norm.forward = partial(_rms_norm, norm)
    try:
        with torch.backends.cudnn.flags(enabled=False), sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]):
            yield
    finally:
        for norm in norms:
            del norm.forward


def _rms_norm(norm: Any, states: torch.Tensor) -> torch.Tensor:
    weight: torch.Tensor = norm.weight
    return F.rms_norm(states, weight.shape, weight, norm.variance_epsilon)


def linear(step: int, total: int, warmup: int, floor: float = 0.0) -> float:
    """Learning-rate factor: linear warm-up to 1, then linear decay to `floor` at the end.

    A rate that stays high hides what has been learnt under its own noise; falling all the way needs no second choice.
    """
    if step < warmup:
        return (step + 1) / warmup
    return floor + (1 - floor) * max(0.0, (total - step) / max(1, total - warmup))
