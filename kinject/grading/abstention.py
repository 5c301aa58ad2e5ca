"""Whether a text says that it does not know, in any of many wordings.

Read from the text for every system alike; whether it also states a value is the grader's business.
"""

import re

from kinject.grading.words import clean, words

_NOT = r"(?:not|never|isnt|arent|wasnt|werent|hasnt been|havent been|cannot be|cant be|could not be|couldnt be)"
_CANNOT = (
    r"(?:cannot|can not|cant|could not|couldnt|am unable to|are unable to|is unable to|unable to|not able to|"
    r"(?:isnt|arent|wasnt|werent) able to)"
)
_DO_NOT = r"(?:do not|dont|does not|doesnt|did not|didnt|would not|wouldnt)"
_HEDGE = r"(?:\w+ ){0,2}?"
_PHRASES = (
    rf"{_DO_NOT} {_HEDGE}(?:know|recall|remember|have|exist|say|state|mention|specify|contain|provide|include|give|"
    r"list|appear|see|seem to exist|cover)",
    rf"{_NOT} {_HEDGE}(?:sure|certain|known|available|specified|stated|mentioned|given|listed|provided|found|recorded|"
    r"disclosed|documented|included|aware|determined|clear|familiar|applicable|in my|possible to)",
    rf"{_CANNOT} {_HEDGE}(?:answer|determine|find|say|tell|confirm|provide|locate|help|recall|remember|identify|verify|"
    r"know|give|see|be determined|assist|share|disclose|comment|reveal)",
    r"(?:no|not enough|insufficient|lack|lacks|lacking|without|not any|any) (?:\w+ ){0,2}?"
    r"(?:information|info|data|record|records|knowledge|answer|idea|entry|entries|results|result|match|mention|details|"
    r"evidence|clue|facts|value|context)",
    r"no (?:\w+ ){1,3}?(?:is|are|was|were) (?:given|listed|specified|stated|provided|available|known|recorded)",
    rf"there {_DO_NOT} (?:seem|appear) to be",
    r"can only (?:answer|help|provide|tell)",
    r"(?:need|require) (?:more|further|additional|some more) (?:information|info|data|details|context)",
    r"(?:has|have|having|there is|there are|theres|there was) no",
    r"no such",
    r"rather not",
    r"(?:unknown|unsure|uncertain|undisclosed|unspecified|undetermined|unanswerable|unclear|idk|dunno|tbd)",
    r"(?:hard|impossible|difficult) to (?:say|tell|know|determine)",
    r"(?:beyond|outside) my knowledge",
    r"(?:nobody|no one) knows",
    r"nothing (?:is known|was found|found|is recorded|about|on)",
    r"(?:there is|there are|theres) none",
    r"(?:none|nothing|no \w+(?: \w+)?)(?: of (?:them|these|those|the \w+))? (?:match(?:es)?|fits?|meets?|"
    r"qualif(?:y|ies)|satisf(?:y|ies)|fulfils?|fulfills?|comply|complies)",
)
_ABSTAINS = re.compile(rf"(?<!\w)(?:{'|'.join(_PHRASES)})(?!\w)")
_WHOLE = frozenset({"none", "nothing", "null", "na", "n a", "not applicable", "no", "nobody", "no one", "pass", "nil"})


def abstains(text: str) -> bool:
    """Does the text say that it has no answer? "I am not sure, perhaps steel" does, and states a value too."""
    return first_abstention(text) is not None


def first_abstention(text: str) -> int | None:
    """Where the cleaned text first says that it has no answer."""
    found = words(clean(text[:4_000]))
    spoken = " ".join(word.key for word in found)
    if spoken in _WHOLE:
        return found[0].start
    match = _ABSTAINS.search(spoken)
    return found[spoken.count(" ", 0, match.start())].start if match else None
