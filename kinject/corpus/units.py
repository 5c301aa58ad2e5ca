"""Units of measure and currencies: what a word means, what a header says, and conversion within a dimension.

pint knows the units; currencies are a table here, and are never converted.
"""

import functools
import re
from dataclasses import dataclass
from typing import Any

SYMBOLS = {
    "$": "USD",
    "\u20ac": "EUR",
    "\u00a3": "GBP",
    "\u00a5": "JPY",
    "\u20b9": "INR",
    "\u20a9": "KRW",
    "\u20bd": "RUB",
}
SYMBOLS |= {
    "\u20aa": "ILS",
    "\u20ba": "TRY",
    "\u20ab": "VND",
    "\u20b4": "UAH",
    "US$": "USD",
    "R$": "BRL",
    "z\u0142": "PLN",
}
_CODES = (
    "AED ARS AUD BDT BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR IRR ISK JPY KES KRW KWD "
    "LKR MAD MXN MYR NGN NOK NZD PEN PHP PKR PLN QAR RON RSD RUB SAR SEK SGD THB TND TRY TWD UAH USD UYU VND ZAR"
)
CURRENCIES = frozenset(_CODES.split())
SPELLED = {"euro": "EUR", "euros": "EUR", "dollar": "USD", "dollars": "USD", "pcs": "pcs", "pieces": "pcs"}
_UNIT = re.compile(
    r"(%|\u00b0|[^\W\d_]{1,12}|[\u00b0\u00b5][^\W\d_]{1,3})[\u00b2\u00b3]?(/[^\W\d_]{1,8}[\u00b2\u00b3]?)?"
)
_SAMPLES = ("kg", "m", "s", "kelvin", "A", "m**2", "m**3", "m/s", "Hz", "J", "W", "Pa", "N", "V", "A*h")
# Words of headers that pint reads as units: a count of years is "years", but birth_year is a year.
_SHORT = frozenset(("g", "m", "W", "V"))
_BYTES = frozenset(("B", "kB", "KB", "MB", "GB", "TB", "kb", "mb", "gb", "tb"))


@dataclass(frozen=True)
class Header:
    label: str
    unit: str = ""


@functools.lru_cache(maxsize=4096)
def unit_of(word: str) -> str:
    """A unit or currency as facts write it; "" for a word that is none."""
    word = word.strip().rstrip(".")
    if word in SYMBOLS or word.casefold() in SPELLED:
        return SYMBOLS.get(word) or SPELLED[word.casefold()]
    if word.upper() in CURRENCIES and word in (word.upper(), word.lower()):
        return word.upper()
    return word if word in _BYTES or is_measure(word) else ""


def is_currency(unit: str) -> bool:
    return unit in CURRENCIES


@functools.cache
def is_measure(word: str) -> bool:
    """Whether pint knows the word as a unit of a quantity that products and people have."""
    if word in ("%", "\u00b0") or word in _BYTES:
        return True
    parsed = _parse(word)
    return parsed is not None and parsed.dimensionality in _dimensions()


def convert(amount: float, unit: str, to: str) -> float | None:
    """The amount in another unit; None where the dimensions differ or a unit is unknown."""
    one, two = _parse(unit), _parse(to)
    if one is None or two is None or one.dimensionality != two.dimensionality:
        return None
    return float(_registry().Quantity(amount, one).to(two).magnitude)


def header_unit(header: str) -> Header:
    """Split "weight_kg", "price (EUR)" and "Length [mm]" into what is measured and its unit."""
    if found := re.fullmatch(r"(.+?)\s*[(\[]\s*(?:in\s+)?([^()\[\]]{1,12})\s*[)\]]", header.strip()):
        unit = unit_of(found[2])
        return Header(found[1], unit) if unit else Header(header)
    found = re.fullmatch(r"(.*?[^\W\d_].*?)(?:[_\s-]in)?[_\s-]+([^\s_.-]+)", header.strip())
    unit = unit_of(found[2]) if found else ""
    if found and unit and _is_suffix(found[2], unit):
        return Header(found[1], unit)
    return Header(header)


def _is_suffix(word: str, unit: str) -> bool:
    if is_currency(unit) or word in _SHORT | _BYTES:
        return True
    parsed = _parse(word)
    if parsed is None or len(word) < 2:
        return False
    return word in (f"{parsed:~}", f"{parsed:~}".lower()) or (len(word) > 3 and word.endswith("s"))


@functools.cache
def _parse(word: str) -> Any:
    """None for what is no unit. Arithmetic does not reach pint, which evaluates it and fails on half of it."""
    import pint

    if not _UNIT.fullmatch(word):
        return None
    word = {"\u00b0": "degree", "sec": "s", "hrs": "hours", "inches": "inch"}.get(word, word)
    if word.casefold() in ("kmh", "mph", "kph"):
        word = "mile/hour" if word.casefold() == "mph" else "km/hour"
    word = word.replace("\u00b2", "**2").replace("\u00b3", "**3")
    try:
        return _registry().parse_units(word)
    except (pint.PintError, ValueError, TypeError, AssertionError):  # the last for letters that begin no name in Python
        return None


@functools.cache
def _dimensions() -> frozenset[Any]:
    return frozenset(_registry().parse_units(sample).dimensionality for sample in _SAMPLES)


@functools.cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry()
