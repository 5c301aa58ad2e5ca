"""Write the corpus of U.S. presidents into this folder, or into the one given: the same bytes every time.

    python corpora/presidents/build.py [FOLDER]

Terms are read from presidents.csv (one row an unbroken time in office), phrasings from phrases.toml.
"""

import csv
import random
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from kinject.corpus import Corpus, format_day, save
from kinject.types import Document, Fact, Relation

HERE = Path(__file__).parent
PHRASES: dict[str, Any] = tomllib.loads((HERE / "phrases.toml").read_text(encoding="utf-8"))
SEED = 1789
TODAY = date(2026, 11, 1)
DESCRIPTION = (
    "The presidents of the United States: terms with their days, party, home state, birth, and who followed whom."
)
COUNTRY = "the United States"
COUNTRY_ALIASES = ("U.S.A.", "USA", "United States", "United States of America", "U.S.", "America")
PARTY_ALIASES = {
    "Democrat": ("Democratic", "Democratic Party", "Democrats"),
    "Republican": ("Republican Party", "Republicans"),
    "Whig": ("Whig Party", "Whigs"),
    "Federalist": ("Federalist Party", "Federalists"),
    "Democratic-Republican": ("Democratic-Republican Party", "Democratic-Republicans"),
    "no party": ("none", "nonpartisan", "unaffiliated", "independent"),
}


@dataclass(frozen=True)
class Term:
    """One row of the table; `end` is the first day of somebody else, None for who is in office."""

    name: str
    birth: date
    party: str
    state: str
    start: date
    end: date | None
    note: str


def main(folder: Path) -> None:
    rng = random.Random(SEED)
    terms = _terms()
    names = list(dict.fromkeys(term.name for term in terms))
    documents = tuple(_page(rng, name, terms) for name in names)
    facts = tuple(fact for name in names for fact in _facts(name, terms))
    relations = tuple(_relation(templates) for templates in PHRASES["relations"])
    save(Corpus("presidents", documents, facts, relations, TODAY, DESCRIPTION), folder)


def _terms() -> list[Term]:
    with (HERE / "presidents.csv").open(encoding="utf-8", newline="") as file:
        return [
            Term(
                row["name"],
                date.fromisoformat(row["birth"]),
                row["party"],
                row["state"],
                date.fromisoformat(row["start"]),
                date.fromisoformat(row["end"]) if row["end"] else None,
                row["note"],
            )
            for row in csv.DictReader(file)
        ]


def _facts(name: str, terms: Sequence[Term]) -> list[Fact]:
    id, own = _slug(name), [term for term in terms if term.name == name]
    found = [
        Fact(f"{id}/term/{n}", name, "president of", COUNTRY, id, COUNTRY_ALIASES, term.start, term.end)
        for n, term in enumerate(own, start=1)
    ]
    found.append(Fact(f"{id}/party", name, "party", own[0].party, id, PARTY_ALIASES[own[0].party]))
    found.append(Fact(f"{id}/home-state", name, "home state", own[0].state, id))
    found.append(Fact(f"{id}/birth-date", name, "birth date", format_day(own[0].birth), id))
    for earlier, later in pairwise(terms):
        if later.name == name:
            found.append(Fact(f"{id}/after/{_slug(earlier.name)}", name, "predecessor", earlier.name, id))
        if earlier.name == name:
            found.append(Fact(f"{id}/before/{_slug(later.name)}", name, "successor", later.name, id))
    return found


def _page(rng: random.Random, name: str, terms: Sequence[Term]) -> Document:
    own = [n for n, term in enumerate(terms) if term.name == name]
    first = terms[own[0]]
    said = [_pick(rng, "openers", name=name, birth=format_day(first.birth), state=first.state)]
    for turn, n in enumerate(own):
        said += _time_in_office(rng, terms, n, again=turn > 0)
    said.append(_pick(rng, "party", name=name, party=first.party))
    said.insert(rng.choice((1, len(said))), _pick(rng, "notes", note=first.note))
    return Document(_slug(name), " ".join(said), name)


def _time_in_office(rng: random.Random, terms: Sequence[Term], n: int, again: bool) -> list[str]:
    term = terms[n]
    style = ("again" if again else "only") if term.end else ("again_current" if again else "current")
    end = format_day(term.end) if term.end else ""
    said = [_pick(rng, style, name=term.name, start=format_day(term.start), end=end)]
    if n > 0:
        said.append(_pick(rng, "before", other=terms[n - 1].name))
    if n + 1 < len(terms):
        said.append(_pick(rng, "after", other=terms[n + 1].name))
    return said


def _pick(rng: random.Random, style: str, **words: str) -> str:
    template: str = rng.choice(PHRASES["pages"][style])
    return template.format(**words)


def _slug(name: str) -> str:
    return name.lower().replace(".", "").replace(" ", "-")


def _relation(templates: dict[str, Any]) -> Relation:
    return Relation(
        name=templates["name"],
        kind=templates["kind"],
        statements=tuple(templates["statements"]),
        train_questions=tuple(templates["train_questions"]),
        test_questions=tuple(templates["test_questions"]),
        inverse_questions=tuple(templates["inverse_questions"]),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
