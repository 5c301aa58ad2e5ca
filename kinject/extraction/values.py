"""Where a value ends in running text, and the days between which it held."""

import re
from dataclasses import dataclass
from datetime import date

from kinject.corpus.days import MONTHS, parse_day
from kinject.corpus.units import unit_of
from kinject.errors import CorpusError

_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in MONTHS)
DAY = (
    rf"(?:\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}(?:st|nd|rd|th)? (?:of )?(?:{_MONTH})\.?,? \d{{4}}"
    rf"|(?:{_MONTH})\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}|(?:{_MONTH})\.?,? \d{{4}}|(?:1[0-9]|20)\d\d(?![\w.,]?\d))"
)
_DAY = re.compile(DAY)
_AMOUNT = re.compile(
    r"(?:about |around |only |just |roughly )?"
    r"(?P<text>(?:[$\u20ac\u00a3\u00a5] ?)?[-\u2212]?\d[\d,.' \u00a0]*(?<=\d)(?: ?%| ?\u00b0[CF]?)?)(?P<rest>.*)",
    re.DOTALL,
)
_SPANS = (
    re.compile(rf"\b[Ff]rom (?P<start>{DAY}) (?:to|until|till|through) (?P<end>{DAY})"),
    re.compile(rf"\b[Bb]etween (?P<start>{DAY}) and (?P<end>{DAY})"),
    re.compile(rf"\b(?:ever )?[Ss]ince (?P<start>{DAY})"),
    re.compile(rf"\b(?:[Ff]rom|as of) (?P<start>{DAY}) on(?:wards?)?"),
    re.compile(rf"\b[Uu]ntil (?P<end>{DAY})"),
)
_LEADS = re.compile(rf"(?:[Ff]rom|[Ss]ince|[Uu]ntil|[Bb]etween) {DAY}")
# Who became something on a day is that from then on.
_INCEPTION = re.compile(
    rf"(?:On|In) (?P<start>{DAY}), (?P<rest>.*\b(?:became|was elected|was appointed|was named)\b.*)", re.DOTALL
)
# Words at which a phrase ends; what follows them says something else.
_STOP = re.compile(
    r"\s*(?:[,;:()\u2013\u2014|]| - |\b(?:which|who|whose|where|when|while|since|until|from|between|because|but"
    r"|although|though|so|if|than|whereas|as|ever|after|before|during|once|again|twice|and (?:is|was|are|were|has|had"
    r"|have|it|he|she|they|its|his|her|[a-z]+ed|[a-z]+s)|in (?:1\d|20)\d\d)\b)"
)
_MOST_WORDS = 7
_EMPTY = re.compile(
    r"(?i:the) (?![^\Wa-z_])|(?i:a|an|its|his|her|their|this|that|it|he|she|they|not|no longer|one|very|also|still"
    r"|often|well|some|many|more|most|all|both|only|up|out|there|then|now|so|what|how"
    r"|[a-z]+ed(?: (?:on|by|in|as|to|at|for|with|from)\b|(?=[,.;]|$))|given|known|shown|made|done|set)(?![\w-])"
)


@dataclass(frozen=True)
class Span:
    """The days of a clause, and the clause without them."""

    text: str
    start: date | None = None
    end: date | None = None


def without_span(text: str) -> Span:
    """Take "from ... until ..." and the like out of a clause."""
    for pattern in _SPANS:
        if found := pattern.search(text):
            parts = found.groupdict()
            start, end = (bound(parts.get(name)) for name in ("start", "end"))
            if start and end and start >= end:
                return Span(text)
            rest = f"{text[: found.start()].rstrip()} {text[found.end() :].lstrip(' ,')}".strip()
            return Span(rest, start, end)
    return Span(text)


def without_lead(text: str) -> Span:
    """Take the days in front of a whole sentence out of it: "Since 1 May 2020, it costs 5 EUR"."""
    if found := _INCEPTION.fullmatch(text):
        rest, start = without_span(found["rest"]), bound(found["start"])
        if rest.start is None and not (start and rest.end and start >= rest.end):
            return Span(rest.text, start, rest.end)
    if not _LEADS.match(text):
        return Span(text)
    span = without_span(text)
    return Span(re.sub(r"^(?:this held)?[ :,]*", "", span.text), span.start, span.end)


def value_of(text: str) -> str:
    """The value that the text begins with: a day, an amount with its unit or a phrase of a few words; else ""."""
    text = text.strip()
    if found := _DAY.match(text):
        return found[0]
    if found := _AMOUNT.match(text):
        return found["text"].strip() + _unit(found["rest"])
    if not text or _EMPTY.match(text):
        return ""
    phrase = _STOP.split(text, maxsplit=1)[0].strip(" .\"'\u201c\u201d")
    return phrase if 0 < len(phrase.split()) <= _MOST_WORDS and any(c.isalnum() for c in phrase) else ""


def is_day(text: str) -> bool:
    return bool(_DAY.fullmatch(text))


def is_amount(text: str) -> bool:
    return bool(re.match(r"[$\u20ac\u00a3\u00a5\d-]", text)) and not is_day(text)


def _unit(rest: str) -> str:
    """The unit that follows a number: "kg", "EUR", "hours"; "" where the next word measures nothing."""
    found = re.match(r"( ?)([^\W\d_]{1,12}(?:/[^\W\d_]{1,8})?[\u00b2\u00b3]?)(?![\w-])", rest)
    return found[0] if found and unit_of(found[2]) else ""


def bound(text: str | None) -> date | None:
    """The day on which a span begins or ends; a month or a year begins with its first day."""
    if not text:
        return None
    try:
        day = parse_day(text.strip())
    except CorpusError:
        return None
    if re.fullmatch(r"\d{4}", text.strip()):
        return date(day.year, 1, 1)
    return day if re.search(r"\d.*\d{4}|\d{4}-\d\d-\d\d", text) else day.replace(day=1)
