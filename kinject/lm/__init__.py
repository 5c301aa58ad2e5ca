"""Language models behind one small protocol: `open_model` gives one, on this machine or behind a URL.

Importing this package imports neither torch nor transformers; opening a local model does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kinject.errors import ModelError
from kinject.lm.endpoint import is_remote

if TYPE_CHECKING:
    from kinject.lm.local import LocalLM
    from kinject.lm.remote import RemoteLM


def open_model(
    name: str = "mini", *, adapter: Path | None = None, device: str = "auto", wait: bool = True
) -> LocalLM | RemoteLM:
    """Open "mini", a folder, a Hugging Face id or openai:MODEL@URL, with a LoRA adapter where a folder of one is given.

    A local name may end in @int8 or @int4, for weights of so many bits.
    `device` is auto, cpu, cuda or cuda:N. With `wait=False` a request that finds the queue full raises
    OverloadedError at once, as a service wants it; else it waits, as a study wants it. Raises ModelError.
    """
    if is_remote(name):
        return _remote(name, adapter, wait)
    from kinject.lm.loading import load
    from kinject.lm.local import LocalLM

    lm = LocalLM.start(load(name, device), wait=wait)
    return lm.with_adapter(adapter, own=True) if adapter is not None else lm


def _remote(name: str, adapter: Path | None, wait: bool) -> RemoteLM:
    if adapter is not None:
        raise ModelError(f"{name} takes no adapter from here; serve it with the adapter, or use a local model")
    try:
        from kinject.lm.remote import RemoteLM
    except ModuleNotFoundError as error:
        raise ModelError(f"{name} needs {error.name}: pip install 'kinject[openai]'") from error
    return RemoteLM.open(name, wait)
