"""Which of the values that an answer mentions it asserts: "not steel, it is aluminium" asserts aluminium only.

Works on words before a value within its clause; it does not parse sentences.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from kinject.grading.abstention import abstains
from kinject.grading.asides import Place, is_aside, is_of_another, label_end, last_retraction
from kinject.grading.reading import Mention, Reading
from kinject.grading.vocabulary import Vocabulary
from kinject.grading.words import Word, word_set

_REACH, _NEXT = 6, 4
_DENIALS = word_set(
    "not no never neither nor without isnt arent wasnt werent doesnt dont didnt cannot cant wont unlike hardly except "
    "whether"
)
# The word after decides: "not only", "not sure" and "no more than" deny nothing.
_NOT_A_DENIAL = word_set("only just merely sure certain confident more less later earlier know exactly idea doubt")
_DENYING_PAIRS = frozenset({("rather", "than"), ("other", "than"), ("instead", "of"), ("know", "if"), ("sure", "if")})
_CLAUSE_END = re.compile(r"[.;:!?](?!\d)|,(?!\d)|\n")
_SENTENCE_END = re.compile(r"[.;!?\n](?!\d)")
_CLAUSE_WORDS = word_set("but however instead actually it its")
# "I don't think it is steel", "previously it was steel": the clause after these belongs to what is before them.
_OPINIONS = word_set("think believe say that if whether suppose guess previously formerly originally initially")
_WRONG = re.compile(
    r"(?:(?:is|was|are|were|would be) )?(?:(?:wrong|incorrect|false|mistaken)|not (?:right|correct|true))(?!\w)"
    r"|(?:isnt|wasnt) (?:right|correct|true)(?!\w)"
)


def asserted(reading: Reading, vocabulary: Vocabulary, declines: bool = False) -> tuple[Mention, ...]:
    """The mentions less those denied or taken back; where others remain, less asides.

    Where the text `declines` to answer, a value of another entity is none: "I only know the Vantor 300, at 1.1 kg".
    """
    starts = [word.start for word in reading.words]
    affirmed: list[Place] = []
    since = 0
    label = label_end(reading, vocabulary.form)
    for mention in (one for one in reading.mentions if one.start >= label):
        before = _clause_before(reading, bisect_left(starts, mention.start))
        after = _clause_after(reading, bisect_left(starts, mention.end))
        place = Place(mention, before, after, since)
        since = mention.end
        if not (_denied(before, vocabulary) or _WRONG.match(place.rest) or _is_no_value(place)):
            affirmed.append(place)
    final = last_retraction(reading.text)
    kept = [place for place in affirmed if place.mention.start >= final] or affirmed
    if declines:
        kept = [place for place in kept if not is_of_another(place, reading)]
    present = [place for place in kept if not is_aside(place, reading, vocabulary.form)]
    return tuple(place.mention for place in present or kept)


def _is_no_value(place: Place) -> bool:
    """Is it the no of "no information", where no can be a value (waterproof: yes or no)?"""
    key = place.mention.keys[0]
    return key in _DENIALS and place.rest != "" and abstains(f"{key} {place.rest}")


def _clause_before(reading: Reading, index: int) -> Sequence[Word]:
    """The last words of the same clause before words[index]."""
    spoken, first = reading.words, index
    for at in range(index - 1, max(index - _REACH, 0) - 1, -1):
        until = spoken[at + 1].start if at + 1 < len(spoken) else len(reading.text)
        if _CLAUSE_END.search(reading.text, spoken[at].end, until):
            break
        opinion = at > 0 and spoken[at - 1].key in _OPINIONS
        followed_by_of = at + 1 < len(spoken) and spoken[at + 1].key == "of"
        if spoken[at].key in _CLAUSE_WORDS and not opinion and not followed_by_of:
            break
        first = at
    return spoken[first:index]


def _clause_after(reading: Reading, index: int) -> Sequence[Word]:
    """The next words from words[index] on, up to the end of the sentence."""
    spoken = reading.words[index : index + _NEXT]
    for at, word in enumerate(spoken):
        ended = reading.words[index + at - 1].end if index + at else 0
        if _SENTENCE_END.search(reading.text, ended, word.start):
            return spoken[:at]
    return spoken


def _denied(before: Sequence[Word], vocabulary: Vocabulary) -> bool:
    keys = [word.key for word in before]
    if any(pair in _DENYING_PAIRS for pair in pairwise(keys)):
        return True
    return any(
        # Where no is itself a value (waterproof: yes or no) it denies nothing.
        key in _DENIALS and following not in _NOT_A_DENIAL and not vocabulary.is_value(key)
        for key, following in pairwise([*keys, ""])
    )
