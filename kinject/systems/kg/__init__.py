"""An agent that calls typed tools over a temporal knowledge graph of the corpus's facts.

The graph is made from the facts at build, in memory and in well under a second: nothing is stored, so that an edited
fact holds at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kinject.corpus import Corpus
from kinject.lm.base import LM
from kinject.lm.langchain import ChatModel
from kinject.progress import Progress, silent
from kinject.systems._diagnosis import Observation
from kinject.systems.kg.agent import Agent
from kinject.systems.kg.graph import Graph
from kinject.systems.kg.tools import is_refusal, make_tools
from kinject.types import Record, System


@dataclass(frozen=True)
class Config:
    max_model_calls: int = 6  # a look-up takes two; the rest is room to recover from an empty or ambiguous result
    max_tool_calls: int = 8  # over all model calls; further calls are refused

    def __post_init__(self) -> None:
        if min(self.max_model_calls, self.max_tool_calls) < 1:
            raise ValueError("max_model_calls and max_tool_calls must be at least 1")


def build(corpus: Corpus, store: Path, model: LM, config: Config, progress: Progress = silent) -> System:
    """Reads the corpus's facts only: neither its documents nor the store."""
    return Agent(ChatModel(lm=model), make_tools(Graph(corpus)), config.max_model_calls, config.max_tool_calls)


def diagnose(system: System, corpus: Corpus, records: Sequence[Record]) -> Iterator[Observation]:
    """Tool calls of every answer: how many, and the share that was valid before the grammar had corrected anything."""
    for record in records:
        for answer in record.answers:
            calls = [one for one in answer.evidence if one.score is not None]
            yield Observation("tools", "calls_per_answer", float(len(calls)), record.probe.subject)
            for call in calls:
                yield Observation("tools", "valid_unconstrained", call.score or 0.0, record.probe.subject)
                yield Observation("tools", "empty_result", float(is_refusal(call.text)), record.probe.subject)
