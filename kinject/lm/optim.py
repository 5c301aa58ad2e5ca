"""Mixed-precision optimisation for training on CPUs with bf16 units and on GPUs alike.

The model's own weights are bf16, so that every matrix product runs on the fast units; float32 master copies take the
updates, which bf16's eight bits would round away. It does not decide learning rates over time: `step` takes a factor.
"""

from collections.abc import Callable, Sequence

import torch
from torch import nn


class MasterWeights:
    """Float32 masters of a bf16 model: matrices by AdamW or Muon with decay, all else by AdamW at a rate of its own.

    Muon (Jordan et al., 2024) makes every direction of an update equally large: good where a few batches say the same
    again and again, as in fine-tuning, and bad where each small batch is new, since most directions are noise there.
    `match_rms_adamw` scales it to AdamW's updates (Liu et al., arXiv:2502.16982). Gradients are clipped to norm 1.
    """

    def __init__(
        self, model: nn.Module, matrix_lr: float, other_lr: float, weight_decay: float = 0.0, muon: bool = False
    ) -> None:
        self._weights = [p for p in model.parameters() if p.requires_grad]
        self._masters = [nn.Parameter(p.detach().float().clone()) for p in self._weights]
        embeddings = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
        pairs = list(zip(self._weights, self._masters, strict=True))
        matrices = [m for p, m in pairs if p.ndim == 2 and id(p) not in embeddings]
        others = [m for p, m in pairs if p.ndim != 2 or id(p) in embeddings]
        self._optimizers: list[torch.optim.Optimizer] = []
        if matrices and muon:
            scaled = torch.optim.Muon(matrices, matrix_lr, weight_decay, adjust_lr_fn="match_rms_adamw")
            self._optimizers.append(scaled)
        elif matrices:
            self._optimizers.append(_adamw(matrices, matrix_lr, weight_decay))
        if others:
            self._optimizers.append(_adamw(others, other_lr, 0.0))
        self._base = [[g["lr"] for g in o.param_groups] for o in self._optimizers]

    def step(self, factor: float = 1.0, average: Callable[[Sequence[torch.Tensor]], None] | None = None) -> float:
        """Apply the gradients of the model's weights at `factor` times the learning rates; returns their norm.

        `average` replaces them, in place, by their means over several processes.
        """
        for weight, master in zip(self._weights, self._masters, strict=True):
            master.grad = None if weight.grad is None else weight.grad.float()
            weight.grad = None
        if average:
            average([master.grad for master in self._masters if master.grad is not None])
        norm = torch.nn.utils.clip_grad_norm_(self._masters, 1.0)
        for optimizer, rates in zip(self._optimizers, self._base, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            optimizer.step()
        with torch.no_grad():
            for weight, master in zip(self._weights, self._masters, strict=True):
                weight.copy_(master)
        return float(norm)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Everything that a resume needs, as flat named tensors for safetensors."""
        found = {f"master.{i}": m.detach() for i, m in enumerate(self._masters)}
        for n, optimizer in enumerate(self._optimizers):
            for i, state in optimizer.state_dict()["state"].items():
                found |= {f"state.{n}.{i}.{key}": torch.as_tensor(value).clone() for key, value in state.items()}
        return found

    def load(self, tensors: dict[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for i, (weight, master) in enumerate(zip(self._weights, self._masters, strict=True)):
                master.copy_(tensors[f"master.{i}"])
                weight.copy_(master)
        for n, optimizer in enumerate(self._optimizers):
            state: dict[int, dict[str, torch.Tensor]] = {}
            for name, tensor in tensors.items():
                kind, *rest = name.split(".")
                if kind == "state" and int(rest[0]) == n:
                    state.setdefault(int(rest[1]), {})[rest[2]] = tensor.clone()
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def _adamw(parameters: list[nn.Parameter], lr: float, weight_decay: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(parameters, lr, betas=(0.9, 0.98), weight_decay=weight_decay, fused=True)


def linear(step: int, total: int, warmup: int, floor: float = 0.0) -> float:
    """Learning-rate factor: linear warm-up to 1, then linear decay to `floor` at the end.

    A rate that stays high hides what has been learnt under its own noise; falling all the way needs no second choice.
    """
    if step < warmup:
        return (step + 1) / warmup
    return floor + (1 - floor) * max(0.0, (total - step) / max(1, total - warmup))
