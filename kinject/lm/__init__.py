"""Language models behind one small protocol: `open_model` gives one that runs on this machine.

Importing this package imports neither torch nor transformers; opening a model does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kinject.lm.local import LocalLM


def open_model(name: str = "mini", *, adapter: Path | None = None, device: str = "auto", wait: bool = True) -> LocalLM:
    """Open "mini", a folder or a Hugging Face id, with a LoRA adapter on top where a folder of one is given.

    `device` is auto, cpu, cuda or cuda:N. With `wait=False` a request that finds the queue full raises
    OverloadedError at once, as a service wants it; else it waits, as a study wants it. Raises ModelError.
    """
    from kinject.lm.loading import load
    from kinject.lm.local import LocalLM

    lm = LocalLM.start(load(name, device), wait=wait)
    return lm.with_adapter(adapter, own=True) if adapter is not None else lm
