"""Whether an instruction is new: ROUGE-L against all that are known, as in Self-Instruct (arXiv:2212.10560).

Compares words, not meanings.
"""

import re
from collections.abc import Iterable, Sequence

from rapidfuzz.distance import Indel

_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """Lower-case words and numbers without punctuation, in any script."""
    return _WORD.findall(text.casefold())


def rouge_l(one: Sequence[str], other: Sequence[str], at_least: float = 0.0) -> float:
    """The F-measure of the longest common subsequence of two lists of words, 0 where it is below `at_least` (Lin 2004).

    With precision L/a and recall L/b it is 2L / (a + b), which is the normalised similarity under insertions and
    deletions alone.
    """
    if not one or not other:
        return 0.0
    return float(Indel.normalized_similarity(one, other, score_cutoff=at_least))


class Pool:
    """Instructions that are known; a new one is far enough from each of them."""

    def __init__(self, threshold: float, instructions: Iterable[str] = ()) -> None:
        self._threshold = threshold
        self._known: list[list[str]] = [words(instruction) for instruction in instructions]

    def add(self, instruction: str) -> None:
        self._known.append(words(instruction))

    def repeats(self, instruction: str) -> bool:
        """Whether its ROUGE-L with any known instruction reaches the threshold."""
        own = words(instruction)
        return any(rouge_l(own, known, self._threshold) >= self._threshold for known in self._known)
