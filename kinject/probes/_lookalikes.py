"""Names that do not exist, made from names that do: Vontriq 20 -> Vontriq 70, Franklin Pierce -> Barack Pierce.

Chooses no relation and writes no question.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence

from kinject.corpus import Corpus
from kinject.grading import same_words

_Way = Callable[[str, Sequence[str], random.Random], str]
_TRIES = 40
_AFTER_A_VOWEL = re.compile(r"[^\W\d_]*?[aeiou](?=[^\W\d_])", re.IGNORECASE)
_FROM_A_CONSONANT = re.compile(r"(?<=[aeiou])(?![aeiou])[^\W\d_]{2,}$", re.IGNORECASE)


class LookAlikes:
    """Altered names that neither facts nor documents mention, each given once."""

    def __init__(self, corpus: Corpus, rng: random.Random) -> None:
        self._rng = rng
        self._names = corpus.entities()
        known = (name for fact in corpus.facts for name in (fact.subject, fact.object, *fact.aliases))
        texts = (text for document in corpus.documents for text in (document.title, document.text))
        self._mentioned = f" {' | '.join(same_words(text) for text in (*dict.fromkeys(known), *texts))} "
        self._given: set[str] = set()

    def mentioned(self, text: str) -> bool:
        """Do facts or documents hold these words, side by side?"""
        return f" {same_words(text)} " in self._mentioned

    def of(self, name: str) -> str:
        """A new name like this one; '' where none was found that does not exist."""
        for altered in _alterations(name, self._names, self._rng):
            key = same_words(altered)
            if key and key not in self._given and not self.mentioned(altered):
                self._given.add(key)
                return altered
        return ""


def _alterations(name: str, names: Sequence[str], rng: random.Random) -> Iterator[str]:
    """Never a mere misspelling: a reader who forgives one would be right to answer."""
    ways = [way for way, fits in _WAYS if fits(name)] or [_blend]
    for attempt in range(_TRIES):
        way = rng.choice(ways) if attempt < _TRIES // 2 else _blend
        altered = way(name, names, rng)
        if altered != name:
            yield altered


def _other_number(name: str, names: Sequence[str], rng: random.Random) -> str:
    """Another number of the same length, which ends alike: 320 -> 380."""
    found = rng.choice(list(re.finditer(r"\d+", name)))
    digits = list(found.group())
    digits[rng.randrange(max(1, len(digits) - 1))] = rng.choice("123456789")
    return name[: found.start()] + "".join(digits) + name[found.end() :]


def _other_word(name: str, names: Sequence[str], rng: random.Random) -> str:
    """One word exchanged for that of another entity at the same place."""
    own, other = name.split(" "), rng.choice(names).split(" ")
    place = rng.randrange(len(own))
    if len(other) != len(own) or own[place].isalpha() != other[place].isalpha():
        return name
    return " ".join([*own[:place], other[place], *own[place + 1 :]])


def _blend(name: str, names: Sequence[str], rng: random.Random) -> str:
    """The beginning of the longest word with the end of another name's: Brila and Dunet make Brinet."""
    word = max(name.split(" "), key=len)
    other = max(rng.choice(names).split(" "), key=len)
    beginning, end = _AFTER_A_VOWEL.match(word), _FROM_A_CONSONANT.search(other)
    return name.replace(word, beginning.group() + end.group(), 1) if beginning and end else name


_WAYS: tuple[tuple[_Way, Callable[[str], bool]], ...] = (
    (_other_number, lambda name: re.search(r"\d", name) is not None),
    (_other_word, lambda name: " " in name),
)
