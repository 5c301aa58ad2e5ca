"""One base model in memory with any number of LoRA adapters beside it, of which at most one is in force.

Does not train adapters.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import peft
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import PreTrainedModel

from kinject.errors import ModelError
from kinject.lm.compute import computes
from kinject.lm.loading import fingerprint, quietly

BASE = ""


class AdaptedModel:
    """Lends its model to one thread at a time, with the adapter that the borrower names."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self._lock = threading.Lock()
        self._loaded: set[str] = set()
        self._active = BASE
        self._peft: Any = None

    @computes
    def add(self, folder: Path) -> str:
        """Load a folder of peft once and give its key, the fingerprint of its files. Raises ModelError."""
        if not (folder / "adapter_config.json").is_file() or not (folder / "adapter_model.safetensors").is_file():
            raise ModelError(f"{folder} is no adapter: adapter_config.json and adapter_model.safetensors are needed")
        key = fingerprint(folder)[:16]
        with self._lock:
            if key not in self._loaded:
                self._load(folder, key)
                self._loaded.add(key)
        return key

    @contextmanager
    def using(self, key: str) -> Iterator[PreTrainedModel]:
        with self._lock:
            if key != self._active:
                self._switch(key)
            yield self.model

    def _load(self, folder: Path, key: str) -> None:
        # Not by load_adapter of transformers: it draws the weights of the adapters before it anew.
        try:
            with quietly():
                config = peft.PeftConfig.from_pretrained(str(folder))
                weights = load_file(folder / "adapter_model.safetensors")
                if self._peft is None:
                    self._peft = peft.PeftModel(self.model, config, adapter_name=key)
                else:
                    self._peft.add_adapter(key, config)
                report: Any = peft.set_peft_model_state_dict(self._peft, weights, adapter_name=key)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise ModelError(f"adapter {folder} does not fit this model: {str(error).strip()}") from error
        finally:
            self._switch(self._active)
        if report.unexpected_keys or any(key in name for name in report.missing_keys):
            raise ModelError(f"adapter {folder} does not fit this model: it was made for another one")

    def _switch(self, key: str) -> None:
        self._active = key
        if self._peft is None:
            return
        if key == BASE:
            self._peft.base_model.disable_adapter_layers()
        else:
            self._peft.base_model.enable_adapter_layers()
            self._peft.base_model.set_adapter(key)
