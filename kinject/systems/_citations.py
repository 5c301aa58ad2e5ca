"""Whether a passage supports an answer: it states the answer's value, numbers and days in whatever form.

Values are looked for and no entailment is judged: a passage that states the value of something else supports it too.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from kinject.corpus import format_day, parse_day
from kinject.errors import CorpusError
from kinject.lm.prompts import ABSTENTION, value_of
from kinject.systems._names import fold
from kinject.types import Evidence

_TOKEN = re.compile(r"\d[\d.,]*|[^\W\d_]+")
_THOUSANDS = re.compile(r",(?=\d{3}(?!\d))")
_ACCENT = re.compile("[\u0300-\u036f]")
_ITEM = re.compile(r"\s*[,;]\s+|\s+and\s+")


def checked(answer: str, passages: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """The passages, each marked with whether it supports the answer; unmarked where the answer states no value."""
    value = value_of(answer)
    if not _tokens(value) or fold(value) == fold(ABSTENTION):
        return tuple(passages)
    return tuple(replace(passage, supports=supports(passage.text, value)) for passage in passages)


def supports(passage: str, value: str) -> bool:
    """Whether the passage states the value, or every item of it where it is a list."""
    text = f" {_tokens(passage)} "
    if any(f" {form} " in text for form in _forms(value)):
        return True
    items = [item for item in map(_tokens, _ITEM.split(value)) if item]
    return len(items) > 1 and all(f" {item} " in text for item in items)


def _forms(value: str) -> set[str]:
    forms = {_tokens(value)}
    try:
        day = parse_day(value.rstrip("."))
    except CorpusError:
        return forms
    return forms | {_tokens(day.isoformat()), _tokens(format_day(day))}


def _tokens(text: str) -> str:
    """Words without case and accents, and numbers in one form, between single spaces."""
    plain = _ACCENT.sub("", unicodedata.normalize("NFKD", text)).casefold()
    return " ".join(_number(token) if token[0].isdigit() else token for token in _TOKEN.findall(plain))


def _number(text: str) -> str:
    try:
        return f"{Decimal(_THOUSANDS.sub('', text.rstrip('.,')).replace(',', '.')).normalize():f}"
    except InvalidOperation:  # "1.2.3"
        return text.rstrip(".,")
