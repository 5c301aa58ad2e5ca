"""The weights answer what they are sure of, or what is asked about often, and the rest is retrieved for.

Retrieval helps in the long tail and can hurt where the weights know better (PopQA, arXiv:2212.10511).
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kinject.corpus import Corpus
from kinject.systems._names import NamesInText, fold
from kinject.systems.hybrid import calibration, dev
from kinject.systems.hybrid.blended import blended
from kinject.systems.hybrid.calibration import Calibration
from kinject.systems.hybrid.config import Config
from kinject.systems.hybrid.dev import attempt
from kinject.systems.hybrid.parts import Site
from kinject.systems.hybrid.values import SameValue, abstains
from kinject.types import Answer, System, Turn


class Popularity:
    """How often the corpus speaks of an entity: in facts, as their subject or object, and by name in documents."""

    def __init__(self, corpus: Corpus) -> None:
        ends = [fold(name) for fact in corpus.facts for name in (fact.subject, fact.object)]
        entities = {fold(name) for name in corpus.entities()} - {""}
        self._find = NamesInText(entities)
        self._counts = Counter(name for name in ends if name in entities)
        for document in corpus.documents:
            self._counts.update(self._find(document.text))

    def __call__(self, texts: Sequence[str]) -> int:
        """Of the most popular entity that the texts name; 0 where they name none."""
        return max((self._counts[name] for text in texts for name in self._find(text)), default=0)


@dataclass(frozen=True)
class Router:
    """`name` is the part whose weights answer; without `popularity` the confidence of their answer decides."""

    name: str
    weights: System
    rag: System
    calibration: Calibration
    popularity: Popularity | None

    @property
    def parts(self) -> tuple[str, str]:
        return self.name, "rag"

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        least = self.calibration.threshold
        if self.popularity:
            said = [*(turn.text for turn in history if turn.role == "user"), question]
            times = self.popularity(said)
            if times < least:
                return self._retrieved(question, history, f"the corpus speaks of it {times} times only", [])
        first = attempt(self.weights, question, history)
        if abstains(first.text):
            return self._retrieved(question, history, f"{self.name} does not know", [first])
        if not self.popularity and first.confidence < least:
            return self._retrieved(question, history, f"{self.name} is not sure: {first.confidence:.2f}", [first])
        reason = f"the corpus speaks of it {times} times" if self.popularity else f"it is sure: {first.confidence:.2f}"
        return blended(self.name, first, self.calibration.first, reason, [first])

    def _retrieved(self, question: str, history: Sequence[Turn], reason: str, before: Sequence[Answer]) -> Answer:
        second = self.rag.ask(question, history)
        return blended("rag", second, self.calibration.second, reason, [*before, second])


def build(site: Site, config: Config) -> Router:
    name, same = config.router_first, SameValue(site.corpus)
    weights, rag = site.part(name), site.part("rag")
    popularity = Popularity(site.corpus) if config.router_by == "popularity" else None

    def measure() -> Calibration:
        asked = dev.questions(site.corpus, config.dev, random.Random(config.draw))
        first, second = (dev.put(part, asked, same, site.progress) for part in (weights, rag))
        scores = [float(popularity([one.question])) for one in asked] if popularity else [o.confidence for o in first]
        return calibration.of(scores, first, second)

    return Router(name, weights, rag, calibration.settled(site, config, measure), popularity)
