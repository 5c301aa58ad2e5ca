"""Draw the products and the designers of the catalog, with every value that will ever be said of them.

Knows no sentences: names and ranges are in words.toml, prose is woven elsewhere.
"""

import random
import re
import tomllib
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from kinject.corpus import format_day

WORDS: dict[str, Any] = tomllib.loads((Path(__file__).parent / "words.toml").read_text(encoding="utf-8"))
TODAY = date(2026, 11, 1)
FIRST_LAUNCH = date(2017, 1, 9)

# The share of products for which nobody has published the value, so that the question has no answer.
ABSENT = {
    "price": 0.05,
    "weight": 0.04,
    "warranty": 0.08,
    "battery life": 0.06,
    "material": 0.06,
    "country of origin": 0.08,
    "designer": 0.2,
}
# The share of facts that a product's own page leaves to a guide or, for the designer, to the designer's portrait.
IN_PASSING = {
    "weight": 0.08,
    "warranty": 0.12,
    "material": 0.08,
    "country of origin": 0.12,
    "compatible with": 0.15,
    "designer": 0.3,
}


@dataclass(frozen=True)
class Price:
    since: date
    until: date | None
    amount: str


@dataclass(frozen=True)
class Thing:
    """A product or a designer. `passing` are the relations that its own page does not state; a designer has no kind."""

    name: str
    values: dict[str, tuple[str, ...]]
    prices: tuple[Price, ...] = ()
    passing: frozenset[str] = frozenset()
    kind: dict[str, Any] = field(default_factory=dict)
    line: str = ""

    @property
    def id(self) -> str:
        return slug(self.name)


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())


def draw_designers(rng: random.Random) -> list[Thing]:
    people: list[str] = WORDS["people"]
    found = []
    for rank, name in enumerate((*people, *WORDS["studios"])):
        values = {}
        if rng.random() < 0.9:
            values["home city"] = (rng.choice(WORDS["cities"]),)
        # Only of somebody earlier in the list, so that nobody is taught by a pupil.
        if 0 < rank < len(people) and rng.random() < 0.7:
            values["mentor"] = (rng.choice(people[:rank]),)
        found.append(Thing(name, values))
    return found


def draw_products(rng: random.Random, designers: list[Thing]) -> list[Thing]:
    names = {kind["name"]: [_names(rng, line) for line in kind["lines"]] for kind in WORDS["kinds"]}
    found = []
    for kind in WORDS["kinds"]:
        partners = [name for line in names.get(WORDS["compatible"].get(kind["name"]), []) for name in line]
        for line, models in zip(kind["lines"], names[kind["name"]], strict=True):
            team = [designer.name for designer in rng.sample(designers, 4)]
            found += [_product(rng, Thing(name, {}, kind=kind, line=line), team, partners) for name in models]
    return found


def _names(rng: random.Random, line: str) -> list[str]:
    """Nine or ten numbers that lie close together, some twice with a suffix: easy to confuse, as in a real catalog."""
    base, step = rng.choice((20, 40, 100, 300, 500, 700)), rng.choice((5, 10))
    numbers = [f"{line} {base + step * n}" for n in range(6)]
    suffixes = rng.sample(WORDS["suffixes"], rng.choice((3, 4)))
    return [*numbers, *(f"{rng.choice(numbers)} {suffix}" for suffix in suffixes)]


def _product(rng: random.Random, product: Thing, team: list[str], partners: list[str]) -> Thing:
    launch = FIRST_LAUNCH + timedelta(days=rng.randrange(3500))
    drawn = _values(rng, product.kind, launch) | _links(rng, team, partners)
    values = {r: v for r, v in drawn.items() if rng.random() >= ABSENT.get(r, 0)}
    passing = frozenset(r for r in values if rng.random() < IN_PASSING.get(r, 0))
    prices = _prices(rng, launch, product.kind["price"]) if rng.random() >= ABSENT["price"] else ()
    return Thing(product.name, values, prices, passing, product.kind, product.line)


def _values(rng: random.Random, kind: dict[str, Any], launch: date) -> dict[str, tuple[str, ...]]:
    low, high, digits = kind["weight"]
    values = {
        "weight": (f"{rng.uniform(low, high):.{digits}f} kg",),
        "warranty": (rng.choice(WORDS["warranties"]),),
        "material": (rng.choice(kind["materials"]),),
        "country of origin": (rng.choice(WORDS["countries"]),),
        "launch date": (format_day(launch),),
    }
    # Half of the lamps have a cable only.
    if "battery" in kind and (kind["name"] != "lamp" or rng.random() < 0.5):
        low, high, digits = kind["battery"]
        values["battery life"] = (f"{rng.uniform(low, high):.{digits}f} hours",)
    if kind["name"] in WORDS["coloured"]:
        values["colours"] = tuple(rng.sample(WORDS["colours"], rng.choice((1, 2, 3))))
    if kind["name"] in WORDS["numbered"]:
        values["SKU"] = (f"{rng.choice('KQVXZ')}{rng.choice('BDGJW')}-{rng.randrange(1000, 10000)}",)
    return values


def _links(rng: random.Random, team: list[str], partners: list[str]) -> dict[str, tuple[str, ...]]:
    values = {"designer": (rng.choice(team),)}
    if partners and rng.random() < 0.7:
        values["compatible with"] = tuple(rng.sample(partners, rng.choice((1, 1, 1, 1, 2))))
    return values


def _prices(rng: random.Random, launch: date, between: list[int]) -> tuple[Price, ...]:
    """One to three prices, each from a day on and kept for two months or more; they only fall or only rise."""
    days = [launch]
    for _ in range(rng.choices((0, 1, 2), (4, 3, 3))[0]):
        days.append(days[-1] + timedelta(days=rng.randrange(60, 900)))
    days = [day for day in days if day < TODAY]
    tens, direction = rng.randrange(between[0] // 10, between[1] // 10), rng.choice((-1, -1, -1, 1))
    amounts = []
    for _ in days:
        # 349, 1490: as shops like to write them.
        amounts.append(f"{tens * 10 - (tens < 100)} EUR")
        tens += direction * max(1, round(tens * rng.choice((0.1, 0.15, 0.22))))
    return tuple(Price(*price) for price in zip(days, [*days[1:], None], amounts, strict=True))
