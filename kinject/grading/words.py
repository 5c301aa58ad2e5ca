"""Text as words that compare equal when people would read them as the same, and phrases found among them.

Knows nothing of relations, units or verdicts. Every step is linear in the length of the text.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

# Typographic apostrophes, quotation marks, hyphens, dashes and the minus sign.
_QUOTES = str.maketrans(
    dict.fromkeys("\u2018\u2019\u02bc\u00b4", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"')
    | dict.fromkeys("\u2010\u2011\u2013\u2014\u2212", "-")
)
_MARKS = str.maketrans("", "", "™®©\u200b\u200c\u200d\ufeff")
_LETTERS = str.maketrans(
    {"ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ł": "l", "Ł": "L", "đ": "d", "\u0131": "i"}
)
_FRACTIONS = {"¼": ".25", "½": ".5", "¾": ".75"}
# What chat models wrap a value in: $11.7\,\text{kg}$, \boxed{11.7}.
_MATH = re.compile(r"\$(?=[^$\n]{0,80}\\)([^$\n]{1,80})\$|\$(\d[\d.,]*)\$")
_COMMAND = re.compile(r"\\(?:text|textbf|mathrm|mathbf|boxed)\{([^{}\n]{0,80})\}")
_MARKUP = frozenset("\\$_")
_SPACING = re.compile(r"\\[,;: ()\[\]]")
# Not the underscores within snake_case.
_UNDERSCORES = re.compile(r"(?<![^\W_])_{1,3}|_{1,3}(?![^\W_])")
_ACRONYM = re.compile(r"(?<![^\W_])(?:[^\W\d_]\.){1,9}[^\W\d_](?![^\W_])")
# Chinese, Japanese and Korean put no spaces between words: there, each character is a word.
_IDEOGRAPH = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_IDEOGRAPH}]|\d+(?:[.,]\d+)*|[^\W\d_{_IDEOGRAPH}]+(?:'[^\W\d_]+)*(?:[+#]+(?![^\W_]))?")
_ARTICLES = ("the", "a", "an")


def word_set(text: str) -> frozenset[str]:
    """The words of a line, for tables of words."""
    return frozenset(text.split())


FUNCTION_WORDS = word_set(
    "a an and are as at be been but by did do does for from had has have i in into is it its may not of on or our "
    "that the their they this to us was we were will with you your he she his her which who what"
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a cleaned text: its form for comparing, its own spelling, and where it stands."""

    key: str
    shown: str
    start: int
    end: int


def clean(text: str) -> str:
    """The text without accents, typographic variants, markup that sticks to words, dots in acronyms; case is kept."""
    if not _MARKUP.isdisjoint(text):
        text = _without_markup(text)
    if not text.isascii():
        for fraction, decimals in _FRACTIONS.items():
            text = re.sub(rf"(?<!\d){fraction}", "0" + decimals, text).replace(fraction, decimals)
        text = unicodedata.normalize("NFKD", text.translate(_MARKS).translate(_QUOTES))
        text = re.sub("[\u0300-\u036f]", "", text).translate(_LETTERS)
        text = unicodedata.normalize("NFC", text)
    return _ACRONYM.sub(lambda found: found.group().replace(".", ""), text)


def _without_markup(text: str) -> str:
    plain = _MATH.sub(lambda found: found[1] or found[2], text)
    # Twice, for \boxed{11.7\text{ kg}}.
    plain = _SPACING.sub(" ", _COMMAND.sub(r"\1", _COMMAND.sub(r"\1", plain)))
    return _UNDERSCORES.sub("", plain).replace("\\$", "$").replace("\\%", "%")


def words(cleaned: str) -> list[Word]:
    """The words of a cleaned text; digits and letters that touch are two words, so that 8GB is 8 GB."""
    return [Word(_key(found.group()), found.group(), found.start(), found.end()) for found in _WORD.finditer(cleaned)]


@lru_cache(maxsize=65_536)
def _key(shown: str) -> str:
    return shown.casefold().removesuffix("'s").replace("'", "")


def identifiers(cleaned: str) -> list[Word]:
    """The same for identifiers: what stands between spaces, less the punctuation around it, is one word."""
    found = []
    for match in re.finditer(r"\S+", cleaned):
        shown = match.group().strip(".,;:!?()[]{}\"'*`")
        if shown:
            start = match.start() + match.group().index(shown)
            found.append(Word(shown.casefold().replace("'", ""), shown, start, start + len(shown)))
    return found


def without_article(value: list[Word]) -> list[Word]:
    """The words of a value less a leading the, a or an; a value A stays."""
    return value[1:] if len(value) > 1 and value[0].key in _ARTICLES else value


def same_words(text: str) -> str:
    """Equal for two texts that differ in case, accents, punctuation or a leading article only."""
    return " ".join(word.key for word in without_article(words(clean(text))))


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase found: words[first:last]."""

    key: str
    first: int
    last: int


@dataclass(slots=True)
class Phrases:
    """A set of phrases, found on word boundaries."""

    _root: dict[str, object] = field(default_factory=dict)
    _cased: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, value: Sequence[Word]) -> str:
        """Returns the phrase's key. A phrase such as US, IT or A is found only in its own case."""
        key = " ".join(word.key for word in value)
        node = self._root
        for word in value:
            child = node.setdefault(word.key, {})
            assert isinstance(child, dict)
            node = child
        node[""] = key
        if len(value) == 1 and (len(key) == 1 or key in FUNCTION_WORDS) and value[0].shown != key:
            self._cased.setdefault(key, (value[0].shown,))
        return key

    def longest(self, text: Sequence[Word], first: int) -> Match | None:
        """The longest phrase that begins at text[first] on a word boundary."""
        node, best = self._root, None
        if first and text[first - 1].end == text[first].start and not _ideographic(text[first]):
            return None
        for last in range(first, len(text)):
            child = node.get(text[last].key)
            if not isinstance(child, dict):
                break
            node = child
            key = node.get("")
            if isinstance(key, str) and self._stands_alone(text, first, last + 1, key):
                best = Match(key, first, last + 1)
        return best

    def _stands_alone(self, text: Sequence[Word], first: int, last: int, key: str) -> bool:
        if last < len(text) and text[last].start == text[last - 1].end and not _ideographic(text[last]):
            return False
        return key not in self._cased or (text[first].shown,) == self._cased[key]


def _ideographic(word: Word) -> bool:
    return word.key[0] >= "\u3040"


def blank(cleaned: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with those spans made unreadable, every other character where it was."""
    parts, position = [], 0
    for start, end in sorted(spans):
        parts += [cleaned[position:start], "\0" * (end - start)]
        position = max(position, end)
    return "".join(parts) + cleaned[position:]
