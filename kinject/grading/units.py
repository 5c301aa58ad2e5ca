"""Units as people write them after (or, for money, before) a number, and the way from one to another.

Lengths, weights, times and the like are converted by pint; currencies and counted things only equal themselves.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

import pint

from kinject.grading.words import word_set

_CURRENCIES = {
    "EUR": ("€", "eur", "euro", "euros"),
    "USD": ("$", "usd", "us$", "dollar", "dollars"),
    "GBP": ("£", "gbp", "pound sterling", "quid"),
    "JPY": ("¥", "jpy", "yen"),
    "CHF": ("chf", "francs", "franken"),
    "INR": ("₹", "inr", "rupee", "rupees"),
    "CAD": ("cad", "c$"),
    "AUD": ("aud", "a$"),
    "CNY": ("cny", "rmb", "yuan"),
    "SEK": ("sek",),
    "NOK": ("nok",),
    "DKK": ("dkk",),
}
CURRENCY_OF = {spelling: code for code, spellings in _CURRENCIES.items() for spelling in spellings}
# What pint would misread or does not know.
_SPELLINGS = {
    '"': "inch",
    "\u2033": "inch",
    "'": "foot",
    "\u2032": "foot",
    "hrs": "hour",
    "hr": "hour",
    "mins": "minute",
    "secs": "second",
    "sec": "second",
    "yr": "year",
    "yrs": "year",
    "mo": "month",
    "mos": "month",
    "mth": "month",
    "mths": "month",
    "kilo": "kilogram",
    "kilos": "kilogram",
    "kgs": "kilogram",
    "gr": "gram",
    "grs": "gram",
    "gm": "gram",
    "lbs": "pound",
    "ltr": "liter",
    "cc": "milliliter",
    "sqm": "meter**2",
    "sq m": "meter**2",
    "°c": "degC",
    "°f": "degF",
    **{f"degree{s} {name}": "degC" for s in ("", "s") for name in ("celsius", "c")},
    **{f"degree{s} {name}": "degF" for s in ("", "s") for name in ("fahrenheit", "f")},
    "kph": "kilometer/hour",
    "kmh": "kilometer/hour",
    "percent": "percent",
    "pct": "percent",
}
# English words that pint reads as units: "349 in total" is not a length.
_WORDS = word_set("a am an are as at be but by do go has he her his is it me no or per so to us we was")


@dataclass(frozen=True, slots=True)
class Conversion:
    """value in the target unit = scale * stated + offset."""

    scale: float
    offset: float = 0.0

    @property
    def exact(self) -> bool:
        return (self.scale, self.offset) == (1.0, 0.0)


SAME = Conversion(1.0)


def currency(unit: str) -> str:
    """The code of a currency, or ''."""
    return CURRENCY_OF.get(unit.casefold(), "")


@lru_cache(maxsize=8_192)
def conversion(unit: str, target: str) -> Conversion | None:
    """From one unit to another; None where there is none."""
    if _counted(unit) == _counted(target):
        return SAME
    if unit.casefold() in _WORDS:
        return None
    if currency(unit) or currency(target):
        return SAME if currency(unit) == currency(target) else None
    for spelling in _spellings(unit):
        for goal in _spellings(target):
            if found := _physical(spelling, goal):
                return found
    # 5 C is five degrees where a temperature was asked for, and five coulombs elsewhere.
    return conversion(f"°{unit}", target) if unit in ("C", "F") else None


@lru_cache(maxsize=8_192)
def is_unit(word: str) -> bool:
    """Is the word a unit of anything? Short English words are not."""
    if currency(word) or word.casefold() in _SPELLINGS:
        return True
    return word.casefold() not in _WORDS and len(word) < 24 and any(_known(s) for s in _spellings(word))


def _counted(unit: str) -> str:
    """Speeds and speed are the same counted thing."""
    text = unit.casefold().strip().rstrip(".")
    return text[:-1] if len(text) > 3 and text.endswith("s") else text


def _spellings(unit: str) -> tuple[str, ...]:
    """The ways to read a unit, most literal first; m2 and m² are a power."""
    if unit.casefold() in _SPELLINGS:
        return (_SPELLINGS[unit.casefold()],)
    power = re.sub(r"(?<=[^\W\d_])([23])(?!\d)", r"**\1", unit.replace("²", "2").replace("³", "3").replace(" ", "_"))
    return tuple(dict.fromkeys((power, power.lower())))


def _physical(unit: str, target: str) -> Conversion | None:
    if not (_known(unit) and _known(target)):
        return None
    registry = _registry()
    try:
        zero = float(registry.Quantity(0.0, unit).to(target).magnitude)
        one = float(registry.Quantity(1.0, unit).to(target).magnitude)
    except (pint.DimensionalityError, pint.OffsetUnitCalculusError, ZeroDivisionError):
        return None
    return Conversion(one - zero, zero)


@lru_cache(maxsize=8_192)
def _known(unit: str) -> bool:
    # Only letters, a slash and small powers reach pint, which would otherwise evaluate arithmetic.
    if not re.fullmatch(r"[^\W\d_]{1,24}(?:_[^\W\d_]{1,24})?(?:\*\*[23])?(?:/[^\W\d_]{1,24}(?:\*\*[23])?)?|%", unit):
        return False
    try:
        return not _registry().Unit(unit).dimensionless or unit in ("%", "percent")
    except (pint.PintError, AttributeError):
        return False


@cache
def _registry() -> "pint.UnitRegistry[float]":
    return pint.UnitRegistry(cache_folder=None)
