"""Passages put in order by a cross-encoder, which reads question and passage together.

Slower by far than a search, so it sees only the best passages of one. It downloads nothing unless a Hugging Face id
that is not on this machine is asked for by name.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from sentence_transformers import CrossEncoder

from kinject.errors import ModelError
from kinject.lm.compute import computes
from kinject.systems._quiet import no_bars
from kinject.systems.rag.index import Hit


class Reranker:
    def __init__(self, model: CrossEncoder) -> None:
        self._model = model

    @computes
    def ordered(self, query: str, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        """Best first, scored by the cross-encoder."""
        if not hits:
            return ()
        scores = self._model.predict([(query, hit.chunk.text) for hit in hits], show_progress_bar=False)
        scored = [replace(hit, score=float(score)) for hit, score in zip(hits, scores, strict=True)]
        return tuple(sorted(scored, key=lambda hit: -hit.score))


@lru_cache(maxsize=1)
@computes
def load(name: str) -> Reranker:
    """`name` is a folder or a Hugging Face id of a cross-encoder with one output, in safetensors. Raises ModelError."""
    try:
        options: dict[str, Any] = {"model_kwargs": {"use_safetensors": True}, "trust_remote_code": False}
        with no_bars():
            model = CrossEncoder(name, device="cpu", local_files_only=Path(name).is_dir(), **options)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(
            f"cannot load the reranker {name!r}: {reason}; give a folder or an id of a cross-encoder"
        ) from error
    if model.num_labels != 1:
        raise ModelError(f"the reranker {name!r} has {model.num_labels} outputs; one that ranks passages has 1")
    return Reranker(model)
