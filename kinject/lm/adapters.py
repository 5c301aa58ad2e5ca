"""One base model in memory with any number of LoRA adapters beside it, of which at most one is in force.

Does not train adapters.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError
from transformers import PreTrainedModel

from kinject.errors import ModelError
from kinject.lm.loading import fingerprint

BASE = ""


class AdaptedModel:
    """Lends its model to one thread at a time, with the adapter that the borrower names."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self._lock = threading.Lock()
        self._loaded: set[str] = set()
        self._active = BASE

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
        try:
            report = self.model.load_adapter(str(folder), adapter_name=key, use_safetensors=True, local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise ModelError(f"adapter {folder} does not fit this model: {str(error).strip()}") from error
        finally:
            self._active = key
        if report.missing_keys or report.mismatched_keys:
            raise ModelError(f"adapter {folder} does not fit this model: it was made for another one")

    def _switch(self, key: str) -> None:
        if key == BASE:
            self.model.disable_adapters()
        else:
            self.model.enable_adapters()
            self.model.set_adapter(key)
        self._active = key
