"""What a corpus says and what weights hold of it, in bits: the view of training as lossy compression.

Counting follows arXiv:2404.05405 (section 2), which knows the sets that names and values were drawn from. Here these
sets are those that the corpus shows; the description of the sets themselves is left out, so that all counts err low.
"""

import math
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kinject.corpus import Corpus
from kinject.systems._diagnosis import Observation
from kinject.systems.sft.trained import Trained
from kinject.types import Fact, Outcome, Record


@dataclass(frozen=True, slots=True)
class Bits:
    """Of a corpus: which value each fact has, when it holds, and which of the possible names its entities have."""

    values: float
    days: float
    names: float

    @property
    def total(self) -> float:
        return self.values + self.days + self.names


def of_corpus(corpus: Corpus) -> Bits:
    """A fact costs log2 V bits, V being the distinct values of its relation, and log2 D for one of D first days.

    N names cost N log2(N0 / N): N0 are the names that could be put together from the words that the corpus has at each
    place of a name, as first, middle and last names are in the paper.
    """
    values = _values(corpus)
    days: dict[str, set[object]] = defaultdict(set)
    for fact in corpus.facts:
        days[fact.relation].add(fact.valid_from)
    which = sum(_bits_of(fact, values) for fact in corpus.facts)
    when = sum(math.log2(len(days[fact.relation])) for fact in corpus.facts)
    return Bits(which, when, _names(corpus.entities()))


def of_documents(corpus: Corpus) -> int:
    """UTF-8, as it is."""
    return 8 * sum(len(document.text.encode()) for document in corpus.documents)


def of_documents_compressed(corpus: Corpus) -> int:
    """By zlib at its best, all pages in one stream."""
    return 8 * len(zlib.compress("\n".join(document.text for document in corpus.documents).encode(), 9))


def on_disk(folder: Path) -> int:
    """Of all files below a folder, such as the index of rag or the weights; 0 where there is none."""
    return 8 * sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def stored(corpus: Corpus, asked: Sequence[tuple[tuple[str, ...], bool]]) -> list[float]:
    """For each question, of which the facts asked for and whether it was answered right: bits of a corpus like it.

    Their mean estimates the bits about current values that are stored, under the assumption that a value is known or
    guessed among the V of its relation: a right answer is worth log2 V bits, a wrong one -log2(V) / (V - 1), so that
    guessing is worth nothing. What is known and was not said does not count: a lower bound. Scaled to all the
    questions that can be asked, one for each subject and relation. Nothing is less than nothing: a model that answers
    worse than by chance stores 0.
    """
    facts, values = {fact.id: fact for fact in corpus.facts}, _values(corpus)
    questions = len({(fact.subject, fact.relation) for fact in corpus.current().facts})
    found = []
    for ids, is_right in asked:
        for_each = [(_bits_of(facts[id], values), len(values[facts[id].relation])) for id in ids if id in facts]
        found.append(questions * sum(bits if is_right else -bits / max(1, v - 1) for bits, v in for_each))
    return found if sum(found) > 0 else [0.0] * len(found)


def diagnose(system: Trained, corpus: Corpus, records: Sequence[Record]) -> Iterator[Observation]:
    """The corpus in bits, and how many of them the recall probes show in the weights; each estimated by entity."""
    bits, values = of_corpus(corpus), _values(corpus)
    beside = bits.total - bits.values
    for fact in corpus.facts:
        yield _observed("bits_of_corpus", len(corpus.facts) * _bits_of(fact, values) + beside, fact.subject)
    for document in corpus.documents:
        size = 8 * len(document.text.encode()) * len(corpus.documents)
        yield _observed("bits_of_documents", size, document.id)
    recall = [record for record in records if record.probe.kind == "recall"]
    asked = [(record.probe.facts, record.verdicts[0].outcome is Outcome.CORRECT) for record in recall]
    for record, value in zip(recall, stored(corpus, asked), strict=True):
        yield _observed("bits_stored", value, record.probe.subject)
        yield _observed("bits_per_parameter", value / system.parameters, record.probe.subject)


def _observed(metric: str, value: float, cluster: str) -> Observation:
    return Observation("capacity", metric, value, cluster)


def _values(corpus: Corpus) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for fact in corpus.facts:
        found[fact.relation].add(fact.object)
    return found


def _bits_of(fact: Fact, values: dict[str, set[str]]) -> float:
    return math.log2(len(values[fact.relation]))


def _names(names: Sequence[str]) -> float:
    places: dict[int, Counter[str]] = defaultdict(Counter)
    words = [name.split() for name in names]
    most = max(map(len, words), default=0)
    for name in words:
        for place in range(most):
            places[place][name[place] if place < len(name) else ""] += 1
    possible = sum(math.log2(len(found)) for found in places.values())
    return len(names) * (possible - math.log2(len(names))) if names else 0.0
