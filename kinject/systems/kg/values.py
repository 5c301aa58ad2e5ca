"""When two texts name the same value: "1.10 kg" and "1.1 kg.", "2024-05-03" and "3 May 2024".

Units are compared, not converted. Answers are graded elsewhere; this serves look-ups by value only.
"""

import re

from kinject.corpus import parse_day
from kinject.errors import CorpusError
from kinject.systems._names import fold
from kinject.types import Fact, Relation

_NUMBER = re.compile(r"[-+]?\d[\d,.]*")
_THOUSANDS = re.compile(r",(?=\d{3}(?!\d))")
_ITEM = re.compile(r"\s*[,;]\s*|\s+and\s+")


def keys(text: str, relation: Relation) -> frozenset[str]:
    """Every form under which a value of this relation is looked up; two values are equal if they share one."""
    found = {fold(text)}
    if relation.kind == "number":
        found |= _number_keys(text, relation.unit)
    elif relation.kind == "date":
        found |= _date_keys(text)
    elif relation.kind == "list":
        found |= {fold(item) for item in _ITEM.split(text)}
    return frozenset(found - {""})


def keys_of(fact: Fact, relation: Relation) -> frozenset[str]:
    """Every form under which a fact is found by its value or by another name of that."""
    return frozenset[str]().union(*(keys(text, relation) for text in (fact.object, *fact.aliases)))


def _number_keys(text: str, unit: str) -> set[str]:
    numbers = _NUMBER.findall(text)
    if len(numbers) != 1:
        return set()
    try:
        amount = float(_THOUSANDS.sub("", numbers[0]).rstrip(".,").replace(",", "."))
    except ValueError:
        return set()
    given = fold(text.replace(numbers[0], " ")) or _symbols(text)
    wanted = fold(unit) or _symbols(unit)
    # A bare number is in the relation's own unit; in another unit it is another value.
    return {f"{amount:g} {wanted}" if given in ("", wanted) else f"{amount:g} {given}"}


def _date_keys(text: str) -> set[str]:
    try:
        return {parse_day(text.strip().rstrip(".")).isoformat()}
    except CorpusError:
        return set()


def _symbols(text: str) -> str:
    return "".join(re.findall(r"[^\w\s.,+-]", text))
