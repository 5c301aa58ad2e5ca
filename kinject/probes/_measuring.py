"""Values as numbers that can be ordered and added, read as the grader reads them; for probes over many facts.

Knows no question and no tool: what a figure is follows from the facts alone.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kinject.corpus import Corpus
from kinject.grading.vocabulary import Vocabulary
from kinject.probes._choosing import Askable
from kinject.types import Fact, Relation


@dataclass(frozen=True, slots=True)
class Measured:
    """A fact that alone tells its subject's value now, and that value: of days, the number of the day."""

    fact: Fact
    number: Decimal


@dataclass(frozen=True, slots=True)
class Scale:
    """A relation with the unit in which its numbers are compared."""

    relation: Relation
    unit: str
    measured: tuple[Measured, ...]

    def written(self, number: Decimal, decimals: int = 4) -> str:
        """With so many decimals at most, or so many digits below 0.1, and the unit."""
        plain = f"{number:.{decimals - 1 - min(number.adjusted(), -1)}f}"
        return f"{plain.rstrip('0').rstrip('.') if '.' in plain else plain} {self.unit}".strip()


def scales(corpus: Corpus, known: list[Askable]) -> list[Scale]:
    """Every relation of numbers or days with at least two values."""
    found = []
    for relation in corpus.relations:
        if relation.kind in ("number", "date"):
            vocabulary = Vocabulary(corpus, relation)
            single = [one.facts[0] for one in known if one.relation.name == relation.name and len(one.facts) == 1]
            numbers = [(fact, _number(vocabulary, fact.object)) for fact in single]
            measured = tuple(Measured(fact, number) for fact, number in numbers if number is not None)
            found += [Scale(relation, vocabulary.unit, measured)] if len(measured) > 1 else []
    return found


def _number(vocabulary: Vocabulary, value: str) -> Decimal | None:
    """None for what is not one number, and for a month or a year: it may begin before a day in it or after."""
    key = vocabulary.typed_key(value)
    if not key or vocabulary.form != "day":
        return Decimal(key) if key else None
    return Decimal(date.fromisoformat(key).toordinal()) if len(key) == len("2024-05-03") else None
