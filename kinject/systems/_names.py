"""Which entity a name means: exactly, by an alias, by a distinctive part of it, or with one word misspelt.

Products differ by a digit and fakes by a letter, so numbers and short words are never guessed at: "Vantor 310"
does not mean "Vantor 300". It knows nothing of the graph.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

MAX_NAME_CHARS = 300
MAX_CANDIDATES = 20  # more readings of one name help nobody to choose
_WORD = re.compile(r"[^\W_]+")
_ACCENT = re.compile("[\u0300-\u036f]")
_APOSTROPHE = re.compile("['\u2019](s\\b)?")
_ACRONYM = re.compile(r"\b(?:[^\W\d_]\.){2,}")
# From here on a character is a word or a syllable (CJK, Hangul): one that differs is another name, no misspelling.
_FIRST_SYLLABIC = "\u2e80"
_SHORTEST_GUESSED = 5
_NEAR = 80.0
_MOST_SLIPS = 2


@dataclass(frozen=True, slots=True)
class Resolution:
    """`found` is the one name that is meant; else `candidates` are those that could be, none for an unknown name."""

    found: str = ""
    candidates: tuple[str, ...] = ()


def fold(name: str) -> str:
    """Case, accents, punctuation and a possessive's "'s" removed, words separated by one space, no leading article."""
    plain = _ACCENT.sub("", unicodedata.normalize("NFKD", name))
    plain = _ACRONYM.sub(lambda found: found[0].replace(".", "") + " ", plain)
    words = _WORD.findall(_APOSTROPHE.sub("", plain).casefold())
    return " ".join(words[1:] if len(words) > 1 and words[0] == "the" else words)


class NamesInText:
    """Which of the names stand in a text, all of them folded: the longest ones that do not overlap, in order.

    "Vantor 300 Pro" holds no "Vantor 300". A text takes time by its words, not by the number of names.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names) - {""}
        self._longest: dict[str, int] = {}  # in words, by the first word
        for name in self._names:
            first, *others = name.split()
            self._longest[first] = max(self._longest.get(first, 0), 1 + len(others))

    def __call__(self, text: str) -> list[str]:
        words, found, start = fold(text).split(), [], 0
        while start < len(words):
            lengths = range(min(self._longest.get(words[start], 0), len(words) - start), 0, -1)
            name = next((n for size in lengths if (n := " ".join(words[start : start + size])) in self._names), "")
            found += [name] if name else []
            start += len(name.split()) or 1
        return found


class NameIndex:
    """Names and their aliases, ready to be looked up; the order in which they came is the order of candidates."""

    def __init__(self, names: Iterable[str], aliases: Iterable[tuple[str, str]] = ()) -> None:
        """`aliases` are pairs of alias and name; an alias of several names is ambiguous."""
        self._order = {name: number for number, name in enumerate(dict.fromkeys(names))}
        self._folded: dict[str, tuple[str, ...]] = {}
        self._aliased: dict[str, tuple[str, ...]] = {}
        self._with_word: dict[str, list[str]] = {}
        # Words that a misspelt one may be meant for begin alike and are about as long.
        self._words: dict[tuple[str, int], list[str]] = {}
        for name in self._order:
            _append(self._folded, fold(name), name)
        for alias, name in aliases:
            _append(self._aliased, fold(alias), name)
        for folded in self._folded:
            for word in dict.fromkeys(folded.split()):
                self._with_word.setdefault(word, []).append(folded)
        for word in self._with_word:
            self._words.setdefault((word[0], len(word)), []).append(word)

    def resolve(self, name: str, partial: bool = True) -> Resolution:
        """`partial` lets a part of a name stand for it ("Lincoln"), where it is the part of one name only."""
        folded = fold(name) if len(name) <= MAX_NAME_CHARS else ""
        if name in self._order:
            return Resolution(name)
        if not folded:
            return Resolution()
        return (
            self._one_of(self._folded.get(folded, ()))
            or self._one_of(self._aliased.get(folded, ()))
            or (self._part_of(folded) if partial else None)
            or self._one_of(self._misspelt(folded))
            or Resolution()
        )

    def _one_of(self, names: Iterable[str]) -> Resolution | None:
        ordered = tuple(sorted(names, key=lambda name: self._order.get(name, len(self._order))))
        if len(ordered) == 1:
            return Resolution(ordered[0])
        return Resolution(candidates=ordered) if ordered else None

    def _part_of(self, folded: str) -> Resolution | None:
        if _has_digit(folded):
            return None
        groups = [self._with_word.get(word, []) for word in folded.split()]
        found = (whole for whole in min(groups, key=len) if f" {folded} " in f" {whole} ")
        wholes = list(islice(found, MAX_CANDIDATES))
        if len(wholes) == 1 and _has_digit(wholes[0]):
            return None
        return self._one_of([name for whole in wholes for name in self._folded[whole]])

    def _misspelt(self, folded: str) -> list[str]:
        """Names of which one word is misspelt.

        A word that other names have is spelt right: sister product lines may differ by a letter.
        """
        words = folded.split()
        unknown = [place for place, word in enumerate(words) if word not in self._with_word]
        if len(unknown) != 1:
            return []
        place = unknown[0]
        found: list[str] = []
        for meant in self._alike(words[place]):
            key = " ".join((*words[:place], meant, *words[place + 1 :]))
            if key in self._folded and fuzz.ratio(folded, key) >= _NEAR:
                found += self._folded[key]
        return found

    def _alike(self, word: str) -> list[str]:
        lengths = range(len(word) - _MOST_SLIPS, len(word) + _MOST_SLIPS + 1)
        known = (one for length in lengths for one in self._words.get((word[0], length), ()))
        return [one for one in known if _misspells(word, one)]


def _append(table: dict[str, tuple[str, ...]], key: str, name: str) -> None:
    if name not in table.get(key, ()):
        table[key] = (*table.get(key, ()), name)


def _misspells(one: str, two: str) -> bool:
    """A long word with one slip of the keyboard, or two in a very long one; the first letter is right."""
    shortest = min(len(one), len(two))
    if shortest < _SHORTEST_GUESSED or _has_digit(one + two) or one[0] != two[0] or max(one + two) >= _FIRST_SYLLABIC:
        return False
    return OSA.distance(one, two) <= (1 if shortest < 9 else _MOST_SLIPS)


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)
