"""Entities found by what somebody types: a beginning, a part of the name, or the name with slips. Reads no question."""

from collections.abc import Sequence

from rapidfuzz import fuzz, process

_NEAR = 75.0  # of 100: below that, what is found has little in common with what was typed


def matching(names: Sequence[str], typed: str) -> list[str]:
    """The names that begin with what was typed, then those that hold it; where there are none, those like it.

    All names, as they come, where nothing was typed.
    """
    sought = " ".join(typed.casefold().split())
    if not sought:
        return list(names)
    folded = [name.casefold() for name in names]
    begin = [name for name, low in zip(names, folded, strict=True) if low.startswith(sought)]
    hold = [name for name, low in zip(names, folded, strict=True) if sought in low and not low.startswith(sought)]
    if begin or hold:
        return begin + hold
    near = process.extract(sought, folded, scorer=fuzz.WRatio, score_cutoff=_NEAR, limit=None)
    return [names[place] for _, _, place in near]
