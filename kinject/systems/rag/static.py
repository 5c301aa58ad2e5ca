"""A static embedder distilled from a transformer: a vector a token, of which a text's vector is the mean.

The recipe is Model2Vec's. Every token of the vocabulary goes through the transformer alone, the outputs are centred and
turned to their principal axes, and rare tokens weigh more (SIF, Arora et al., ICLR 2017), where the vocabulary's order
stands for frequency. It is written out here since that package's own `distill` wants transformers<5.4. Made once and
kept in the user's cache, as a model like any other of sentence-transformers.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
from tokenizers import Tokenizer

from kinject.lm.compute import computes
from kinject.store import artifact_is, lock, new_artifact
from kinject.systems._quiet import no_bars

_RECIPE = 1
_BATCH = 1024
_SIF = 1e-4


def identity(teacher: str) -> str:
    return f"static-{_RECIPE}-{teacher[:16]}"


def distilled(teacher: Callable[[], SentenceTransformer], fingerprint: str) -> Path:
    """The folder of the model distilled from the teacher, which is loaded only if the cache lacks it."""
    name = identity(fingerprint)
    folder = cache() / name
    if not artifact_is(folder, name):
        with lock(cache()), new_artifact(folder, name) as unfinished, no_bars():
            distill(teacher()).save(str(unfinished), create_model_card=False)
    return folder


def cache() -> Path:
    """Where a user's programs keep what they can make again (XDG Base Directory Specification)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kinject"


@computes
def distill(teacher: SentenceTransformer) -> SentenceTransformer:
    tokenizer: Any = teacher.tokenizer
    weights = _rotated(_outputs(teacher, tokenizer)) * _rarity(len(tokenizer))[:, None]
    words = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    words.no_truncation()
    embedding = StaticEmbedding(words, embedding_weights=weights.astype(np.float32))
    return SentenceTransformer(modules=[embedding, Normalize()], device="cpu")


def _outputs(teacher: SentenceTransformer, tokenizer: Any) -> NDArray[np.float64]:
    """A row a token: the mean of what the transformer makes of it between the marks of a text's ends."""
    transformer: Any = teacher[0].auto_model
    rows = []
    with torch.inference_mode():
        for ids in torch.split(torch.arange(len(tokenizer)), _BATCH):
            ends = [torch.full_like(ids, mark) for mark in (tokenizer.cls_token_id, tokenizer.sep_token_id)]
            inputs = torch.stack([ends[0], ids, ends[1]], dim=1)
            found = transformer(input_ids=inputs, attention_mask=torch.ones_like(inputs))
            rows.append(found.last_hidden_state.mean(dim=1))
    return torch.cat(rows).double().numpy()


def _rotated(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = rows - rows.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred).eigenvectors
    return np.asarray(centred @ axes[:, ::-1])


def _rarity(tokens: int) -> NDArray[np.float64]:
    share = 1 / np.arange(2, tokens + 2)
    return np.asarray(_SIF / (_SIF + share / share.sum()))
