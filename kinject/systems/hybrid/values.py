"""Whether an answer says anything, and whether two say the same, by the rules of the graph: for blends and samples.

What is right is the grader's business, which comes after the systems and reads more from an answer.
"""

from kinject.corpus import Corpus
from kinject.lm.prompts import ABSTENTION, value_of
from kinject.systems._names import fold
from kinject.systems.kg.values import keys


def abstains(text: str) -> bool:
    """Whether it says nothing, or begins as "I don't know"."""
    said = fold(value_of(text))
    return not said or said.startswith(fold(ABSTENTION))


class SameValue:
    """Whether two answers name one value: "1.10 kg" and "1.1 kg.", or lists that share an item."""

    def __init__(self, corpus: Corpus) -> None:
        # Which relation is asked for is not known: under any of the corpus is enough.
        self._relations = {(relation.kind, relation.unit): relation for relation in corpus.relations}.values()

    def __call__(self, one: str, two: str) -> bool:
        first, second = value_of(one), value_of(two)
        return fold(first) == fold(second) or any(keys(first, r) & keys(second, r) for r in self._relations)
