"""Mint the names and values of training worlds: messy, look-alike, and of no shipped corpus.

Words come from `wonderwords`; everything that should look like knowledge is coined from syllables, so that nothing
which a corpus teaches later can have been seen here.
"""

import math
import random
import re
import string
import tomllib
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Any

VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "io", "ou", "y", "é", "ö", "ü", "å"]
VOWEL_WEIGHTS = [12, 12, 10, 12, 8, 2, 2, 2, 2, 2, 1, 1, 1, 1]
CODAS = ["", "", "", "n", "r", "s", "l", "m", "t", "x", "nd", "rk", "lt", "ss", "st", "ck", "ng"]
SUFFIXES = ["Pro", "Plus", "Mini", "X", "S", "II", "III", "Max", "Lite", "Ultra", "SE", "Air", "Go", "One", "Neo", "R"]
COUNTABLE = ["page", "seat", "room", "user", "piece", "step", "row", "part"]
CURRENCIES = ["EUR", "USD", "GBP", "CHF", "SEK", "€", "$", "£", "¥"]
WORDS = r"(?<![{\w])[A-Za-z]{3,}"  # of a frame; its places are no words
_CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
_SLOT = re.compile(r"<(\w+)>")


@cache
def lexicon() -> dict[str, Any]:
    """The words and sentence frames of the worlds: lexicon.toml, and as "concepts" what concepts.toml holds."""
    words, concepts = (
        tomllib.loads(resources.files("kinject.lab").joinpath(name).read_text(encoding="utf-8"))
        for name in ("lexicon.toml", "concepts.toml")
    )
    return {**words, "concepts": concepts}


def filled(rng: random.Random, frame: str) -> str:
    """The frame with one of its texts for each `(a|b|c)` and <slot>; <noun>, <adjective> and <verb> are any word."""

    def choose(slot: re.Match[str]) -> str:
        texts = lexicon()["slots"].get(slot[1])
        return filled(rng, rng.choice(texts)) if texts else _WORD[slot[1]](rng)

    frame = _CHOICE.sub(lambda choice: rng.choice(choice[1].split("|")), frame)
    return _SLOT.sub(choose, frame)


@cache
def telling(name: str) -> dict[str, float]:
    """How much a word tells of a concept: its count in the concept's frames times its rarity in those of others."""
    concepts, name = lexicon()["concepts"], spoken(name)
    if name not in concepts:
        return dict.fromkeys(name.split(), 1.0)
    own = _counts(name)
    shared = Counter(word for other in concepts for word in _counts(other))
    return {word: count * math.log((1 + len(concepts)) / shared[word]) for word, count in own.items()}


@cache
def _counts(name: str) -> Counter[str]:
    entry = lexicon()["concepts"][name]
    texts = [name, *(text for sort in ("say", "ask", "lead") for text in entry.get(sort, ()))]
    return Counter(word.casefold() for text in texts for word in re.findall(WORDS, text))


@cache
def _words(category: str) -> tuple[str, ...]:
    from wonderwords import RandomWord

    words = RandomWord().filter(include_categories=[category])
    reserved = set(lexicon()["names"]["reserved"])
    return tuple(sorted(w for w in words if w.isalpha() and w.islower() and len(w) <= 11 and w not in reserved))


def noun(rng: random.Random) -> str:
    return rng.choice(_words("noun"))


def adjective(rng: random.Random) -> str:
    return rng.choice(_words("adjective"))


def verb(rng: random.Random) -> str:
    return rng.choice(_words("verb"))


_WORD = {"noun": noun, "adjective": adjective, "verb": verb}


def coin(rng: random.Random) -> str:
    """An invented proper name of one to three syllables, which is none of the reserved words."""
    onsets = lexicon()["names"]["onsets"]
    syllables = rng.choices((1, 2, 3), (1, 6, 3))[0]
    word = "".join(rng.choice(onsets) + rng.choices(VOWELS, VOWEL_WEIGHTS)[0] for _ in range(syllables))
    word += rng.choice(CODAS)
    return word.capitalize() if word not in lexicon()["names"]["reserved"] else coin(rng)


def person(rng: random.Random) -> str:
    form = rng.randrange(8)
    first, last = coin(rng), coin(rng)
    if form == 0:
        return f"{first} {rng.choice(string.ascii_uppercase)}. {last}"
    if form == 1:
        return f"{first} {rng.choice(['van', 'de', 'von', 'da', 'al-'])} {last}"
    if form == 2:
        return f"{first} {last}-{coin(rng)}"
    if form == 3:
        return f"{first} {coin(rng)} {last}"
    return f"{first} {last}"


def place(rng: random.Random) -> str:
    form = rng.randrange(6)
    if form == 0:
        return f"the {coin(rng)} {noun(rng).capitalize()}s"
    if form == 1:
        return f"{rng.choice(['North', 'South', 'New', 'East', 'Port', 'Lower', 'San'])} {coin(rng)}"
    return coin(rng)


def code(rng: random.Random) -> str:
    """An identifier: a SKU, an article number, an account name."""
    pattern = rng.choice(
        ["AA-A###", "AA-A##A-##", "A#-####/A", "#####", "AAA###", "A###.##", "AA####", "##-###-A", "a##aa@a.aa"]
    )
    pools = {"A": string.ascii_uppercase, "#": string.digits, "a": string.ascii_lowercase}
    return "".join(rng.choice(pools[c]) if c in pools else c for c in pattern)


def digits(rng: random.Random) -> str:
    form = rng.randrange(8)
    if form < 3:
        return str(rng.randrange(1, 100))
    if form < 5:
        return str(rng.randrange(100, 3000))
    if form == 5:
        return f"{rng.randrange(1, 60)},{rng.randrange(1000):03d}"
    return f"{rng.randrange(0, 200)}.{rng.randrange(1, 100)}"


def quantity(rng: random.Random, unit: str) -> str:
    if not unit:
        return digits(rng)
    return f'{digits(rng)}"' if unit == '"' else f"{digits(rng)} {unit}"


def money(rng: random.Random, currency: str) -> str:
    amount = rng.choice(
        [
            f"{rng.randrange(2, 3000)}",
            f"{rng.randrange(1, 2500)}.{rng.randrange(100):02d}",
            f"{rng.randrange(1, 9)},{rng.randrange(1000):03d}.00",
        ]
    )
    if len(currency) == 1:
        return f"{currency}{amount}"
    return f"{amount} {currency}" if currency != "SEK" or rng.random() < 0.5 else f"{currency} {amount}"


def day(rng: random.Random, first: int = 1750, last: int = 2027) -> date:
    return date(rng.randrange(first, last), 1, 1) + timedelta(days=rng.randrange(365))


def written(rng: random.Random, when: date) -> str:
    """A day as catalogs write it; mostly `3 May 2024`."""
    month = when.strftime("%B")
    forms = [f"{when.day} {month} {when.year}"] * 5 + [
        when.isoformat(),
        f"{month} {when.day}, {when.year}",
        f"{when.year}",
    ]
    return rng.choice(forms)


def phrase(rng: random.Random, low: int = 1, high: int = 3) -> str:
    words = [adjective(rng) if rng.random() < 0.4 else noun(rng) for _ in range(rng.randint(low, high))]
    if rng.random() < 0.15:
        words[-1] = coin(rng)
    text = " ".join(words)
    return rng.choice([text, text, text.capitalize(), text.title(), f"{text}, {noun(rng)}", f"{coin(rng)} {text}"])


def several(rng: random.Random) -> str:
    items = [
        phrase(rng, 1, 2) if rng.random() < 0.7 else f"{coin(rng)}-{rng.randrange(200)}"
        for _ in range(rng.randint(2, 5))
    ]
    items = [item.replace(",", "") for item in items]
    return ", ".join(items) if rng.random() < 0.6 else f"{', '.join(items[:-1])} and {items[-1]}"


def header(rng: random.Random) -> Callable[[str], str]:
    """A way in which the header of a table writes the names of its columns."""
    return rng.choice([str.title, str.capitalize, _acronym, lambda name: name.replace(" ", "_")])


def _acronym(name: str) -> str:
    return name.upper() if len(name) < 5 else name


def spoken(column: str) -> str:
    """A column's name in running text."""
    return column.replace("_", " ").lower()


def family(rng: random.Random, size: int) -> list[str]:
    """Names of one family: they share most of their letters, and differ in a number, a suffix or a word."""
    form = rng.randrange(12)
    stem, base = coin(rng), rng.choice([100, 200, 300, 400, 500, 1000, 2, 3, 5, 10, 20, 50])
    found: dict[str, None] = {}
    while len(found) < size:
        number = base + rng.randrange(12) * (10 if base >= 100 else 1)
        suffix = rng.choice(SUFFIXES)
        name = (
            f"{stem} {number}",
            f"{stem} {rng.choice([number, base])} {suffix}",
            f"{stem}-{base} {rng.choice([adjective(rng), noun(rng)]).capitalize()}, {number % 100}",
            f"{suffix} {stem} {noun(rng).capitalize()}/{noun(rng).capitalize()}",
            person(rng),
            person(rng),  # twice: many tables are of people
            f"{stem} {rng.choice([adjective(rng), noun(rng)]).capitalize()}",
            place(rng),
            f"{stem} {noun(rng).capitalize()} ({code(rng)})",
            f"{coin(rng)} {stem}" if rng.random() < 0.5 else f"{stem} {coin(rng)} {noun(rng)}",
            f"{stem} {noun(rng).capitalize()} - {rng.choice([adjective(rng), coin(rng)]).capitalize()}, {number % 100}",
            f"{rng.choice([noun(rng).capitalize(), stem])}'s {stem} {noun(rng).capitalize()}, {suffix}",
        )[form]
        found[name] = None
    return list(found)
