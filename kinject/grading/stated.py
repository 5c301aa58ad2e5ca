"""From asserted mentions to stated values: which are gold, and what each wrong one is.

Repetitions of the question, restatements of the same value and numbers beside the point are set aside here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from kinject.grading.asked import Asked
from kinject.grading.reading import Mention, Reading
from kinject.grading.vocabulary import Vocabulary

# A converted quantity is the gold one when it has this many digits and differs by less than its last.
_ENOUGH_DIGITS = 3
_JOINED = re.compile(r"\s*(?:or|and|to|/|-|\.\.\.?)\s*")


@dataclass(frozen=True, slots=True)
class Stated:
    """A value that an answer states. `same` is equal for two spellings of one value."""

    key: str
    same: frozenset[str]
    spelling: str
    right: bool
    error: str = ""

    @property
    def in_domain(self) -> bool:
        return self.error in ("stale", "confused", "in_domain")


def stated(mentions: Sequence[Mention], reading: Reading, question: Asked, vocabulary: Vocabulary) -> list[Stated]:
    """The distinct values, in the order of the answer."""
    kept = [mention for mention in mentions if not _echoes(mention, question, vocabulary)]
    if vocabulary.form == "quantity":
        kept = _quantities(kept, reading, question)
    elif vocabulary.form == "day":
        kept = _days(kept)
    elif vocabulary.form == "name":
        kept = _names(kept, question, vocabulary)
    distinct = {mention.keys: mention for mention in reversed(kept)}
    return [_value(mention, question, vocabulary) for mention in reversed(distinct.values())]


def _value(mention: Mention, question: Asked, vocabulary: Vocabulary) -> Stated:
    right = next(filter(None, (_gold_key(key, question, vocabulary) for key in mention.keys)), "")
    key = right or mention.keys[0]
    values = vocabulary.values_of(key)
    error = "" if right else _error(mention, question.owner, vocabulary)
    return Stated(key, values, vocabulary.spelling.get(key, mention.shown), bool(right), error)


def _gold_key(key: str, question: Asked, vocabulary: Vocabulary) -> str:
    if key in question.gold:
        return key
    values = vocabulary.values_of(key)
    if values <= question.gold:
        return min(values)
    # A day states its year: more precise than asked is right.
    broader = (gold for gold in question.gold if vocabulary.form == "day" and key.startswith(gold + "-"))
    return next(broader, "")


def _error(mention: Mention, owner: str, vocabulary: Vocabulary) -> str:
    """Stale: its own at another date. Confused: another's. In domain: nobody's, but of the right shape."""
    values = {value for key in mention.keys for value in vocabulary.values_of(key)}
    holders = [vocabulary.owners[value] for value in values if value in vocabulary.owners]
    if mention.foreign:
        return "fabricated"
    if holders:
        return "stale" if any(owner in names for names in holders) else "confused"
    shaped = vocabulary.form in ("quantity", "day") or values & vocabulary.entities
    return "in_domain" if shaped else "fabricated"


def _echoes(mention: Mention, question: Asked, vocabulary: Vocabulary) -> bool:
    """Does it only repeat the day, or a number without a unit, of the question?"""
    if question.gold & set(mention.keys):
        return False
    if vocabulary.form == "day":
        return set(mention.keys) <= question.days
    plain = vocabulary.form == "quantity" and (mention.bare or not vocabulary.unit)
    return plain and mention.shown in question.numbers


def _quantities(mentions: Sequence[Mention], reading: Reading, question: Asked) -> list[Mention]:
    proper = any(not mention.bare and not mention.foreign for mention in mentions)
    # "1.5 or 2.5 kg" names two weights; "2 pieces of 1.1 kg" names one.
    kept = [
        mention
        for mention, following in zip_longest(mentions, mentions[1:])
        if not proper
        or not (mention.bare or mention.foreign)
        or (mention.bare and _joined(mention, following, reading))
    ]
    fitted = [_fit(mention, question) for mention in kept]
    if any(set(mention.keys) & question.gold for mention in fitted):
        fitted = [mention for mention in fitted if not _rounds_to_gold(mention, question)]
    return fitted


def _joined(mention: Mention, following: Mention | None, reading: Reading) -> bool:
    return following is not None and _JOINED.fullmatch(reading.text, mention.end, following.start) is not None


def _fit(mention: Mention, question: Asked) -> Mention:
    """The gold value itself, where a conversion was rounded to at least three digits of it."""
    near = [gold for gold in question.gold if mention.slack and _close(mention, gold)]
    if not near or mention.digits < _ENOUGH_DIGITS:
        return mention
    return Mention((near[0],), mention.shown, mention.start, mention.end)


def _rounds_to_gold(mention: Mention, question: Asked) -> bool:
    """2.4 lb beside 1.1 kg is the same weight, rounded; alone it would be too coarse."""
    return mention.slack > 0 and any(_close(mention, gold) for gold in question.gold - set(mention.keys))


def _close(mention: Mention, gold: str) -> bool:
    try:
        return abs(mention.value - float(gold)) <= mention.slack * 1.000001
    except ValueError:  # a gold value that is no number, such as "varies"
        return False


def _names(mentions: Sequence[Mention], question: Asked, vocabulary: Vocabulary) -> list[Mention]:
    """Where others are named, less those on the way and entities that nobody has as a value.

    "Ada Vance designed the Vantor 300 Pro" names Ada Vance.
    """
    way = {vocabulary.phrase_key(name) for name in question.way}
    ends = [mention for mention in mentions if way.isdisjoint(mention.keys)] or mentions
    values = [m for m in ends if m.foreign or any(vocabulary.is_value(key) for key in m.keys)]
    return values or list(ends)


def _days(mentions: Sequence[Mention]) -> list[Mention]:
    """Less those that another states more precisely: "May 2024 (3 May 2024)" is one day."""
    keys = {key for mention in mentions for key in mention.keys}
    broader = {key[:length] for key in keys for length in (4, 7) if len(key) > length}
    return [mention for mention in mentions if broader.isdisjoint(mention.keys)]
