"""Days in running text, to the precision that they are stated with.

A key is 2024-05-03, 2024-05 or 2024. Reads English month names only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from kinject.corpus.days import MONTHS

_NAMES = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in MONTHS) + "|Sept"
_ORDINAL = r"(?:st|nd|rd|th)?"
_DAY = re.compile(
    rf"""(?<![\w.,/-])(?:
      (?P<y1>\d{{4}})-(?P<m1>\d{{1,2}})(?:-(?P<d1>\d{{1,2}})(?:T\d\d:[\d:.]{{2,15}}Z?)?)?
    | (?P<y7>\d{{4}})[/.](?P<m7>\d{{1,2}})[/.](?P<d7>\d{{1,2}})
    | (?P<d2>\d{{1,2}}){_ORDINAL}[ ]{{1,2}}(?:of[ ])?(?P<m2>{_NAMES})\.?,?[ ]{{1,2}}(?P<y2>\d{{4}})
    | (?P<m3>{_NAMES})\.?[ ]{{1,2}}(?P<d3>\d{{1,2}}){_ORDINAL},?[ ]{{1,2}}(?P<y3>\d{{4}})
    | (?P<m4>{_NAMES})\.?,?[ ]{{1,2}}(?:of[ ])?(?P<y4>\d{{4}})
    | (?P<a5>\d{{1,2}})[-/.](?P<b5>\d{{1,2}})[-/.](?P<y5>\d{{4}})
    | (?P<y6>[12]\d{{3}})
    )(?![\w]|[.,/]\d)""",
    re.VERBOSE | re.IGNORECASE,
)
# After a range's dash a year may begin: 1861-1865.
_RANGE = re.compile(r"(?<=\d{4})-(?=[12]\d{3}(?!\d))")


@dataclass(frozen=True, slots=True)
class Stated:
    """A day in a text. 03/05/2024 has two readings; all others have one."""

    keys: tuple[str, ...]
    start: int
    end: int

    @property
    def year_only(self) -> bool:
        return len(self.keys[0]) == 4


def find_days(cleaned: str) -> Iterator[Stated]:
    """Every day, month or year that the text states; days that do not exist are passed over."""
    for found in _DAY.finditer(_RANGE.sub("\0", cleaned)):
        parts = {name: text for name, text in found.groupdict().items() if text}
        keys = tuple(dict.fromkeys(filter(None, _readings(parts))))
        if keys:
            yield Stated(keys, found.start(), found.end())


def _readings(parts: dict[str, str]) -> Iterator[str]:
    if "y5" in parts:
        yield _key(parts["y5"], parts["b5"], parts["a5"])
        yield _key(parts["y5"], parts["a5"], parts["b5"])
    else:
        by_field = {name[0]: text for name, text in parts.items()}
        yield _key(by_field["y"], by_field.get("m", ""), by_field.get("d", ""))


def _key(year: str, month: str, day: str) -> str:
    if not month:
        return year
    number = int(month) if month.isdecimal() else _NUMBERS[month[:3].casefold()]
    try:
        whole = date(int(year), number, int(day or 1))
    except ValueError:
        return ""
    return whole.isoformat() if day else whole.isoformat()[:7]


_NUMBERS = {name[:3].casefold(): number for number, name in enumerate(MONTHS, start=1)}
