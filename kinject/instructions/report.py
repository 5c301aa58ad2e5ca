"""What instruction data is like: where it is from, how diverse and how long, what was turned away and why.

Describes one file; the figures are of all its tasks, but for the pairs, which are drawn.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import mean, quantiles

from kinject.instructions.alpaca import Task
from kinject.instructions.novelty import rouge_l, words

_PAIRS = 2000
_TOP = 10
# What stands between a verb and its object, as far as a list tells: there is no parser here.
_FUNCTION_WORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "this",
        "that",
        "these",
        "those",
        "of",
        "to",
        "in",
        "on",
        "for",
        "from",
        "with",
        "at",
        "by",
        "as",
        "and",
        "or",
        "if",
        "is",
        "are",
        "was",
        "were",
        "do",
        "does",
        "did",
        "can",
        "could",
        "you",
        "me",
        "us",
        "it",
        "its",
        "your",
        "my",
        "our",
        "their",
        "his",
        "her",
        "each",
        "every",
        "any",
        "some",
        "all",
        "one",
        "two",
        "three",
        "four",
        "five",
        "what",
        "which",
        "who",
        "how",
        "why",
        "when",
        "where",
        "whether",
        "following",
        "given",
        "new",
        "short",
        "brief",
        "simple",
    ]
)


@dataclass(frozen=True, slots=True)
class Lengths:
    """In words."""

    mean: float
    median: float
    p95: float
    n: int


@dataclass(frozen=True)
class Report:
    """`distinct` are the shares of different words, and of different pairs of words, in all instructions.

    `likeness` is the mean ROUGE-L of pairs of them. `roots` counts the first word of an instruction with the next
    that is no function word: about verb and object. `facts_stated` of the `facts` of the corpus stand in outputs.
    """

    tasks: int
    sources: dict[str, int]
    distinct_1: float
    distinct_2: float
    likeness: float
    pairs: int
    roots: dict[str, int]
    instruction: Lengths
    input: Lengths
    output: Lengths
    rejected: dict[str, int]
    facts_stated: int
    facts: int

    def markdown(self) -> str:
        """Tables for a reader."""
        return "\n".join([*self._diversity(), "", *self._lengths(), "", *self._rejected()])

    def _diversity(self) -> list[str]:
        roots = list(self.roots.items())[:_TOP]
        rows = [
            ("tasks", f"{self.tasks} ({_counted(self.sources)})"),
            ("distinct words, and pairs of words, in instructions", f"{self.distinct_1:.2f}, {self.distinct_2:.2f}"),
            ("mean ROUGE-L of two instructions", f"{self.likeness:.2f} (n {self.pairs} pairs)"),
            ("different beginnings (about verb and object)", f"{len(self.roots)}; most: {_counted(dict(roots))}"),
            ("facts of the corpus that outputs state", f"{self.facts_stated} of {self.facts}"),
        ]
        return _table(("diversity", "value"), rows)

    def _lengths(self) -> list[str]:
        parts = (("instruction", self.instruction), ("input, where there is one", self.input), ("output", self.output))
        rows = [(name, f"{s.mean:.1f}", f"{s.median:.0f}", f"{s.p95:.0f}", str(s.n)) for name, s in parts]
        return _table(("words of", "mean", "median", "p95", "n"), rows)

    def _rejected(self) -> list[str]:
        rows = [(reason, str(count)) for reason, count in self.rejected.items()] or [("none", "0")]
        return _table(("rejected because", "tasks"), rows)


def describe(tasks: Sequence[Task], rejected: Mapping[str, int], stated: int, facts: int, rng: random.Random) -> Report:
    """The report of the tasks of one file."""
    instructions = [words(task.instruction) for task in tasks]
    every = list(combinations(range(len(tasks)), 2)) if len(tasks) <= 100 else None
    pairs = rng.sample(every, min(_PAIRS, len(every))) if every is not None else _drawn(len(tasks), rng)
    return Report(
        tasks=len(tasks),
        sources=dict(Counter(task.source for task in tasks)),
        distinct_1=_distinct(instructions, lambda text: text),
        distinct_2=_distinct(instructions, lambda text: list(pairwise(text))),
        likeness=mean([rouge_l(instructions[a], instructions[b]) for a, b in pairs]) if pairs else 0.0,
        pairs=len(pairs),
        roots=dict(Counter(_root(text) for text in instructions if text).most_common()),
        instruction=_lengths(map(len, instructions)),
        input=_lengths(len(words(task.input)) for task in tasks if task.input),
        output=_lengths(len(words(task.output)) for task in tasks),
        rejected=dict(Counter(rejected).most_common()),
        facts_stated=stated,
        facts=facts,
    )


def _drawn(n: int, rng: random.Random) -> list[tuple[int, int]]:
    return [(one, other) for one, other in (rng.sample(range(n), 2) for _ in range(_PAIRS))]


def _distinct(texts: Iterable[list[str]], grams: Callable[[list[str]], Sequence[object]]) -> float:
    """Different n-grams over all n-grams (distinct-n, arXiv:1510.03055)."""
    found = [gram for text in texts for gram in grams(text)]
    return len(set(found)) / len(found) if found else 0.0


def _root(text: Sequence[str]) -> str:
    return " ".join([text[0], *[word for word in text[1:] if word not in _FUNCTION_WORDS][:1]])


def _lengths(counts: Iterable[int]) -> Lengths:
    found = sorted(counts)
    if len(found) < 2:
        only = float(sum(found))
        return Lengths(only, only, only, len(found))
    cuts = quantiles(found, n=20, method="inclusive")
    return Lengths(mean(found), cuts[9], cuts[18], len(found))


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (columns, ["---"] * len(columns), *rows)]
