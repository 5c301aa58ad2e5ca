"""The options of a build of instruction data."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Config:
    n: int = 0  # tasks in the file, chosen for diversity; 0 keeps all that passed
    pick: Literal["central", "longest"] = "central"  # of a cluster: its most typical task, or its longest answer
    seed_tasks: bool = True  # whether the human-written seed tasks go into the file too
    self_instruct: int = 100  # tasks that the model is to invent; 0: none
    documents: int = 100  # documents of the corpus for which an instruction is sought; 0: none
    words: int = 250  # of an answer taken from a document: its beginning, to the end of a sentence
    novelty: float = 0.7  # ROUGE-L with a known instruction from which on an invented one repeats it
    min_score: int = 4  # of 5 that the model gives to a document as an answer; 0 asks for no score
    ask_unclear: bool = True  # whether the model is asked too if a task needs outside context; rules always are
    seed: int = 0  # of the examples shown, the documents taken and the clusters

    def __post_init__(self) -> None:
        for name in ("n", "self_instruct", "documents"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more, found {getattr(self, name)}")
        if self.words < 1:
            raise ValueError(f"words must be at least 1, found {self.words}")
        if not 0 < self.novelty <= 1:
            raise ValueError(f"novelty must be above 0 and at most 1, found {self.novelty}")
        if not 0 <= self.min_score <= 5:
            raise ValueError(f"min_score must be from 0 to 5, found {self.min_score}")
