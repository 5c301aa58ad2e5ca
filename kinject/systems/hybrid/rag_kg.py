"""kg answers where its tools found something, and rag where they did not: a graph is exact and holds the less.

rag's mistakes come with it: about a name that nobody has the graph has nothing, and a reader of passages about other
names may still answer.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kinject.lm.prompts import ABSTENTION, value_of
from kinject.systems.hybrid import calibration, dev
from kinject.systems.hybrid.blended import blended
from kinject.systems.hybrid.calibration import Calibration
from kinject.systems.hybrid.config import Config
from kinject.systems.hybrid.dev import attempt
from kinject.systems.hybrid.parts import Site
from kinject.systems.hybrid.values import SameValue, abstains
from kinject.systems.kg.tools import is_refusal
from kinject.types import Answer, System, Turn

DISAGREEMENT = "they disagree: "


@dataclass(frozen=True)
class FromTools:
    """kg, of which an answer that no tool gave is none: it is a guess."""

    kg: System

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        answer = self.kg.ask(question, history)
        results = [one.text for one in answer.evidence if one.score is not None]
        # In a dialogue it may repeat what the tools found before.
        found = not all(map(is_refusal, results)) if results else bool(history)
        return answer if found else replace(answer, text=ABSTENTION)


@dataclass(frozen=True)
class RagKg:
    kg: FromTools
    rag: System
    calibration: Calibration
    same: SameValue
    parts = ("kg", "rag")

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        first = attempt(self.kg, question, history)
        found = not abstains(first.text)
        if found and first.confidence >= self.calibration.threshold:
            return self._of_kg(first, "its tools found it", [first])
        second = attempt(self.rag, question, history) if found else self.rag.ask(question, history)
        both = [first, second]
        if not found:
            return self._of_rag(second, "kg found nothing", both)
        if abstains(second.text):
            return self._of_kg(first, "rag does not know", both)
        if self.same(first.text, second.text):
            return self._of_kg(first, "rag says the same", both)
        return self._surer(first, second)

    def _surer(self, first: Answer, second: Answer) -> Answer:
        ours, theirs = self.calibration.first(first.confidence), self.calibration.second(second.confidence)
        reason = (
            f"{DISAGREEMENT}kg says {value_of(first.text)} (right with a chance of {ours:.2f}), "
            f"rag says {value_of(second.text)} ({theirs:.2f})"
        )
        take = self._of_kg if ours >= theirs else self._of_rag
        return take(first if ours >= theirs else second, reason, [first, second])

    def _of_kg(self, taken: Answer, reason: str, asked: Sequence[Answer]) -> Answer:
        return blended("kg", taken, self.calibration.first, reason, asked)

    def _of_rag(self, taken: Answer, reason: str, asked: Sequence[Answer]) -> Answer:
        return blended("rag", taken, self.calibration.second, reason, asked)


def build(site: Site, config: Config) -> RagKg:
    kg, rag, same = FromTools(site.part("kg")), site.part("rag"), SameValue(site.corpus)

    def measure() -> Calibration:
        asked = dev.questions(site.corpus, config.dev, random.Random(config.draw))
        first, second = (dev.put(part, asked, same, site.progress) for part in (kg, rag))
        return calibration.of([one.confidence for one in first], first, second)

    return RagKg(kg, rag, calibration.settled(site, config, measure), same)
