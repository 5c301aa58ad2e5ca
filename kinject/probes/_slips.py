"""Slips of the keyboard inside a word: two letters swapped, one dropped, doubled, or taken from the key beside it.

The first and the last letter stay. Whether a slip makes another word or another name is for the caller to say.
"""

import random
from collections.abc import Callable

_TRIES = 20
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = {
    key: row[max(0, place - 1) : place] + row[place + 1 : place + 2] for row in _ROWS for place, key in enumerate(row)
}


def slip(word: str, rng: random.Random, fits: Callable[[str], bool]) -> str:
    """The word with one slip that fits; '' where none was found, as for a word of fewer than four letters."""
    for _ in range(_TRIES if len(word) >= 4 else 0):
        made = rng.choice((_swap, _drop, _double, _neighbour))(word, rng)
        if made != word and fits(made):
            return made
    return ""


def _swap(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _drop(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    return word[:at] + word[at + 1 :]


def _double(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    return word[: at + 1] + word[at:]


def _neighbour(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    key = rng.choice(_BESIDE.get(word[at].lower()) or word[at])
    return word[:at] + (key.upper() if word[at].isupper() else key) + word[at + 1 :]
