"""Numbers with their units in running text, in the unit of the relation that was asked for.

1,100 is one thousand one hundred and 1,1 is one and a tenth; 1.299 is a thousand and more only for money.
Days must be blanked out before: a year looks like a number.
"""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

from kinject.grading import spoken
from kinject.grading.units import CURRENCY_OF, SAME, Conversion, conversion, currency, is_unit

_CODES = "|".join(sorted((re.escape(s) for s in CURRENCY_OF if len(s) <= 3), key=len, reverse=True))
_LITERAL = r"\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,']\d+)*|(?<!\.)\.\d+"
_NUMBER = re.compile(
    rf"(?<![^\W_])(?<!\d[.,])(?:(?P<lead>{_CODES})\s?)?(?P<sign>[-+](?=[\d€$£¥])|minus )?(?P<literal>{_LITERAL})"
    r"(?:\.-|,-)?(?:[ -]?(?P<multiple>thousand|million|billion|trillion)(?!\w))?",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"(?:[ ](?:full|whole|entire)(?=[ ]))?[ \u00a0\u202f]?-?[ ]?"
    r"(?P<unit>degrees?[ ](?:celsius|fahrenheit|[CF])|"
    r"[^\W\d_][^\W\d_]{0,23}[23]?(?:/[^\W\d_]{1,24}[23]?)?|°[CF]|[%°\"\u2033\u2032€$£¥₹])(?!\w)",
    re.IGNORECASE,
)
ANY_UNIT = "*"  # of a relation whose values are bare numbers, to which an answer may add whatever unit
_RATE = re.compile(r"[ ](?:per|an?|each|every)[ ](second|minute|hour|day|week|month|year)(?!\w)", re.IGNORECASE)
_MULTIPLES = {"": 1, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as stated. `value` is in the relation's unit, None where the unit belongs to something else.

    `slack` is half of the last digit stated, where a conversion may have rounded; 0 without a conversion.
    """

    value: float | None
    start: int
    end: int
    has_unit: bool
    slack: float = 0.0
    digits: int = 0


@dataclass(frozen=True, slots=True)
class _Number:
    """A number without its unit; `currency` is what stood before it."""

    value: float
    decimals: int = 0
    digits: int = 0
    currency: str = ""


def find_quantities(cleaned: str, unit: str) -> Iterator[Quantity]:
    """Every number of the text, in order; those spelled out in words only with a unit or as the whole text."""
    alone = cleaned.strip(string.punctuation + string.whitespace)
    for found in sorted((*_NUMBER.finditer(cleaned), *spoken.NUMBER.finditer(cleaned)), key=lambda m: m.start()):
        number = _number(found, unit) if found.re is _NUMBER else _Number(spoken.value(found))
        if number is None:
            continue
        stated, end = _unit_after(cleaned, found.end(), unit)
        stated = number.currency or stated
        # 75 EUR a month is no amount of money.
        if stated and (rate := _RATE.match(cleaned, end)):
            stated, end = f"{stated}/{rate[1]}", rate.end()
        if found.re is _NUMBER or stated or alone == found.group():
            yield _quantity(number, (found.start(), end), stated, unit)


def _quantity(number: _Number, span: tuple[int, int], stated: str, unit: str) -> Quantity:
    step: Conversion | None = conversion(stated, unit) if stated and unit != ANY_UNIT else SAME
    if step is None:
        return Quantity(None, *span, has_unit=True)
    slack = 0.0 if step.exact else abs(step.scale) * 0.5 * 10.0**-number.decimals
    value = step.scale * number.value + step.offset
    return Quantity(value, *span, has_unit=bool(stated), slack=slack, digits=number.digits)


def quantity_key(value: float) -> str:
    """Equal for equal numbers, whatever the rounding of binary fractions."""
    return f"{value + 0.0:.12g}"


def _number(found: re.Match[str], unit: str) -> _Number | None:
    """The number of a literal; None where its separators make none, as in 1.2.3 or 1,2,3."""
    literal = re.sub(r"[ \u00a0\u202f']", "", found["literal"])
    marks = re.findall(r"[.,]", literal)
    groups = re.split(r"[.,]", literal)
    thousands = all(len(g) == 3 for g in groups[1:]) and 0 < len(groups[0]) <= 3 and groups[0] != "0"
    if len(set(marks)) == 2 and marks.count(marks[-1]) == 1:
        whole, _, decimals = literal.rpartition(marks[-1])
        plain = re.sub(r"[.,]", "", whole) + "." + decimals
    elif len(marks) > 1 or (marks == [","] and thousands) or (marks == ["."] and thousands and currency(unit)):
        plain = "".join(groups) if thousands and len(set(marks)) == 1 else ""
    else:
        plain = literal.replace(",", ".")
    if not plain:
        return None
    sign = -1.0 if found["sign"] in ("-", "minus ") else 1.0
    return _Number(
        value=sign * float(plain) * _MULTIPLES[(found["multiple"] or "").casefold()],
        decimals=len(plain.partition(".")[2]),
        digits=len(plain.replace(".", "").lstrip("0")),
        currency=found["lead"] or "",
    )


def _unit_after(cleaned: str, position: int, unit: str) -> tuple[str, int]:
    """The unit that follows, as written, and where it ends; '' where a plain word follows."""
    rest = cleaned[position : position + len(unit) + 3].lstrip(" -")
    if unit and rest[: len(unit)].casefold() == unit.casefold() and not rest[len(unit) : len(unit) + 1].isalnum():
        skipped = cleaned[position : position + len(unit) + 3].index(rest)
        return unit, position + skipped + len(unit)
    found = _UNIT.match(cleaned, position)
    if found is None:
        return "", position
    word = found["unit"]
    if word == '"' and _closes_a_quotation(cleaned, found.end() - 1):
        return "", position
    if (unit and conversion(word, unit)) or is_unit(word):
        # "12 in total" is a bare number; "12 in" and "12 in." are inches.
        if word.casefold() == "in" and re.match(r" \w", cleaned[found.end() : found.end() + 2]):
            return "", position
        return word, found.end()
    return "", position


def _closes_a_quotation(cleaned: str, position: int) -> bool:
    """Are the inches of 24" the end of "24"?"""
    last = cleaned.rfind('"', 0, position)
    return last >= 0 and not cleaned[last - 1 : last].isalnum() and not cleaned[last + 1].isspace()


def stated_unit(cleaned: str) -> str:
    """The unit of the only number of a text, as written; '' where there is none or more than one number."""
    found = list(_NUMBER.finditer(cleaned))
    if len(found) != 1:
        return ""
    return found[0]["lead"] or _unit_after(cleaned, found[0].end(), "")[0]
