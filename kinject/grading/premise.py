"""Whether an answer takes over a false premise of its question, or corrects it, rejects it or declines to answer.

Reads what the answer says of the premise's own relation. What it says of the attribute that was asked for is nothing
to this: an answer that gives it and passes over the premise in silence has taken the premise over.
"""

import re
from collections.abc import Sequence

from kinject.grading.abstention import abstains
from kinject.grading.asked import Asked
from kinject.grading.reading import read
from kinject.grading.stance import asserted
from kinject.grading.stated import stated
from kinject.grading.vocabulary import Vocabulary
from kinject.grading.words import clean, words
from kinject.types import Outcome, Probe, Verdict

_REJECTS = re.compile(
    r"(?<!\w)(?:not (?:quite |entirely |actually )?(?:true|correct|right|accurate|so|the case)"
    r"|(?:isnt|wasnt|arent) (?:true|correct|right|accurate|so|the case)|incorrect|untrue|false|mistaken|inaccurate"
    r"|(?:is|are|was|be|am|youre|thats) wrong|wrong (?:premise|assumption|claim|information)|contrary to"
    r"|contradicts?|misunderstanding|no evidence|does not hold|doesnt hold)(?!\w)"
)
_SAYS_NO = re.compile(r"\s*no[,.;:!]", re.IGNORECASE)


def is_false(probe: Probe) -> bool:
    """Does the question assert another value of the probe's relation than the probe's facts have?"""
    return probe.variant == "false_premise"


def rejects(text: str) -> bool:
    """Does the text say that something is not so, whatever it names instead?"""
    spoken = " ".join(word.key for word in words(clean(text)))
    return _SAYS_NO.match(text) is not None or _REJECTS.search(spoken) is not None


def judge(text: str, false: frozenset[str], question: Asked, vocabulary: Vocabulary, true: Sequence[str]) -> Verdict:
    """Incorrect where the premise was taken over. Not attempted otherwise, with the true values told as `named`.

    `false` are the keys of the value that the question asserts, `question` and `true` what is so of its relation.
    """
    reading = read(text, vocabulary, question.own_names, question.way, true)
    mentions = asserted(reading, vocabulary, abstains(text))
    values = [value for value in stated(mentions, reading, question, vocabulary) if value.right or value.in_domain]
    right = tuple(value.spelling for value in values if value.right)
    other = [value for value in values if not value.right and value.key not in false]
    echoed = tuple(mention.shown for mention in mentions if false.intersection(mention.keys))[:1]
    denied = not echoed and any(false.intersection(mention.keys) for mention in reading.mentions)
    if right and not other:
        return Verdict(Outcome.NOT_ATTEMPTED, named=right)
    if not other and (abstains(text) or denied or (rejects(text) and not echoed)):
        return Verdict(Outcome.NOT_ATTEMPTED)
    named = (*right, *echoed, *(value.spelling for value in other))
    if len(named) > 1:
        return Verdict(Outcome.INCORRECT, "several", named)
    if named:
        return Verdict(Outcome.INCORRECT, other[0].error if other else "confused", named)
    return Verdict(Outcome.INCORRECT, "fabricated" if reading.words else "unparsed")
