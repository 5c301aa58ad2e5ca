"""An agent that calls typed tools over a temporal knowledge graph of the corpus's facts.

The graph is made from the facts at build, in memory: nothing is stored, so that an edited fact holds at once.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from kinject.corpus import Corpus
from kinject.lm.base import LM
from kinject.lm.langchain import ChatModel
from kinject.progress import Progress, silent
from kinject.systems.kg.agent import Agent, Limits
from kinject.systems.kg.diagnosis import diagnose
from kinject.systems.kg.graph import COMPACT_ABOVE, Graph
from kinject.systems.kg.knobs import degraded
from kinject.systems.kg.signals import signals
from kinject.systems.kg.tools import Offer
from kinject.types import System

__all__ = ["Config", "at_size", "build", "diagnose", "signals"]


@dataclass(frozen=True)
class Config:
    max_model_calls: int = 6  # a look-up takes two; the rest is room to recover from an empty or ambiguous result
    max_tool_calls: int = 8  # over all model calls; further calls are refused
    max_tokens: int = 0  # tokens read and written for one answer, after which no model call is begun; 0: no limit
    tools: Offer = "basic"  # all: also ranges of days, paths, the first n and groups, which mini was not taught
    compact_above: int = COMPACT_ABOVE  # facts; a larger graph is kept in sorted columns, a smaller one in networkx
    edge_dropout: float = 0.0  # share of the facts that the graph lacks
    edge_noise: float = 0.0  # share of the facts that have another's object, as if extracted wrongly
    noise_seed: int = 0  # draws the facts of the two shares

    def __post_init__(self) -> None:
        if min(self.max_model_calls, self.max_tool_calls) < 1:
            raise ValueError("max_model_calls and max_tool_calls must be at least 1")
        if min(self.max_tokens, self.compact_above) < 0:
            raise ValueError("max_tokens and compact_above must be at least 0")
        if not (0 <= self.edge_dropout <= 1 and 0 <= self.edge_noise <= 1):
            raise ValueError("edge_dropout and edge_noise are shares between 0 and 1")


def build(corpus: Corpus, store: Path, model: LM, config: Config, progress: Progress = silent) -> System:
    """Reads the corpus's facts only: neither its documents nor the store."""
    if config.edge_dropout or config.edge_noise:
        corpus = degraded(corpus, config.edge_dropout, config.edge_noise, config.noise_seed)
    graph = Graph(corpus, config.compact_above)
    limits = Limits(config.max_model_calls, config.max_tool_calls, config.max_tokens)
    return Agent(ChatModel(lm=model), graph, limits, config.tools)


def at_size(config: Config, documents: int, facts: int) -> Config:
    """The options with which a small corpus is kept as one of so many facts would be."""
    return replace(config, compact_above=0) if facts > config.compact_above else config
