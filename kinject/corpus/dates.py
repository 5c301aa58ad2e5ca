"""Read a column of days, in the order of day and month that fits the whole column.

Years alone are days of low resolution and stay years. Hours are left out with a note.
"""

import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from kinject.corpus.days import format_day, parse_day
from kinject.corpus.reading import Hints, Reading, Value, is_missing
from kinject.errors import CorpusError

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?P<time>[T ]\d{1,2}:\d{2}.*)?", re.ASCII)
_SHORT = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?P<time>[T ]\d{1,2}:\d{2}.*)?", re.ASCII)
# A day, a month in letters and a year: what is left to dateparser, which reads far too much into shorter texts.
_WORDS = re.compile(r"(?=.*\d{4})(?=(?:\D*\d){5,8}\D*$)(?=.*[^\W\d_]).{8,40}")
_YEAR_LABEL = re.compile(r"\b(year|founded|established|born|died|built|since)\b")
_MIDNIGHT = re.compile(r"[T ]0{1,2}:00(:00(\.0+)?)?(Z|[+-]00:?00)?")


def read_dates(cells: Sequence[str], hints: Hints) -> Reading:
    """Cells that are no day are None."""
    if _YEAR_LABEL.search(hints.label.casefold()) and _all_years(cells):
        return Reading("date", tuple(None if is_missing(cell) else Value(cell) for cell in cells))
    order, doubtful = hints.date_order or _order(cells), not hints.date_order and _is_doubtful(cells)
    days = [None if is_missing(cell) else read_day(cell, order) for cell in cells]
    notes = []
    if doubtful:
        example = next(cell for cell in cells if _SHORT.fullmatch(cell))
        notes.append(f"{example!r} was read as day before month; if that is wrong, say --date-order mdy")
    if any(_has_time(cell) for cell, day in zip(cells, days, strict=True) if day):
        notes.append("the time of day is left out")
    return Reading("date", tuple(Value(format_day(d), (d.isoformat(),)) if d else None for d in days), "", tuple(notes))


def read_day(text: str, order: str = "dmy") -> date | None:
    """One full day in digits, or with a month in words of many languages; None for anything less."""
    if found := _ISO.fullmatch(text):
        return _day(found[1], found[2], found[3])
    if found := _SHORT.fullmatch(text):
        # Points are only written between day and month in this order.
        day, month = (found[3], found[1]) if order == "mdy" and found[2] != "." else (found[1], found[3])
        return _day(found[4], month, day)
    return _worded(text) if _WORDS.fullmatch(text) else None


@lru_cache(maxsize=4096)  # a column is read once to guess what it is, and then again; a text takes 30 ms
def _worded(text: str) -> date | None:
    try:
        return parse_day(text)
    except CorpusError:
        import dateparser  # type: ignore[import-untyped]

        settings = {"STRICT_PARSING": True, "RETURN_AS_TIMEZONE_AWARE": False}
        found = dateparser.parse(text, settings=settings)
        return date(found.year, found.month, found.day) if found else None


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _order(cells: Sequence[str]) -> str:
    short = [found for cell in cells if (found := _SHORT.fullmatch(cell))]
    return "mdy" if any(int(found[3]) > 12 for found in short) else "dmy"


def _is_doubtful(cells: Sequence[str]) -> bool:
    short = [found for cell in cells if (found := _SHORT.fullmatch(cell)) and found[2] != "."]
    return bool(short) and all(int(found[1]) <= 12 and int(found[3]) <= 12 for found in short)


def _all_years(cells: Sequence[str]) -> bool:
    years = [cell for cell in cells if not is_missing(cell)]
    return bool(years) and all(re.fullmatch(r"(1[0-9]|20)\d\d", cell) for cell in years)


def _has_time(cell: str) -> bool:
    found = _ISO.fullmatch(cell) or _SHORT.fullmatch(cell)
    return bool(found and found["time"] and not _MIDNIGHT.fullmatch(found["time"]))
