"""A forecast: stages with their time, memory and disk, which of them break a budget, and what to do then.

Measures nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

GIB = 2**30
# Where the default of a stage ends, and which engine takes over there: kinject builds none of its own.
HAND_OVER: Mapping[str, str] = {
    "import": "split the file and import parts of it; beyond 50 M rows Ray Data reads in parallel",
    "probes": "fewer probes, with --set FAMILY=NUMBER; they are a sample anyway",
    "rag": "a smaller or static embedder (--set rag.embedder=...), an accelerator, or Ray Data to embed; Qdrant or "
    "pgvector beyond what one machine's memory holds",
    "kg": "beyond about a million facts a store of facts such as PostgreSQL, with networkx as the view of a "
    "neighbourhood",
    "sft": "a sample of the entities, or a larger model on a GPU (torchrun or Ray Train)",
    "ask": "fewer probes, with --set FAMILY=NUMBER, or a served model (vLLM behind an OpenAI-compatible URL)",
}
_OTHER = "a sample of the corpus, or --systems without it"


@dataclass(frozen=True, slots=True)
class Stage:
    """`name` is "import", "probes", "build SYSTEM" or "ask SYSTEM"; `law` is how it grows, `rate` what was measured.

    `memory_bytes` is the peak of the whole process, `disk_bytes` what is kept.
    """

    name: str
    seconds: float
    memory_bytes: float
    disk_bytes: float
    law: str
    rate: str

    @property
    def hand_over(self) -> str:
        kind, _, system = self.name.partition(" ")
        return HAND_OVER.get(system if kind == "build" else kind, _OTHER)


@dataclass(frozen=True, slots=True)
class Budget:
    """What one stage may take."""

    hours: float
    gib: float

    def load(self, stage: Stage) -> float:
        """The share of the budget that a stage needs, of time or of memory, whichever is more; above 1 it breaks."""
        return max(stage.seconds / (3600 * self.hours), stage.memory_bytes / (GIB * self.gib))


@dataclass(frozen=True, slots=True)
class Forecast:
    """`entities` and `facts` are those forecast for; `notes` say what no number in the table says."""

    corpus: str
    model: str
    entities: int
    facts: int
    stages: tuple[Stage, ...]
    notes: tuple[str, ...]
    calibration_s: float

    def broken(self, budget: Budget) -> tuple[Stage, ...]:
        """The stages over budget, the worst first."""
        return tuple(sorted((s for s in self.stages if budget.load(s) > 1), key=budget.load, reverse=True))

    def verdict(self, budget: Budget) -> str:
        """One line: what breaks first and what takes over, or that nothing does."""
        within = f"{budget.hours:g} h and {budget.gib:g} GiB a stage"
        if not (broken := self.broken(budget)):
            return f"every stage is within {within}"
        return f"{broken[0].name} breaks first (over {within}): {broken[0].hand_over}"
