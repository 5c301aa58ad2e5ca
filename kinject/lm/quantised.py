"""Weights of fewer bits, by a suffix of the model's name: `mini@int8`, `Qwen/Qwen3-0.6B@int4`.

Weights alone, in the linear layers but the head; activations keep their type. Does not load a model.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from kinject.errors import ModelError

KINDS = ("int8", "int4")

_GROUP = 32  # weights of a row that share one scale at four bits; a layer that this does not divide keeps its type


def split(name: str) -> tuple[str, str]:
    """The model's own name and the kind of its weights, "" as they are. Raises ModelError for a kind there is not."""
    base, mark, kind = name.rpartition("@")
    if not mark or not base or Path(name).expanduser().exists():
        return name, ""
    if kind not in KINDS:
        raise ModelError(f"no weights of kind {kind!r} for {base}; write {base}@int8, {base}@int4 or {base}")
    return base, kind


def quantise(model: PreTrainedModel, kind: str) -> None:
    """In place, by torchao. Raises ModelError where it is not installed.

    Int8 has a scale a row. Int4 has one for 32 weights; torchao keeps its values in a byte each, so that it saves no
    more memory than int8: it shows what rounding to four bits does to answers, on any device.
    """
    try:
        from torchao import quantization
    except ModuleNotFoundError as error:
        raise ModelError(f"@{kind} needs {error.name}: pip install 'kinject[quantize]'") from error
    head = model.get_output_embeddings()  # type: ignore[no-untyped-call]

    def is_taken(module: nn.Module, name: str) -> bool:
        if not isinstance(module, nn.Linear) or module is head:
            return False
        return kind == "int8" or module.in_features % _GROUP == 0

    rounding: Any = quantization.Int8WeightOnlyConfig()
    if kind == "int4":
        rounding = quantization.IntxWeightOnlyConfig(torch.int4, quantization.PerGroup(_GROUP))  # type: ignore[attr-defined]
    quantization.quantize_(model, rounding, filter_fn=is_taken)


def size_bytes(model: nn.Module) -> int:
    """What the weights take in memory, scales included."""
    return sum(_bytes(weight) for weight in model.parameters())


def _bytes(weight: torch.Tensor) -> int:
    if not hasattr(weight, "__tensor_flatten__"):
        return weight.nbytes
    names, *_ = weight.__tensor_flatten__()
    return sum(_bytes(getattr(weight, name)) for name in names)
