"""Blends: kg with rag behind it, weights and retrieval by a router, or rag with a reader trained on distractors (RAFT).

Each is made of the other systems as they are, from what the run has built of them. Which blend it is, is an option.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from kinject.corpus import Corpus
from kinject.lm.base import LM
from kinject.progress import Progress, silent
from kinject.systems import kg, rag
from kinject.systems._diagnosis import Observation
from kinject.systems.hybrid import raft, rag_kg, router
from kinject.systems.hybrid.blended import answered_by
from kinject.systems.hybrid.config import Config
from kinject.systems.hybrid.parts import Site
from kinject.systems.hybrid.rag_kg import DISAGREEMENT, RagKg
from kinject.systems.hybrid.router import Router
from kinject.systems.rag import Rag
from kinject.types import Answer, Record, System

__all__ = ["Config", "build", "diagnose", "signals"]

_BLENDS: dict[str, Callable[[Site, Config], System]] = {
    "rag_kg": rag_kg.build,
    "router": router.build,
    "sft_rag": raft.build,
}


def build(corpus: Corpus, store: Path, model: LM, config: Config, progress: Progress = silent) -> System:
    """Open the parts below `store`, or take over what its siblings hold of them, and calibrate or train what is new.

    Raises ModelError for a blend that trains, on a model whose weights are not on this machine.
    """
    return _BLENDS[config.blend](Site(corpus, store, model, config.parts, progress), config)


def diagnose(system: Rag | RagKg | Router, corpus: Corpus, records: Sequence[Record]) -> Iterator[Observation]:
    """Which part answered and how often two disagreed; of a trained reader, what rag tells of its retrieval."""
    if isinstance(system, Rag):
        yield from rag.diagnose(system, corpus, records)
        return
    for record in records:
        for answer in record.answers:
            by, disagreed = answered_by(answer), any(one.text.startswith(DISAGREEMENT) for one in answer.evidence)
            for part in system.parts:
                yield Observation("routing", f"answered_by_{part}", float(by == part), record.probe.subject)
            yield Observation("routing", "parts_disagreed", float(disagreed), record.probe.subject)


def signals(answer: Answer) -> dict[str, float]:
    """Those of passages and those of tools, whichever part was taken at its word."""
    return rag.signals(answer) | kg.signals(answer)
