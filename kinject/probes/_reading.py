"""Short pages about things that no corpus has, and questions that these answer or leave open. Knows no corpus."""

import random
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from kinject.grading.words import word_set

_ONSETS = sorted(word_set("b br d dr f g gr h k kl l m n p pl r s st t tr v"))
_VOWELS = "aeiou"
_CODAS = sorted(word_set("l m n nd r rk rt s sk st x"))
_COLOURS = ("red", "blue", "green", "white", "black", "yellow", "orange")
_PAGES = 2
_STATED = 4


class Coiner:
    """Names that are no word of `taken`, each given once."""

    def __init__(self, taken: Container[str], rng: random.Random) -> None:
        self._taken, self._rng = taken, rng
        self._given: set[str] = set()

    def name(self) -> str:
        while True:
            onset, vowel, coda = self._rng.choice(_ONSETS), self._rng.choice(_VOWELS), self._rng.choice(_CODAS)
            name = self._rng.choice(_ONSETS) + self._rng.choice(_VOWELS) + onset + vowel + coda
            if name not in self._taken and name not in self._given:
                self._given.add(name)
                return name.capitalize()

    def person(self) -> str:
        return f"{self.name()} {self.name()}"


@dataclass(frozen=True, slots=True)
class _Attribute:
    statement: str
    question: str
    draw: Callable[[Coiner, random.Random], str]


_ATTRIBUTES = (
    _Attribute("{s} is {v} tall.", "How tall is {s}?", lambda _, rng: f"{rng.randint(11, 98)} m"),
    _Attribute("{s} weighs {v}.", "How much does {s} weigh?", lambda _, rng: f"{rng.randint(11, 98)} kg"),
    _Attribute("{s} was built in {v}.", "In which year was {s} built?", lambda _, rng: str(rng.randint(1801, 1999))),
    _Attribute("{s} costs {v}.", "How much does {s} cost?", lambda _, rng: f"{rng.randint(11, 98)} EUR"),
    _Attribute("The colour of {s} is {v}.", "Which colour does {s} have?", lambda _, rng: rng.choice(_COLOURS)),
    _Attribute("The owner of {s} is {v}.", "Who is the owner of {s}?", lambda coiner, _: coiner.person()),
    _Attribute("The keeper of {s} is {v}.", "Who is the keeper of {s}?", lambda coiner, _: coiner.person()),
    _Attribute("The home town of {s} is {v}.", "What is the home town of {s}?", lambda coiner, _: coiner.name()),
)


@dataclass(frozen=True, slots=True)
class Page:
    """What is asked about `subject`; its value where a page states it, '' where none does."""

    subject: str
    question: str
    value: str
    passages: tuple[str, ...]


def pages(coiner: Coiner, rng: random.Random, answered: bool) -> Page:
    """Two pages about two things with the same attributes, and a question about one of them."""
    drawn = rng.sample(_ATTRIBUTES, _STATED + 1)
    told, left_out = drawn[:_STATED], drawn[-1]
    names = [coiner.name() for _ in range(_PAGES)]
    values = _distinct(told, coiner, rng)
    passages = tuple(
        f"{name}: " + " ".join(a.statement.format(s=name, v=value) for a, value in zip(told, own, strict=True))
        for name, own in zip(names, values, strict=True)
    )
    about, place = rng.randrange(_PAGES), rng.randrange(_STATED)
    if not answered:
        return Page(names[about], left_out.question.format(s=names[about]), "", passages)
    return Page(names[about], told[place].question.format(s=names[about]), values[about][place], passages)


def bare(coiner: Coiner, rng: random.Random) -> Page:
    """A question about something of which nothing is told."""
    name = coiner.name()
    return Page(name, rng.choice(_ATTRIBUTES).question.format(s=name), "", ())


def _distinct(told: Sequence[_Attribute], coiner: Coiner, rng: random.Random) -> list[list[str]]:
    """A value of every attribute for each page: no number twice, or a bare one could be read off the wrong place."""
    while True:
        values = [[attribute.draw(coiner, rng) for attribute in told] for _ in range(_PAGES)]
        if len({value.split()[0] for own in values for value in own}) == _PAGES * len(told):
            return values
