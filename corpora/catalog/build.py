"""Write the fictional catalog into this folder, or into the one given: the same bytes every time.

    python corpora/catalog/build.py [FOLDER]

Values are drawn in things.py and said in prose.py; here they become facts.
"""

import random
import sys
from pathlib import Path
from typing import Any

from prose import FRAMES, Prose, write
from things import TODAY, Thing, draw_designers, draw_products

from kinject.corpus import Corpus, save
from kinject.types import Fact, Relation

SEED = 20261101
DESCRIPTION = "A fictional catalog: products in look-alike lines, their designers, and guides that mention them."


def main(folder: Path) -> None:
    rng = random.Random(SEED)
    designers = draw_designers(rng)
    products = draw_products(rng, designers)
    prose = write(rng, products, designers)
    facts = tuple(fact for thing in (*products, *designers) for fact in _facts(thing, prose))
    relations = tuple(_relation(frames) for frames in FRAMES.values())
    save(Corpus("catalog", prose.documents, facts, relations, TODAY, DESCRIPTION), folder)


def _facts(thing: Thing, prose: Prose) -> list[Fact]:
    found = [
        Fact(
            f"{thing.id}/price/{n}",
            thing.name,
            "price",
            price.amount,
            thing.id,
            _aliases(price.amount),
            price.since,
            price.until,
        )
        for n, price in enumerate(thing.prices, start=1)
    ]
    for relation, values in thing.values.items():
        place = prose.places.get((thing.name, relation), thing.id)
        for n, value in enumerate(values, start=1):
            number = f"/{n}" if len(values) > 1 else ""
            found.append(Fact(f"{thing.id}/{relation.replace(' ', '-')}{number}", thing.name, relation, value, place))
    return found


def _aliases(amount: str) -> tuple[str, ...]:
    number = amount.removesuffix(" EUR")
    return (f"EUR {number}", f"€{number}")


def _relation(frames: dict[str, Any]) -> Relation:
    return Relation(
        name=frames["name"],
        kind=frames["kind"],
        statements=tuple(frames["statements"]),
        train_questions=tuple(frames["train_questions"]),
        test_questions=tuple(frames["test_questions"]),
        inverse_questions=tuple(frames["inverse_questions"]),
        unit=frames.get("unit", ""),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
