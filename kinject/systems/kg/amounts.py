"""A value as a number that can be ordered and added: "0.24 kg", "$1,200", or a day.

Measures of one dimension are converted, currencies never. It knows nothing of facts, graphs or tools.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from kinject.corpus import parse_day
from kinject.corpus.numbers import parse_quantity
from kinject.corpus.units import convert, is_currency, is_measure, unit_of
from kinject.errors import CorpusError
from kinject.systems._names import fold

_NUMBER = re.compile(r"[-+\u2212]?[.,]?\d(?:[\d.,'\u2019\s]*\d)?")
_ANOTHER = re.compile(r"(?<![^\W\d_])\d")  # a digit that does not belong to a unit such as m2
_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Amount:
    """`before` and `after` are what the value writes around its number: "$" or " kg"."""

    number: Decimal
    unit: str = ""
    before: str = ""
    after: str = ""

    def written(self, number: Decimal) -> str:
        """Another number in the form of this amount, with four decimals at most, or four digits below 0.1."""
        return f"{self.before}{_rounded(number)}{self.after}"

    def number_in(self, unit: str) -> Decimal | None:
        """The number in a unit, a bare number being in any; None where it cannot be converted."""
        if self.unit in ("", unit):
            return self.number
        if is_currency(self.unit) or is_currency(unit) or not (is_measure(self.unit) and is_measure(unit)):
            return None
        converted = convert(float(self.number), self.unit, unit)
        # Twelve digits: 300 g are 0.3 kg, whatever the binary fraction says.
        return None if converted is None else Decimal(f"{converted:.12g}")


def read_amount(text: str) -> Amount | None:
    """The one number of a text with its unit; None for a text without one, a range or a code."""
    found = _NUMBER.search(text)
    quantity = (parse_quantity(found[0], ".") or parse_quantity(found[0], ",")) if found else None
    if not found or not quantity or quantity.unit:
        return None
    before, after = text[: found.start()].lstrip(), text[found.end() :].rstrip(" .")
    if _ANOTHER.search(after):
        return None
    if before and not is_currency(unit_of(before)):
        return None
    unit = " ".join(plain_unit(part) for part in (before, after) if part)
    return Amount(Decimal(quantity.amount), unit, before, after)


def read_day(text: str) -> Amount | None:
    """A day, or a year or month by its middle, as the number of days since the year 1."""
    try:
        return Amount(Decimal(parse_day(text.strip().rstrip(".")).toordinal()))
    except CorpusError:
        return None


def plain_unit(word: str) -> str:
    """One spelling for a unit: "$" is USD, and "seats", which no table knows, is the unit of "1 seat"."""
    return unit_of(word) or fold(word).removesuffix("s") or word.strip()


def common(amounts: Sequence[Amount], own: str) -> Amount:
    """The amount in whose form all are told: in the unit `own` if any is, else in the commonest, as most write it."""
    units = Counter(amount.unit for amount in amounts if amount.unit)
    unit = own if own in units else next((unit for unit, _ in units.most_common(1)), "")
    forms = Counter((amount.before, amount.after) for amount in amounts if amount.unit == unit)
    return max(
        (amount for amount in amounts if amount.unit == unit), key=lambda amount: forms[amount.before, amount.after]
    )


def _rounded(number: Decimal) -> str:
    """Decimals are counted from the first that is not zero, so that 0.00012345 is not lost."""
    number = number or Decimal(0)
    places = _DECIMALS - 1 - min(number.adjusted(), -1)
    return f"{number:.{places}f}".rstrip("0").rstrip(".")
