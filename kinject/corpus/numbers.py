"""Read a column of numbers: "1.299,00", "1.2 kg" beside "850 g", "$5".

One decimal mark and one unit hold for a column. Guesses that could be otherwise are noted.
"""

import functools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from kinject.corpus.reading import Hints, Reading, Value, is_missing, share
from kinject.corpus.units import SYMBOLS, convert, is_currency, unit_of

_QUANTITY = re.compile(
    r"(?P<before>[^\d\s+\-\u2212.,]{1,3})?\s*"
    r"(?P<amount>[-+\u2212]?"
    r"(?:\d+(?:\.\d+)?[eE][+-]\d+|[\d.,'\u2019]*\d|\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?:[.,]\d+)?))\s*"
    r"(?P<after>[^\d\s,.+-][^\d]{0,11}[\u00b2\u00b3]?)?"
)
# Written out, 1e+99999999 is a hundred million digits: beyond what a float can hold it is no number.
_POWER_OF_TEN = re.compile(r"[-\d.]+[eE][+-]0*[0-2]?\d?\d")
_MARKS = {".": ",", ",": "."}
_GROUPING = {mark: re.compile(rf"{re.escape(group)}|['\u2019 \u00a0\u202f]") for mark, group in _MARKS.items()}
_PLAIN = {
    mark: re.compile(
        rf"-?(?:0|[1-9]\d*|[1-9]\d{{0,2}}(?:(?:{_GROUPING[mark].pattern})\d{{3}})+)?(?:{re.escape(mark)}\d+)?"
    )
    for mark in _MARKS
}


@dataclass(frozen=True)
class Quantity:
    amount: str
    unit: str = ""


@functools.lru_cache(maxsize=1 << 17)
def parse_quantity(text: str, decimal: str = ".") -> Quantity | None:
    """A number with its unit, if it has one; None for anything else, codes with leading zeros included."""
    found = _QUANTITY.fullmatch(text.strip())
    if not found:
        return None
    before, after = found["before"] or "", (found["after"] or "").strip()
    if before and (after or not is_currency(unit_of(before))):
        return None
    amount = _amount(found["amount"], decimal)
    return Quantity(amount, unit_of(before) or unit_of(after) or after) if amount else None


def read_numbers(cells: Sequence[str], hints: Hints) -> Reading:
    """Cells that are no number are None. Amounts in other units of the same dimension are converted."""
    decimal = decimal_mark(cells, hints.decimal)
    mark = decimal.mark
    found = [None if is_missing(cell) else parse_quantity(cell, mark) for cell in cells]
    units = Counter(q.unit for q in found if q and q.unit)
    unit = hints.unit or next((word for word, _ in units.most_common(1)), "")
    values = tuple(_value(q, cell, unit, mark) if q else None for q, cell in zip(found, cells, strict=True))
    notes = []
    if decimal.doubtful:
        example = next(cell for cell in cells if cell and _differs(cell))
        notes.append(
            f"{example!r} was read with decimal mark {mark!r}; if that is wrong, say --decimal {_MARKS[mark]!r}"
        )
    if others := sorted(word for word in units if singular(word) != singular(unit)):
        notes.append(f"{', '.join(others)} converted to {unit}")
    return Reading("number", values, unit, tuple(notes))


@dataclass(frozen=True)
class Mark:
    """`certain`: only this mark makes numbers of the cells; `doubtful`: the other one makes different numbers."""

    mark: str
    certain: bool = False
    doubtful: bool = False


def decimal_mark(cells: Sequence[str], known: str = "") -> Mark:
    """The mark under which most cells are numbers."""
    if known:
        return Mark(known)
    # All other cells read the same under both marks; ten thousand settle it.
    marked = [cell for cell in cells if "." in cell or "," in cell][:10_000]
    point, comma = (share([parse_quantity(cell, mark) for cell in marked], marked) for mark in ".,")
    if point != comma:
        return Mark("." if point > comma else ",", certain=max(point, comma) >= 0.9)
    return Mark(".", doubtful=any(_differs(cell) for cell in marked))


def _differs(cell: str) -> bool:
    one, two = parse_quantity(cell, "."), parse_quantity(cell, ",")
    return one is not None and two is not None and one != two


def _value(quantity: Quantity, cell: str, unit: str, mark: str) -> Value | None:
    own = quantity.unit or unit
    amount = quantity.amount
    if singular(own) == singular(unit):
        unit = own  # "1 year" beside "2 years" is no amount in another unit
    else:
        converted = convert(float(amount), own, unit)
        if converted is None:
            return None
        amount = format(Decimal(f"{converted:.6g}"), "f")
    text = with_unit(amount, unit)
    # "1.299,00" would be read as another number by whoever knows only points.
    told = mark == "." and (own != unit or any(symbol in cell for symbol in SYMBOLS))
    return Value(text, (cell,) if told and cell != text else ())


def singular(unit: str) -> str:
    """The name of a unit without its plural: year of years; abbreviations stay."""
    return unit[:-1] if len(unit) > 3 and unit.endswith("s") else unit


def with_unit(amount: str, unit: str) -> str:
    """As facts write it: 27.12 EUR, 12%, 27.12."""
    return f"{amount}{unit}" if unit in ("%", "\u00b0") else f"{amount} {unit}".strip()


def _amount(text: str, decimal: str) -> str:
    if not text.isascii():
        text = "".join(str(int(c)) if c.isdecimal() else c for c in text).replace("\u2212", "-")
    text = text.lstrip("+")
    if "e" in text.lower():
        return format(Decimal(text), "f") if _POWER_OF_TEN.fullmatch(text) else ""
    if not _PLAIN[decimal].fullmatch(text) or not text.strip("-"):
        return ""
    plain = _GROUPING[decimal].sub("", text).replace(decimal, ".")
    return re.sub(r"^(-?)\.", r"\g<1>0.", plain)
