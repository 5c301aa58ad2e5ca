"""Numbers and untrusted text as a reader sees them: every estimate with its interval and its n.

Decides nothing about meaning; escaping for HTML is the template engine's, for Markdown it is `markdown` below.
"""

import math
import re
import unicodedata

from kinject.types import Estimate

NO_DATA = "no data"
# Invisible characters that change what is seen: controls, zero-width and direction marks.
_HIDDEN = re.compile("[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
# What could start markup where text stands in the report: never at the start of a line.
_MARKDOWN = re.compile(r"[\\`*|~]|(?<!\w)_|_(?!\w)|\](?=[(\[])|<(?=[A-Za-z/!?])|&(?=#?\w+;)")


def percent(share: float) -> str:
    return NO_DATA if math.isnan(share) else f"{_minus(f'{100 * share:.0f}')}\u202f%"


def points(difference: float) -> str:
    """A difference of two shares, signed, in percentage points."""
    return NO_DATA if math.isnan(difference) else _minus(f"{100 * difference:+.1f}")


def rate(estimate: Estimate) -> str:
    """As 83 % [79, 86]."""
    if not estimate.n or math.isnan(estimate.value):
        return NO_DATA
    return f"{percent(estimate.value)} {interval(estimate)}"


def interval(estimate: Estimate) -> str:
    low, high = (_minus(f"{100 * bound:.0f}") for bound in (estimate.low, estimate.high))
    return f"[{low}, {high}]"


def score(estimate: Estimate) -> str:
    """A number that is no share: 0.83 [0.79, 0.86]."""
    if not estimate.n or math.isnan(estimate.value):
        return NO_DATA
    value, low, high = map(_number, (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"


def p_value(p: float) -> str:
    if math.isnan(p):
        return NO_DATA
    return "<\u00a00.001" if p < 0.001 else f"=\u00a0{p:.3f}"


def seconds(duration_s: float) -> str:
    """Three significant figures in the unit that fits: 85 ms, 2.4 s, 7 min 30 s, 2 h 5 min."""
    if math.isnan(duration_s):
        return NO_DATA
    if 0 < duration_s < 0.001:
        return "< 1 ms"
    if 0 < duration_s < 1:
        return f"{1000 * duration_s:.3g} ms"
    if duration_s < 60:
        return f"{duration_s:.3g} s"
    minutes, rest_s = divmod(round(duration_s), 60)
    if minutes < 60:
        return f"{minutes} min {rest_s} s" if rest_s else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def size(size_bytes: float) -> str:
    if math.isnan(size_bytes):
        return NO_DATA
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.3g} GB"


def count(number: float) -> str:
    """As 1,234."""
    return NO_DATA if math.isnan(number) else f"{number:,.0f}"


def listed(names: tuple[str, ...] | list[str], last: str = "and") -> str:
    """As a, b and c."""
    *head, tail = names
    return f"{', '.join(head)} {last} {tail}" if head else tail


def name(system: str) -> str:
    """A plugin's file name as a reader knows it."""
    return system.replace("_", " ")


def visible(text: str) -> str:
    """Untrusted text with its invisible characters spelled out, so that what is read is what is there."""
    return _HIDDEN.sub(lambda found: f"⟨{unicodedata.name(found[0], f'U+{ord(found[0]):04X}').lower()}⟩", text)


def markdown(text: str) -> str:
    """Text that stays text in Markdown and inside a Markdown table: no markup, no HTML, one line."""
    return _MARKDOWN.sub(lambda found: f"\\{found[0]}", " ".join(visible(text).split()))


def _number(value: float) -> str:
    if math.isinf(value):
        return "\u221e" if value > 0 else "\u2212\u221e"
    return _minus(f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}")


def _minus(number: str) -> str:
    number = number.replace("-", "\u2212")
    return number.lstrip("\u2212+") if not number.strip("\u2212+0.") else number
