"""Days as people write them in questions and documents, and back.

Knows English month names only, and nothing of hours, time zones or relative words such as "yesterday".
"""

import re
from datetime import date

from kinject.errors import CorpusError

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

_NAMES = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in MONTHS) + "|Sept"
_ORDINAL = r"(?:st|nd|rd|th)?"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<year>\d{4})(?:-(?P<number>\d{1,2})(?:-(?P<day>\d{1,2}))?)?",
        rf"(?P<day>\d{{1,2}}){_ORDINAL}\s+(?:of\s+)?(?P<month>{_NAMES})\.?,?\s+(?P<year>\d{{4}})",
        rf"(?P<month>{_NAMES})\.?\s+(?P<day>\d{{1,2}}){_ORDINAL},?\s+(?P<year>\d{{4}})",
        rf"(?P<month>{_NAMES})\.?,?\s+(?P<year>\d{{4}})",
    )
)


def format_day(day: date) -> str:
    """The day as corpora and questions write it: 3 May 2024."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def parse_day(text: str) -> date:
    """Read 2024-05-03, 3 May 2024 or May 3, 2024; a month alone is its 15th, a year alone its 1 July.

    Raises CorpusError for anything else, and for days that do not exist.
    """
    for pattern in _PATTERNS:
        if found := pattern.fullmatch(text.strip()):
            return _day(text, found.groupdict())
    raise CorpusError(f"cannot read {text!r} as a day; write it as 2024-05-03, 3 May 2024, May 2024 or 2024")


def _day(text: str, parts: dict[str, str | None]) -> date:
    name, number = parts.get("month"), parts.get("number")
    month = [m[:3].lower() for m in MONTHS].index(name[:3].lower()) + 1 if name else int(number or 7)
    whole_month = "15" if name or number else "1"
    try:
        return date(int(parts["year"] or 0), month, int(parts.get("day") or whole_month))
    except ValueError as error:
        raise CorpusError(f"there is no such day as {text!r}: {error}") from error
