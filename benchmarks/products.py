"""A table of products that do not exist, of any size: what import and index are measured on.

Eight attributes of four kinds: numbers with units, categories, days, and the names of other products.
"""

import csv
import random
from datetime import date, timedelta
from pathlib import Path

COLUMNS = ("name", "weight (g)", "price", "battery life", "material", "country", "colour", "launched", "successor")
_STARTS = ("Bal", "Cor", "Dra", "Fen", "Gri", "Hel", "Jor", "Kel", "Lum", "Mar", "Nor", "Pel", "Qua", "Ros", "Sel")
_ENDS = ("dex", "lia", "mont", "nar", "ora", "phi", "quin", "rion", "sta", "tex", "uma", "vex", "wyn", "xis", "yor")
_MATERIALS = ("steel", "oak", "brass", "bamboo", "titanium", "glass", "leather", "linen", "ceramic", "cork")
_COUNTRIES = ("Austria", "Brazil", "Canada", "Denmark", "Estonia", "Finland", "Ghana", "Hungary", "Iceland", "Japan")
_COLOURS = ("red", "green", "blue", "black", "white", "amber", "violet", "silver", "teal", "rose")


def write(path: Path, products: int, seed: int = 0) -> None:
    """A CSV of that many products under different names; the same seed gives the same file."""
    rng = random.Random(seed)
    names = [
        f"{rng.choice(_STARTS)}{rng.choice(_ENDS)} {number}" for number in rng.sample(range(products * 9), products)
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for name in names:
            launched = date(2015, 1, 1) + timedelta(days=rng.randrange(3650))
            writer.writerow(
                [
                    name,
                    rng.randrange(50, 9000),
                    f"{rng.randrange(5, 900)}.{rng.randrange(100):02} EUR",
                    f"{rng.randrange(2, 90)} hours",
                    rng.choice(_MATERIALS),
                    rng.choice(_COUNTRIES),
                    rng.choice(_COLOURS),
                    launched.isoformat(),
                    rng.choice(names),
                ]
            )
