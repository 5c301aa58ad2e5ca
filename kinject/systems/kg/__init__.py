"""An agent that calls typed tools over a temporal knowledge graph of the corpus's facts.

The graph is made from the facts at build, in memory and in well under a second: nothing is stored, so that an edited
fact holds at once.
"""

from dataclasses import dataclass
from pathlib import Path

from kinject.corpus import Corpus
from kinject.lm.base import LM
from kinject.lm.langchain import ChatModel
from kinject.progress import Progress, Step, silent
from kinject.systems.kg.agent import Agent
from kinject.systems.kg.graph import Graph
from kinject.systems.kg.tools import make_tools
from kinject.types import System


@dataclass(frozen=True)
class Config:
    max_model_calls: int = 6  # a look-up takes two; the rest is room to recover from an empty or ambiguous result
    max_tool_calls: int = 8  # over all model calls; further calls are refused

    def __post_init__(self) -> None:
        if min(self.max_model_calls, self.max_tool_calls) < 1:
            raise ValueError("max_model_calls and max_tool_calls must be at least 1")


def build(corpus: Corpus, store: Path, model: LM, config: Config, progress: Progress = silent) -> System:
    """Reads the corpus's facts only: neither its documents nor the store."""
    progress(Step("graph", 0, len(corpus.facts)))
    graph = Graph(corpus)
    progress(Step("graph", len(corpus.facts), len(corpus.facts)))
    return Agent(ChatModel(lm=model), make_tools(graph), config.max_model_calls, config.max_tool_calls)
