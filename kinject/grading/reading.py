"""What an answer mentions: values of a relation's vocabulary, and numbers, days and names that nobody there has.

Does not say which mentions the answer asserts, nor whether they are right.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from kinject.grading.days import find_days
from kinject.grading.quantities import find_quantities, quantity_key
from kinject.grading.vocabulary import Vocabulary
from kinject.grading.words import FUNCTION_WORDS, Match, Phrases, Word, blank, clean

_NAME_JOINTS = (" ", "-", "/")


@dataclass(frozen=True, slots=True)
class Mention:
    """A value that a text names. `keys` has two entries for a day that can be read in two ways.

    `foreign` marks what cannot be a value of the relation: hours where grams were asked for, an unknown longer
    name. `slack` is half the last digit of a converted quantity, `digits` how many it has.
    """

    keys: tuple[str, ...]
    shown: str
    start: int
    end: int
    foreign: bool = False
    bare: bool = False
    value: float = 0.0
    slack: float = 0.0
    digits: int = 0


class Name(NamedTuple):
    """Where an entity is named that the question named, that it leads over, or that has nothing to do with it."""

    start: int
    end: int
    role: Literal["asked", "way", "other"]


@dataclass(frozen=True, slots=True)
class Reading:
    """A text with its words, the values that it mentions, and the names in it that are no values, in their order."""

    text: str
    words: Sequence[Word]
    mentions: tuple[Mention, ...]
    names: tuple[Name, ...]


def read(
    text: str, vocabulary: Vocabulary, own: Sequence[str] = (), way: Sequence[str] = (), gold: Sequence[str] = ()
) -> Reading:
    """`own` are names in the question and `way` those that it leads over: no values, unless they are gold.

    Where the answer is a name, one on the way may be given in its place, and is a value.
    """
    cleaned = clean(text)
    spoken = vocabulary.split(cleaned)
    asked = Phrases()
    values = [item for value in gold for item in vocabulary.items(value)]
    answers = {asked.add(vocabulary.phrase(value)) for value in values if not vocabulary.typed_key(value)}
    about = {asked.add(vocabulary.phrase(name)) for name in own} - answers
    passed = {asked.add(vocabulary.phrase(name)) for name in way} if vocabulary.form != "name" else set()
    mentions: list[Mention] = []
    names: list[Name] = []
    for match in _matches((vocabulary.phrases, asked), spoken):
        start, end = spoken[match.first].start, spoken[match.last - 1].end
        if match.key in about:
            names.append(Name(start, end, "asked"))
        elif vocabulary.form == "name" and _goes_on(spoken, match.last, cleaned, vocabulary):
            longer = f"{match.key} {spoken[match.last].key}"
            mentions.append(Mention((longer,), cleaned[start : spoken[match.last].end], start, end, foreign=True))
        elif match.key in answers or vocabulary.is_value(match.key) or vocabulary.form == "name":
            mentions.append(Mention((match.key,), cleaned[start:end], start, end))
        else:
            names.append(Name(start, end, "way" if match.key in passed else "other"))
    masked = blank(cleaned, [*((n.start, n.end) for n in names), *((m.start, m.end) for m in mentions)])
    mentions += _typed(masked, cleaned, vocabulary)
    return Reading(cleaned, spoken, tuple(sorted(mentions, key=lambda m: m.start)), tuple(names))


def _matches(sets: Sequence[Phrases], spoken: Sequence[Word]) -> Iterator[Match]:
    """Leftmost, longest, without overlap."""
    first = 0
    while first < len(spoken):
        found = [match for phrases in sets if (match := phrases.longest(spoken, first))]
        if found:
            best = max(found, key=lambda match: match.last)
            yield best
            first = best.last
        else:
            first += 1


def _goes_on(spoken: Sequence[Word], last: int, cleaned: str, vocabulary: Vocabulary) -> bool:
    """Is the name only the beginning of a longer one, as Vantor 300 is in Vantor 300 Pro?"""
    if last >= len(spoken) or cleaned[spoken[last - 1].end : spoken[last].start] not in _NAME_JOINTS:
        return False
    following = spoken[last]
    named = following.shown[0].isupper() or following.shown[0].isdigit() or following.key in vocabulary.name_endings
    return named and following.key not in FUNCTION_WORDS


def _typed(masked: str, cleaned: str, vocabulary: Vocabulary) -> Iterator[Mention]:
    if vocabulary.form == "day":
        for day in find_days(masked):
            yield Mention(day.keys, cleaned[day.start : day.end], day.start, day.end)
    elif vocabulary.form == "quantity":
        days = ((day.start, day.end) for day in find_days(masked) if not day.year_only)
        for found in find_quantities(blank(masked, days), vocabulary.unit):
            yield Mention(
                keys=(quantity_key(found.value or 0.0),),
                shown=cleaned[found.start : found.end],
                start=found.start,
                end=found.end,
                foreign=found.value is None,
                bare=bool(vocabulary.unit) and not found.has_unit,
                value=found.value or 0.0,
                slack=found.slack,
                digits=found.digits,
            )
