"""Numbers spelled out in English words: "nine hundred and nine", "eleven point seven", "two and a half".

Knows nothing of units.
"""

import re

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENTHS = "twenty thirty forty fifty sixty seventy eighty ninety"
_BELOW_HUNDRED = {word: number for number, word in enumerate(_SMALL.split())} | {
    word: 10 * number for number, word in enumerate(_TENTHS.split(), start=2)
}
_MULTIPLES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SHARES = {"half": 0.5, "quarter": 0.25}
_ONES, _TEENS, _TENS = ("|".join(words) for words in (_SMALL.split()[:10], _SMALL.split()[10:], _TENTHS.split()))
_TO_99 = rf"(?:(?:{_TENS})(?:[- ](?:{_ONES})(?!\w))?|{_TEENS}|{_ONES})"
_TO_999 = rf"(?:(?:{_TO_99}|a)[- ]hundred(?:[- ](?:and[- ])?{_TO_99}(?!\w))?|{_TO_99})"
_LARGE = rf"[- ](?:{'|'.join(_MULTIPLES)})(?!\w)"
_WHOLE = rf"(?:a|{_TO_999}){_LARGE}(?: (?:and )?{_TO_999}(?!\w)(?:{_LARGE})?){{0,4}}|{_TO_999}"
NUMBER = re.compile(
    rf"(?<![^\W_])(?P<minus>minus )?(?P<whole>{_WHOLE})(?!\w)"
    rf"(?: point(?P<decimals>(?: (?:{_ONES})(?!\w)){{1,6}}))?(?: and (?:a|one) (?P<share>half|quarter)(?!\w))?",
    re.IGNORECASE,
)


def value(found: re.Match[str]) -> float:
    """The number that a match of NUMBER spells."""
    total, group = 0.0, 0.0
    for word in re.split(r"[- ]", found["whole"].casefold()):
        if word == "hundred":
            group = 100 * (group or 1)
        elif word in _MULTIPLES:
            total, group = total + _MULTIPLES[word] * (group or 1), 0.0
        else:
            group += _BELOW_HUNDRED.get(word, 0)
    digits = "".join(str(_BELOW_HUNDRED[word]) for word in (found["decimals"] or "").casefold().split())
    share = _SHARES.get((found["share"] or "").casefold(), 0.0)
    sign = -1.0 if found["minus"] else 1.0
    return sign * (total + group + share + float(f"0.{digits}0"))
