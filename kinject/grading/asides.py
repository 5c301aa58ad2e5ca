"""Values that an answer mentions beside the one that it gives: former ones, differences, those of other entities.

"It rose by 20 EUR from 299 EUR to 319 EUR; the Vantor 3000 costs 499 EUR" gives 319 EUR. Knows nothing of gold.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from kinject.grading.abstention import abstains
from kinject.grading.reading import Mention, Reading
from kinject.grading.vocabulary import Form
from kinject.grading.words import Word, word_set

_FORMER = re.compile(
    r"(?<!\w)(?:formerly|previously|originally|initially|earlier|used to|before that|"
    r"(?:up|down|raised|lowered|reduced) from|(?<!i )(?:might|may|would|could) (?:\w+ )?(?:expect|think|assume|guess)|"
    r"you (?:say|said|claim|claimed|mentioned|suggest|suggested))"
    r"(?!\w)"
)
_FORMER_AFTER = re.compile(
    r"(?:until|till|(?:was|were) (?:the |its )?"
    r"(?:launch|original|initial|old|former|previous|earlier|introductory))(?!\w)"
)
# Only of the value that comes next: "it rose from 299 EUR to 319 EUR" ends at 319 EUR.
_CHANGED_FROM = re.compile(
    r"(?<!\w)(?:rose|risen|fell|fallen|dropped|went|gone|grew|increased|decreased|changed|cut)(?: \w+)? from(?!\w)"
)
_FORMER_NOUN = re.compile(r"(?<!\w)(?:old|previous|former|original|initial|introductory) \w{1,20}(?: was| is| of|:) ?$")
# A difference or a bound: "up by 20 EUR", "on orders over 50 EUR".
_MEASURED = re.compile(
    r"(?<!\w)(?:by|under|over|below|above|(?:less|more|fewer) than)(?: about| around| roughly| some| only)?$"
)
_ADDS = word_set("which who at with")
_FOR = re.compile(r" (?:for|of|in|on) (?:the )?")
_THAN = re.compile(r"(?:\w+er|more|less) than(?!\w)")
# "Brila weighs more than Aldo" and "Brila outweighs Aldo" name Brila.
_MEASURES = word_set("than outweighs exceeds surpasses beats outlasts outdoes outranks")
_RETRACTION = re.compile(
    r"(?<!\w)(?:correction|scratch that|i mean|i meant|wait, no|no, wait|let me correct (?:that|myself)|i misspoke)"
    r"(?!\w)",
    re.IGNORECASE,
)
# "Vantor 300, weight:" repeats the question; what is told stands behind it.
_LABEL = re.compile(r"\s*(?:[^.!?:\n]|\.(?! )){1,120}:(?=\s)")
_ECHO = re.compile(r"[^,]{1,80}(?:, [^,]{1,40}){1,2}:")
# A text that tells something before the colon is no label: "It is steel, not aluminium: aluminium would bend".
_TELLING = word_set("i im it its is isnt are was were has have not no")
_ASKED = re.compile(r"[*_`\"')\]\s]*\?")


@dataclass(frozen=True, slots=True)
class Place:
    """A mention with the last words of its clause before it and the next words of the text after it.

    `since` is where the mention before it ends.
    """

    mention: Mention
    before: Sequence[Word]
    after: Sequence[Word]
    since: int

    @property
    def lead(self) -> str:
        return " ".join(word.key for word in self.before)

    @property
    def own_lead(self) -> str:
        return " ".join(word.key for word in self.before if word.start >= self.since)

    @property
    def rest(self) -> str:
        return " ".join(word.key for word in self.after)


def is_aside(place: Place, reading: Reading, form: Form) -> bool:
    """Is the value mentioned only beside another one? Where it is the only one, it is the answer all the same."""
    if _FORMER.search(place.lead) or _FORMER_AFTER.match(place.rest) or _ASKED.match(reading.text, place.mention.end):
        return True
    if form == "name":
        return any(word.key in _MEASURES for word in place.before)
    if _CHANGED_FROM.search(place.own_lead) or is_of_another(place, reading):
        return True
    return form == "quantity" and _is_measure(place, reading)


def label_end(reading: Reading, form: Form) -> int:
    """Where a label ends that repeats the question before a value, or before "I don't know"; 0 where there is none."""
    label = _LABEL.match(reading.text)
    if label is None or not _TELLING.isdisjoint(word.key for word in reading.words if word.end <= label.end()):
        return 0
    behind = [mention for mention in reading.mentions if mention.start >= label.end()]
    if not behind:
        return label.end() if abstains(reading.text[label.end() :]) else 0
    echoes = form != "list" and _ECHO.fullmatch(label.group()) and not all(mention.foreign for mention in behind)
    return label.end() if echoes else 0


def last_retraction(text: str) -> int:
    """Where "correction:" or "I mean" last ends: what stands before it was taken back. 0 where nothing was."""
    return max((found.end() for found in _RETRACTION.finditer(text)), default=0)


def is_of_another(place: Place, reading: Reading) -> bool:
    """Is it told of an entity that was not asked about?

    "The Vantor 3000 weighs 2.5 kg", "the Vantor 3000, which weighs 2.5 kg", "2.5 kg for the Vantor 3000".
    """
    following = bisect_left(reading.names, place.mention.end, key=lambda name: name.start)
    if following < len(reading.names) and _FOR.fullmatch(
        reading.text, place.mention.end, reading.names[following].start
    ):
        return reading.names[following].role == "other"
    if not following or not place.before:
        return False
    last, clause = reading.names[following - 1], place.before[0].start
    added = place.before[0].key in _ADDS and reading.text[last.end : clause] in (" ", ", ")
    return (last.start >= clause or added) and last.role == "other"


def _is_measure(place: Place, reading: Reading) -> bool:
    """A difference, a bound or a former amount: 7.1 kg heavier than the other one, over 50 EUR, old price: 299 EUR."""
    start, end = place.mention.start, place.mention.end
    compared = _THAN.match(place.rest) is not None and not reading.text[end : place.after[0].start].strip()
    former = _FORMER_NOUN.search(reading.text[max(0, start - 40) : start].casefold())
    return compared or former is not None or _MEASURED.search(place.own_lead) is not None
