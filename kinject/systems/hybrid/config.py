"""The options of a blend, apart from the blends themselves, which all read them."""

import math
from dataclasses import dataclass
from typing import Literal

from kinject.systems.hybrid import parts


@dataclass(frozen=True)
class Config:
    blend: Literal["rag_kg", "router", "sft_rag"] = "rag_kg"  # kg, then rag; weights or rag; a reader trained to read
    parts: str = ""  # options of the parts, as in rag.k=8,sft.epochs=20; without, a part has its own defaults
    threshold: float = 0.0  # of what the first part's answer has to reach to be taken at once; 0: calibrated at build
    dev: int = 60  # questions that parts are calibrated on at build; 0: confidences are compared as they are
    router_by: Literal["confidence", "popularity"] = "confidence"  # of the answer, or of the entity that is named
    router_first: Literal["closed_book", "sft"] = "closed_book"  # whose weights answer what is not retrieved for
    oracle_share: float = 0.8  # sft_rag: of questions whose gold passage is in context; RAFT found 0.6 to 1 best
    distractors: int = 3  # sft_rag: other passages in context; with the gold one as many as rag shows
    idk_share: float = 0.08  # sft_rag: questions about unknown names, as sft trains on
    asked_share: float = 0.34  # sft_rag: of the corpus's questions that an epoch asks
    epochs: int = 3  # sft_rag: few, as a question with its passages is many times as long as without
    learning_rate: float = 0.0  # sft_rag: of matrices; 0: 5e-4 below 50 M parameters, 1e-5 above
    batch_tokens: int = 4096  # sft_rag: padded tokens a step, about five questions with their passages
    # Not named seed: a full study would build and ask each blend three times, and most would answer alike.
    draw: int = 0  # decides the questions to calibrate on, and the order, phrasings and passages of training

    def __post_init__(self) -> None:
        parts.check(self.parts)
        if min(self.epochs, self.distractors, self.batch_tokens) < 1:
            raise ValueError("epochs, distractors and batch_tokens must be at least 1")
        if not all(0 <= one < math.inf for one in (self.threshold, self.dev, self.learning_rate)):
            raise ValueError("threshold, dev and learning_rate must be 0 or more")
        if not (0 <= self.oracle_share <= 1 and 0 < self.asked_share <= 1 and 0 <= self.idk_share < 1):
            raise ValueError("oracle_share, asked_share and idk_share are shares: 0 to 1")
        if not (self.threshold or self.dev or self.blend == "sft_rag"):
            raise ValueError("without questions to calibrate on (dev=0), give a threshold")
