"""Weave the catalog's pages, portraits and guides, and remember which of them states what.

Draws no values: it only decides where and in which words each one is said.
"""

import random
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from things import WORDS, Thing, slug

from kinject.corpus import format_day
from kinject.types import Document

TEMPLATES: dict[str, Any] = tomllib.loads((Path(__file__).parent / "relations.toml").read_text(encoding="utf-8"))
FRAMES: dict[str, dict[str, Any]] = {frames["name"]: frames for frames in TEMPLATES["relations"]}
MENTIONS_OF_THE_MOST_POPULAR = 22  # the product of rank r is mentioned that often, divided by r ** 0.8 (Zipf)
MENTIONS_A_GUIDE = 6
SHORTEST_PAGE_WORDS = 75


@dataclass(frozen=True)
class Mention:
    """A fact that is stated away from its product's page."""

    product: Thing
    relation: str


@dataclass(frozen=True)
class Prose:
    """`places` gives the document of each fact that the product's own page leaves out, by (product, relation)."""

    documents: tuple[Document, ...]
    places: dict[tuple[str, str], str]


def write(rng: random.Random, products: Sequence[Thing], designers: Sequence[Thing]) -> Prose:
    siblings, mentions = _spread(rng, products)
    guides, places = _guides(rng, products, mentions)
    pages = [_page(rng, product, siblings.get(product.name)) for product in products]
    portraits = [_portrait(rng, designer, products) for designer in designers]
    for product in products:
        if "designer" in product.passing:
            places[product.name, "designer"] = slug(product.values["designer"][0])
    return Prose((*pages, *portraits, *guides), places)


def _spread(rng: random.Random, products: Sequence[Thing]) -> tuple[dict[str, Mention], list[Mention]]:
    """Draw who is mentioned how often: some on the page of another product of the line, the rest in guides."""
    siblings: dict[str, Mention] = {}
    mentions = [Mention(p, r) for p in products for r in sorted(p.passing - {"designer"})]
    for rank, product in enumerate(rng.sample(products, len(products)), start=1):
        known = [*(r for r in product.values if r not in product.passing), *(["price"] if product.prices else [])]
        for _ in range(round(MENTIONS_OF_THE_MOST_POPULAR / rank**0.8)):
            mention = Mention(product, rng.choice(known))
            host = rng.choice([p for p in products if p.line == product.line and p is not product])
            if rng.random() < 0.3 and host.name not in siblings:
                siblings[host.name] = mention
            else:
                mentions.append(mention)
    return siblings, mentions


def _guides(
    rng: random.Random, products: Sequence[Thing], mentions: list[Mention]
) -> tuple[list[Document], dict[tuple[str, str], str]]:
    """A third of the mentions end up in mixed letters, the others in guides to one kind of product."""
    shelves: dict[str, list[Mention]] = {kind["plural"]: [] for kind in WORDS["kinds"]} | {"": []}
    for mention in rng.sample(mentions, len(mentions)):
        shelves["" if rng.random() < 0.33 else mention.product.kind["plural"]].append(mention)
    documents: list[Document] = []
    places: dict[tuple[str, str], str] = {}
    for plural, shelf in shelves.items():
        for start in range(0, len(shelf), MENTIONS_A_GUIDE):
            chosen = {(m.product.name, m.relation): m for m in shelf[start : start + MENTIONS_A_GUIDE]}
            guide = _guide(rng, f"guide-{len(documents) + 1:02d}", plural, list(chosen.values()))
            documents.append(guide)
            places |= {key: guide.id for key, m in chosen.items() if m.relation in m.product.passing}
    return documents, places


def _guide(rng: random.Random, id: str, plural: str, mentions: list[Mention]) -> Document:
    style = "guide" if plural else "mixed"
    opener = rng.choice(WORDS["openers"][style]).format(plural=plural)
    title = rng.choice(WORDS["titles"][style]).format(plural=plural)
    remarks = rng.sample(WORDS["openers"]["remark"], len(mentions))
    said = [_remark(rng, mention, remark) for mention, remark in zip(mentions, remarks, strict=True)]
    return Document(id, " ".join([opener, *said]), f"{title[0].upper()}{title[1:]}")


def _remark(rng: random.Random, mention: Mention, remark: str) -> str:
    name, value = mention.product.name, _value(mention.product, mention.relation)
    if rng.random() < 0.4:
        return _statement(rng, name, mention.relation, value)
    predicate = rng.choice(FRAMES[mention.relation]["predicates"]).format(object=value)
    return f"{remark}{name} {predicate}."


def _page(rng: random.Random, product: Thing, sibling: Mention | None) -> Document:
    words = {"subject": product.name, "noun": product.kind["noun"], "line": product.line}
    opener = rng.choice(WORDS["openers"]["page"]).format(**words)
    stated = [(r, _value(product, r)) for r in product.values if r not in product.passing]
    said = _weave(rng, product.name, rng.sample(stated, len(stated)))
    said.insert(rng.randrange(len(said) + 1), _history(rng, product))
    for filler in rng.sample(product.kind["fillers"], len(product.kind["fillers"])):
        if sum(len(sentence.split()) for sentence in (opener, *said)) >= SHORTEST_PAGE_WORDS:
            break
        said.insert(rng.randrange(len(said) + 1), filler)
    # At the end, so that no "it" can be taken for the other product.
    if sibling:
        other, value = sibling.product.name, _value(sibling.product, sibling.relation)
        predicate = rng.choice(FRAMES[sibling.relation]["predicates"]).format(object=value)
        said.append(rng.choice(WORDS["openers"]["sister"]).format(other=other, predicate=predicate))
    return Document(product.id, " ".join([opener, *said]), product.name)


def _portrait(rng: random.Random, designer: Thing, products: Sequence[Thing]) -> Document:
    opener = rng.choice(WORDS["openers"]["designer"]).format(name=designer.name)
    said = _weave(rng, designer.name, [(r, _value(designer, r)) for r in designer.values])
    said[rng.randrange(len(said) + 1) :] += rng.sample(WORDS["designer"]["fillers"], 2)
    works = [p for p in products if "designer" in p.passing and p.values["designer"] == (designer.name,)]
    said += [_statement(rng, work.name, "designer", designer.name) for work in works]
    return Document(designer.id, " ".join([opener, *said]), designer.name)


def _weave(rng: random.Random, name: str, stated: Sequence[tuple[str, str]]) -> list[str]:
    """One sentence for each fact, or for two of them, in their order; the subject is named or "it"."""
    sentences = []
    rest = list(stated)
    while rest:
        first, second = rest.pop(0), rest.pop(0) if len(rest) > 0 and rng.random() < 0.45 else None
        subject = name if rng.random() < 0.75 else "it"
        if second:
            sentences.append(_joined(rng, subject, first, second))
        elif rng.random() < 0.55:
            sentences.append(_statement(rng, name, *first))
        else:
            sentences.append(f"{_capital(subject)} {_predicate(rng, first)}.")
    return sentences


def _joined(rng: random.Random, subject: str, first: tuple[str, str], second: tuple[str, str]) -> str:
    relation, value = first
    lead = rng.choice(FRAMES[relation]["leads"]).format(object=value)
    one, two = _predicate(rng, first), _predicate(rng, second)
    forms = [f"{lead}, {subject} {two}.", f"{_capital(subject)} {one} and {two}."]
    # After another product's or a person's name, "and weighs ..." would be read as theirs.
    if FRAMES[relation]["kind"] == "entity":
        forms.pop()
    if subject != "it":
        forms.append(f"{subject}, which {one}, {two}.")
    return rng.choice(forms)


def _history(rng: random.Random, product: Thing) -> str:
    if not product.prices:
        return rng.choice(WORDS["openers"]["on_request"]).format(subject=product.name)
    words = {"subject": product.name}
    for letter, price in zip("abc", product.prices, strict=False):
        words |= {letter: price.amount, f"from_{letter}": format_day(price.since)}
    return rng.choice(TEMPLATES["histories"][str(len(product.prices))]).format(**words)


def _statement(rng: random.Random, name: str, relation: str, value: str) -> str:
    undated = [template for template in FRAMES[relation]["statements"] if "{date}" not in template]
    return rng.choice(undated).format(subject=name, object=value)


def _predicate(rng: random.Random, fact: tuple[str, str]) -> str:
    relation, value = fact
    return rng.choice(FRAMES[relation]["predicates"]).format(object=value)


def _value(thing: Thing, relation: str) -> str:
    """The value as a sentence says it; several are listed: black, teal and navy."""
    if relation == "price":
        return thing.prices[-1].amount
    *others, last = thing.values[relation]
    return f"{', '.join(others)} and {last}" if others else last


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
