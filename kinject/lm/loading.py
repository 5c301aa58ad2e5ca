"""From a name to weights in memory: "mini", a folder or a Hugging Face id, with @int8 or @int4 where asked for.

Safetensors only, and never code from a model's repository. Does not generate.
"""

import hashlib
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import transformers.utils.logging
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # that of httpx or httpx2, by version
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from kinject.errors import ModelError
from kinject.lm.compute import computes
from kinject.lm.quantised import quantise, split

MINI = Path(__file__).parent / "mini"

_FILES = ("*.safetensors", "*.safetensors.index.json", "*.json", "*.jinja", "*.txt", "*.model")
_RECORDS = ("recipe.json", "curve.jsonl", "MANIFEST.json")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
_HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model in memory. `fingerprint` is over its weights, tokenizer, template and configuration.

    `quantised` is the kind of its weights, "" where they are as they came.
    """

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    fingerprint: str
    quantised: str = ""


@computes
def load(name: str, device: str = "auto") -> Loaded:
    """Raises ModelError for a name that is neither here nor on the hub, and for files that make no causal LM."""
    base, kind = split(name)
    folder = find_folder(base)
    if not any(folder.glob("*.safetensors")):
        raise ModelError(_without_safetensors(name, folder))
    place = find_device(device)
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    weights = {"dtype": find_dtype(place), "use_safetensors": True, "output_loading_info": True}
    opened: Any
    try:
        with quietly():
            tokenizer = AutoTokenizer.from_pretrained(folder, **options)
            opened = AutoModelForCausalLM.from_pretrained(folder, **weights, **options)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"{name} cannot be loaded as a causal language model: {_first_line(error)}") from error
    model, report = opened
    if report["missing_keys"]:
        # transformers would fill them with random numbers and say so in a warning only.
        raise ModelError(f"{name} lacks weights, among them {min(report['missing_keys'])}")
    model.to(place).eval()
    found = fingerprint(folder)
    if kind:
        quantise(model, kind)
        found = hashlib.sha256(f"{found}\0{kind}".encode()).hexdigest()
    return Loaded(name, model, tokenizer, found, kind)


def find_folder(name: str) -> Path:
    """The folder of a model, downloaded to the hub's cache where need be."""
    folder = MINI if name == "mini" else Path(name).expanduser()
    if name and folder.is_dir():
        return folder
    if name and folder.exists():
        raise ModelError(f"model {name} is a file; give the folder that holds config.json and model.safetensors")
    if name == "mini" or not _HUB_ID.fullmatch(name):
        raise ModelError(f"no model folder {name}; give mini, a folder or a Hugging Face id such as Qwen/Qwen3-0.6B")
    try:
        return Path(snapshot_download(name, allow_patterns=list(_FILES)))
    except (OSError, ValueError, HTTPError) as error:
        raise ModelError(
            f"no model {name}: no such folder here, and the hub did not give it ({_first_line(error)})"
        ) from error


def find_device(device: str) -> torch.device:
    """`auto` is the first CUDA device where there is one, else the CPU."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        place = torch.device(device)
    except RuntimeError as error:
        raise ModelError(f"no device {device!r}; choose auto, cpu, cuda or cuda:N") from error
    if place.type not in ("cpu", "cuda") or (place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count()):
        raise ModelError(f"device {device!r} is not on this machine; choose auto or cpu")
    return place


def find_dtype(device: torch.device) -> torch.dtype:
    """Bfloat16 where the processor multiplies it natively: elsewhere it is emulated and slower than float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    capabilities = torch.cpu.get_capabilities()
    native = any(capabilities.get(name) for name in ("amx_bf16", "avx512_bf16", "bf16"))
    return torch.bfloat16 if native else torch.float32


def fingerprint(folder: Path) -> str:
    """Sha256 over the names and bytes of the files from which a model or an adapter is loaded.

    What only tells how it was made is left out: a corrected record is no other model.
    """
    files = sorted({path for pattern in _FILES for path in folder.glob(pattern) if path.name not in _RECORDS})
    digest = hashlib.sha256()
    for path in files:
        stat = path.stat()
        digest.update(f"{path.name}\0{_sha256(path, stat.st_mtime_ns, stat.st_size)}\n".encode())
    return digest.hexdigest()


@contextmanager
def quietly() -> Iterator[None]:
    """No progress bar for weights, no word of peft on further adapters or tied embeddings, no advice on kernels."""
    logging.getLogger("transformers.integrations.hub_kernels").addFilter(_is_not_advice)
    bars: Any = transformers.utils.logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Already found a `peft_config`")
            warnings.filterwarnings("ignore", "Model has `tie_word_embeddings=True` and a tied layer")
            warnings.filterwarnings("ignore", "TorchaoLoraLinear was instantiated")  # it could not be merged; nor is it
            yield
    finally:
        if shown:
            bars.enable_progress_bar()


def _without_safetensors(name: str, folder: Path) -> str:
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if pickles:
        return f"{name} has only pickled weights ({pickles[0]}), which may run code; convert them to safetensors"
    return f"{name} has no weights: no *.safetensors in {folder}"


@lru_cache(maxsize=256)
def _sha256(path: Path, modified_ns: int, size_bytes: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_not_advice(record: logging.LogRecord) -> bool:
    return "falling back to its reference" not in record.getMessage()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
