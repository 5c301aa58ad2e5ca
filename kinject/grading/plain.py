"""How to grade a probe of no relation, by its gold values alone: as a quantity, as a day, or as words.

There is no domain of values to look in, so of other answers only numbers and days are told apart.
"""

import re

from kinject.grading.days import find_days
from kinject.grading.quantities import ANY_UNIT, find_quantities, stated_unit
from kinject.grading.words import clean
from kinject.types import Probe, Relation

_ASKS_WHEN = re.compile(r"\b(?:when|years?|dates?|days?)\b", re.IGNORECASE)


def plain_relation(probe: Probe) -> Relation:
    """A relation without a name and without facts, of the kind that the gold values have."""
    gold = [clean(value.strip()) for value in probe.gold]
    if gold and all(_is_day(value, probe.question) for value in gold):
        return Relation("", "date", (), (), ())
    if gold and all(_is_quantity(value) for value in gold):
        return Relation("", "number", (), (), (), unit=stated_unit(gold[0]) or ANY_UNIT)
    return Relation("", "text", (), (), ())


def _is_day(cleaned: str, question: str) -> bool:
    """1862 is a year only where the question asks for one."""
    days = list(find_days(cleaned))
    whole = len(days) == 1 and (days[0].start, days[0].end) == (0, len(cleaned))
    return whole and (not days[0].year_only or _ASKS_WHEN.search(question) is not None)


def _is_quantity(cleaned: str) -> bool:
    """A number in digits and its unit, and nothing else."""
    found = list(find_quantities(cleaned, stated_unit(cleaned)))
    return len(found) == 1 and found[0].digits > 0 and (found[0].start, found[0].end) == (0, len(cleaned))
