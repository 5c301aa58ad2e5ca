"""Which weights are trained: all, a LoRA adapter's, or those behind the first layers; and whether a model has any.

It trains nothing itself.
"""

import math
import warnings
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import safe_open
from torch import nn

from kinject.errors import ModelError
from kinject.lm.base import LM
from kinject.lm.loading import Loaded, quietly
from kinject.lm.local import LocalLM
from kinject.systems.sft.config import Config

# A PreTrainedModel, of which transformers leaves half the methods untyped.
Network = Any

ADAPTER = "adapter_model.safetensors"
_SMALL = 50_000_000
# Of a small model and of a large one. An adapter of mini learns nothing at ten times the rate of its weights.
_RATES, _LORA_RATES = (2e-3, 2e-5), (5e-3, 2e-4)
_FEED_FORWARD = ("mlp", "feed_forward", "ffn", "fc")


def trainable(model: LM, system: str, adapter: bool = False) -> LocalLM:
    """The model as one that the system can train: its weights, or an `adapter` beside them. Raises ModelError."""
    if not isinstance(model, LocalLM):
        raise ModelError(f"{system} trains weights on this machine; {model.info.name} has none here: use a local model")
    if not adapter and "quantised" in model.info.details:
        instead = "set sft.method=lora" if system == "sft" else "open it without its @"
        raise ModelError(f"{system} trains the weights, and those of {model.info.name} are rounded: {instead}")
    return model


def prepare(loaded: Loaded, config: Config, start: Path | None = None) -> PeftModel | None:
    """Leave only those weights of the loaded model trainable that the method trains; the adapter, if it has one.

    `start` holds an adapter to go on from.
    """
    if config.method == "lora":
        return _adapter(loaded, config) if start is None else _adapter_of(loaded, start)
    if config.method == "frozen":
        for weight in _first_weights(loaded.model, config.frozen_layers):
            weight.requires_grad_(False)
    return None


def trained_parameters(model: Network, folder: Path, config: Config) -> int:
    """How many weights were trained into the model that `folder` holds; a tied one counts once."""
    if config.method == "lora":
        with safe_open(folder / ADAPTER, framework="pt") as file:
            return sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
    total: int = sum(weight.numel() for weight in model.parameters())
    if config.method == "full":
        return total
    return total - sum(weight.numel() for weight in _first_weights(model, config.frozen_layers))


def learning_rate(parameters: int, config: Config) -> float:
    """Of matrices: as set, or by the size of the model and the method."""
    small, large = _LORA_RATES if config.method == "lora" else _RATES
    return config.learning_rate or (small if parameters < _SMALL else large)


def _first_weights(model: Network, count: int) -> list[nn.Parameter]:
    """The embeddings' and those of the first layers. Raises ModelError if no layer would be left."""
    layers = _layers(model)
    if count >= len(layers):
        raise ModelError(
            f"the model has {len(layers)} layers, so frozen_layers={count} leaves none to train; set fewer"
        )
    parts = [model.get_input_embeddings(), *layers[:count]]
    return list({id(weight): weight for part in parts for weight in part.parameters()}.values())


def _layers(model: Network) -> nn.ModuleList:
    number = model.config.get_text_config().num_hidden_layers
    found = [m for m in model.modules() if isinstance(m, nn.ModuleList) and len(m) == number]
    if not found:
        raise ModelError(f"method=frozen finds no list of {number} layers in {type(model).__name__}; use full or lora")
    return found[0]


def _adapter(loaded: Loaded, config: Config) -> PeftModel:
    """Put LoRA matrices beside the linear layers of the loaded model, which alone are trained from here on."""
    targets = _targets(loaded.model, config)
    lora = LoraConfig(r=config.lora_rank, lora_alpha=2 * config.lora_rank, target_modules=targets)
    with torch.random.fork_rng(), quietly(), warnings.catch_warnings():
        torch.manual_seed(config.seed)
        # peft still asks for a property that transformers has renamed.
        warnings.simplefilter("ignore", FutureWarning)
        adapted = get_peft_model(loaded.model, lora, autocast_adapter_dtype=False)
    # Not where the base happened to lie on this machine.
    adapted.peft_config["default"].base_model_name_or_path = loaded.name
    return adapted


def _adapter_of(loaded: Loaded, folder: Path) -> PeftModel:
    with quietly(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        options: dict[str, Any] = {"is_trainable": True, "autocast_adapter_dtype": False}
        return PeftModel.from_pretrained(loaded.model, str(folder), **options)


def _targets(model: Network, config: Config) -> str | list[str]:
    if config.lora_targets == "all-linear" and not config.lora_embeddings:
        return "all-linear"
    head, embeddings = model.get_output_embeddings(), model.get_input_embeddings()
    linear = [name for name, part in model.named_modules() if isinstance(part, nn.Linear) and part is not head]
    forward = {n for n in linear if any(word in part for part in n.split(".")[-2:] for word in _FEED_FORWARD)}
    wanted = {"all-linear": set(linear), "mlp": forward, "attention": set(linear) - forward}[config.lora_targets]
    if not wanted:
        raise ModelError(f"lora_targets={config.lora_targets} finds no such layer in this model; use all-linear")
    if config.lora_embeddings:
        # A matrix each, also where the two are tied: those that peft ties are two weights in one storage, of which an
        # optimiser with masters would keep one update.
        wanted |= {name for name, part in model.named_modules() if part in (embeddings, head)}
    return sorted(wanted)
