"""Mixed-precision optimisation for training on CPUs with bf16 units and on GPUs alike.

The model's own weights are bf16, so that every matrix product runs on the fast units; float32 master copies take the
updates, which bf16's eight bits would round away. It does not decide learning rates over time: `step` takes a factor.
"""

import torch
from torch import nn


class MasterWeights:
    """Muon for matrices, AdamW for embeddings, norms and convolutions, over float32 masters of a bf16 model.

    Muon (Jordan et al., 2024) orthogonalises the momentum of each matrix; `match_rms_adamw` scales it so that
    AdamW's learning rates carry over (Liu et al., arXiv:2502.16982). Gradients are clipped to norm 1.
    """

    def __init__(self, model: nn.Module, matrix_lr: float, other_lr: float, weight_decay: float = 0.0) -> None:
        self._weights = [p for p in model.parameters() if p.requires_grad]
        self._masters = [nn.Parameter(p.detach().float().clone()) for p in self._weights]
        embeddings = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
        pairs = list(zip(self._weights, self._masters, strict=True))
        matrices = [m for p, m in pairs if p.ndim == 2 and id(p) not in embeddings]
        others = [m for p, m in pairs if p.ndim != 2 or id(p) in embeddings]
        self._optimizers: list[torch.optim.Optimizer] = []
        if matrices:
            muon = torch.optim.Muon(matrices, lr=matrix_lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
            self._optimizers.append(muon)
        if others:
            self._optimizers.append(torch.optim.AdamW(others, lr=other_lr, betas=(0.9, 0.98), weight_decay=0.0))
        self._base = [[g["lr"] for g in o.param_groups] for o in self._optimizers]

    def step(self, factor: float = 1.0) -> float:
        """Apply the gradients of the model's weights at `factor` times the learning rates; returns their norm."""
        for weight, master in zip(self._weights, self._masters, strict=True):
            master.grad = None if weight.grad is None else weight.grad.float()
            weight.grad = None
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


def one_cycle(step: int, total: int, warmup: int, floor: float = 0.0) -> float:
    """Learning-rate factor: linear warm-up, constant, then linear decay over the last 30 % to `floor`."""
    if step < warmup:
        return (step + 1) / warmup
    left = (total - step) / max(1.0, 0.3 * total)
    return floor + (1 - floor) * min(1.0, max(0.0, left))
