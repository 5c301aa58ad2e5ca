"""The surface of a question disturbed so that its meaning stays certain; numbers are never touched.

A slip never makes a word that English or the corpus has, nor a name that is as near to another entity as to its own.
Chooses no question.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

from rapidfuzz import process
from rapidfuzz.distance import OSA

from kinject.corpus import Corpus
from kinject.grading import same_words
from kinject.grading.vocabulary import spellings
from kinject.probes._choosing import Askable
from kinject.probes._slips import slip
from kinject.probes._wording import english, words_of

# A word of a template that is no name: in lower case, and long enough to be known by what is left of it.
_ORDINARY = re.compile(r"(?<![\w{'])[a-z]{4,}(?![\w}'])")
# In a name, a slip in a short word could make a name of its own.
_IN_A_NAME = re.compile(r"[^\W\d_]{5,}")
_MARKS = re.compile(r"[?!.,;:]+(?=\s|$)")
_SLIPS_IN_WORDS = 2

_POLITE = (
    "Hello! Could you please help me with this? {question} Thank you very much!",
    "Good morning. If it is not too much trouble: {question} Many thanks in advance.",
    "Sorry to bother you. {question} I would be very grateful for an answer.",
)
_NOISE = (
    "ok so, um, here goes: {question} (typed on my phone, sorry)",
    "{question} Asking for a friend, by the way. lol",
    "I have been looking for this all morning and nobody could tell me... {question} Anyway, have a nice day.",
)
# The relation's name stays in the language of the corpus, in quotation marks: it is what a column is called.
_FRAMES = {
    "german": ("Was steht bei {subject} unter „{relation}“?", "Welche Angabe gibt es zu {subject} unter „{relation}“?"),
    "french": (
        "Qu'est-ce qui est indiqué pour {subject} sous « {relation} » ?",
        "Que trouve-t-on sous « {relation} » pour {subject} ?",
    ),
    "spanish": ("¿Qué figura para {subject} en «{relation}»?", "¿Qué se indica en «{relation}» para {subject}?"),
}


class Disturber:
    """What can be done to a question about a corpus, by the name of the variant."""

    def __init__(self, corpus: Corpus) -> None:
        self._words = words_of(corpus) | english()
        other_names = spellings(corpus)
        names = dict.fromkeys((*corpus.entities(), *other_names))
        self._keys = {name: {same_words(one) for one in (name, *other_names.get(name, ()))} for name in names}
        self._cased = Counter(name.casefold() for name in names)
        self._folded = sorted(set().union(*self._keys.values()))

    def disturbed(self, variant: str, one: Askable, template: str, rng: random.Random) -> str:
        """The question in that variant; '' where it cannot be so disturbed without a doubt about its meaning."""
        return _WAYS[variant](self, one, template, rng)

    def slip_in_words(self, one: Askable, template: str, rng: random.Random) -> str:
        words = list(_ORDINARY.finditer(template))
        for found in sorted(rng.sample(words, min(_SLIPS_IN_WORDS, len(words))), key=lambda m: -m.start()):
            made = slip(found[0], rng, self._is_no_word)
            template = template[: found.start()] + (made or found[0]) + template[found.end() :]
        return template.format(subject=one.subject)

    def slip_in_name(self, one: Askable, template: str, rng: random.Random) -> str:
        words = list(_IN_A_NAME.finditer(one.subject))
        for found in rng.sample(words, len(words)):
            if made := slip(found[0], rng, partial(self._fits_in_name, one.subject, found)):
                return template.format(subject=_replaced(found, made))
        return ""

    def in_case(self, one: Askable, template: str, change: Callable[[str], str]) -> str:
        """'' where the case of a name tells it from another."""
        alone = self._cased[one.subject.casefold()] == 1
        return change(template.format(subject=one.subject)) if alone else ""

    def _is_no_word(self, word: str) -> bool:
        return word.casefold() not in self._words

    def _fits_in_name(self, name: str, found: re.Match[str], word: str) -> bool:
        """Is the name with that word instead no other word, and within one edit of no other name?"""
        if not self._is_no_word(word):
            return False
        own, key = self._keys[name], same_words(_replaced(found, word))
        near = process.extract(key, self._folded, scorer=OSA.distance, score_cutoff=1, limit=len(own) + 1)
        return all(other in own for other, _, _ in near)


def _replaced(found: re.Match[str], word: str) -> str:
    return found.string[: found.start()] + word + found.string[found.end() :]


def _lower(disturber: Disturber, one: Askable, template: str, rng: random.Random) -> str:
    return disturber.in_case(one, template, str.lower)


def _upper(disturber: Disturber, one: Askable, template: str, rng: random.Random) -> str:
    return disturber.in_case(one, template, str.upper)


def _unpunctuated(disturber: Disturber, one: Askable, template: str, rng: random.Random) -> str:
    return _MARKS.sub("", template).format(subject=one.subject)


def _inside(frames: tuple[str, ...]) -> "_Way":
    def way(disturber: Disturber, one: Askable, template: str, rng: random.Random) -> str:
        question = template.format(subject=one.subject)
        return rng.choice(frames).format(question=question, subject=one.subject, relation=one.relation.name)

    return way


_Way = Callable[[Disturber, Askable, str, random.Random], str]
_WAYS: Mapping[str, _Way] = {
    "typo_word": Disturber.slip_in_words,
    "typo_name": Disturber.slip_in_name,
    "lower": _lower,
    "upper": _upper,
    "unpunctuated": _unpunctuated,
    "polite": _inside(_POLITE),
    "noise": _inside(_NOISE),
    **{language: _inside(frames) for language, frames in _FRAMES.items()},
}
VARIANTS = tuple(_WAYS)
