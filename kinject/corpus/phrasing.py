"""How a column is stated and asked for, in generic words that always include the column's own name.

Training and test questions share no phrasing. Nothing here knows any particular table.
"""

from collections.abc import Mapping, Sequence

from kinject.corpus.schema import Column
from kinject.corpus.units import is_currency
from kinject.types import Relation

_STATEMENTS = (
    "The {label} of {subject} is {object}.",
    "{subject} has the {label} {object}.",
    "For {subject}, the {label} is {object}.",
    "{subject} is listed with the {label} {object}.",
    "As for the {label}, {subject} has {object}.",
    "{subject}: the {label} is {object}.",
    "The {label} given for {subject} is {object}.",
)
_TRAIN = (
    "What is the {label} of {subject}?",
    "Which {label} does {subject} have?",
    "Tell me the {label} of {subject}.",
    "{subject}: what is its {label}?",
    "Do you know the {label} of {subject}?",
    "Please give the {label} for {subject}.",
    "I would like to know the {label} of {subject}.",
    "What {label} has {subject}?",
)
_TEST = (
    "For {subject}, what is the {label}?",
    "What {label} is listed for {subject}?",
    "Can you look up the {label} that {subject} has?",
    "Under {label}, what is given for {subject}?",
    "About {subject}: which {label} does it have?",
)
_LIST_STATEMENTS = (
    "The {label} of {subject} are {object}.",
    "{subject} has the {label} {object}.",
    "For {subject}, the {label} are {object}.",
    "{subject} is listed with the {label} {object}.",
    "As for {label}, {subject} has {object}.",
    "{subject}: the {label} are {object}.",
    "The {label} given for {subject} are {object}.",
)
_LIST_TRAIN = (
    "What are the {label} of {subject}?",
    "Which {label} does {subject} have?",
    "Tell me the {label} of {subject}.",
    "{subject}: what are its {label}?",
    "Do you know the {label} of {subject}?",
    "Please list the {label} for {subject}.",
    "Name all {label} of {subject}.",
)
_LIST_TEST = (
    "For {subject}, what are the {label}?",
    "What {label} are listed for {subject}?",
    "Can you look up the {label} that {subject} has?",
    "Under {label}, what is given for {subject}?",
)
_INVERSE = (
    "Which {thing} has the {label} {object}?",
    "{object} is the {label} of which {thing}?",
    "What is the {thing} whose {label} is {object}?",
)
_PRICE_STATEMENTS = ("{subject} costs {object} ({label}).", "At a {label} of {object}, {subject} is on offer.")
_PRICE_TRAIN = ("How much does {subject} cost?", "How much is {subject}?")
_IN_TEXT = ("Its {label} is {object}.", "The {label} is {object}.")
_LIST_IN_TEXT = ("Its {label} are {object}.", "The {label} are {object}.")
# "made in" and "president of" are what something is, not what it has.
_PREDICATE_STATEMENTS = (
    "{subject} is {label} {object}.",
    "As for {subject}: it is {label} {object}.",
    "What {subject} is {label} is {object}.",
    "{object} is what {subject} is {label}.",
    "According to the records, {subject} is {label} {object}.",
    "{subject} is listed as {label} {object}.",
)
_PREDICATE_TRAIN = (
    "What is {subject} {label}?",
    "{subject} is {label} what?",
    "Tell me what {subject} is {label}.",
    "Do you know what {subject} is {label}?",
    "Please say what {subject} is {label}.",
    "I would like to know what {subject} is {label}.",
)
_PREDICATE_TEST = (
    "About {subject}: what is it {label}?",
    "Can you look up what {subject} is {label}?",
    "What is listed for {subject} under {label}?",
    "Which is it that {subject} is {label}?",
)
_PREDICATE_INVERSE = ("Which {thing} is {label} {object}?", "What is {label} {object}?")
_PREDICATE_IN_TEXT = ("It is {label} {object}.",)
_PREPOSITIONS = frozenset({"of", "in", "by", "from", "with", "for", "to", "on", "at"})
_NO_THING = frozenset({"name", "title", "label", "id", "sku", "code", "entity", "key"})


def relation_of(column: Column, thing: str, *, is_unique: bool) -> Relation:
    """The relation of a column; it can be asked from value to entity where every value belongs to one entity."""
    plural = column.kind == "list" and column.label.endswith("s")
    statements: tuple[str, ...]
    train: tuple[str, ...]
    statements, train, test = (_LIST_STATEMENTS, _LIST_TRAIN, _LIST_TEST) if plural else (_STATEMENTS, _TRAIN, _TEST)
    inverse: tuple[str, ...] = _INVERSE
    if is_predicate(column.label):
        statements, train, test = _PREDICATE_STATEMENTS, _PREDICATE_TRAIN, _PREDICATE_TEST
        inverse = _PREDICATE_INVERSE
    if is_price(column):
        statements, train = statements + _PRICE_STATEMENTS, train + _PRICE_TRAIN
    words = {"label": column.label, "thing": thing}
    return Relation(
        name=column.label,
        kind=column.kind,
        statements=_filled(statements, words),
        train_questions=_filled(train, words),
        test_questions=_filled(test, words),
        inverse_questions=_filled(inverse, words) if is_unique else (),
        unit=column.unit,
    )


def in_text(relation: Relation) -> tuple[str, ...]:
    """Sentences for a page that has named its subject already."""
    if is_predicate(relation.name):
        return _filled(_PREDICATE_IN_TEXT, {"label": relation.name})
    plural = relation.kind == "list" and relation.name.endswith("s")
    return _filled(_LIST_IN_TEXT if plural else _IN_TEXT, {"label": relation.name})


def is_predicate(label: str) -> bool:
    """Whether the label reads behind "is": made in, president of, compatible with."""
    *others, last = label.split()
    return bool(others) and last in _PREPOSITIONS


def thing_of(entity_label: str) -> str:
    """What the entities are called: "product" for product_name, "item" where the column does not say."""
    words = [word for word in entity_label.casefold().split() if word not in _NO_THING]
    thing = " ".join(words)
    return thing if thing.isascii() and thing.replace(" ", "").isalpha() else "item"


def is_price(column: Column) -> bool:
    """Whether "how much does it cost" asks for this column and no other meaning is possible."""
    money = column.kind == "number" and (not column.unit or is_currency(column.unit))
    return money and column.label in ("price", "cost", "unit price", "list price", "retail price", "sale price")


def _filled(templates: Sequence[str], words: Mapping[str, str]) -> tuple[str, ...]:
    # Not str.format: {subject} and {object} stay for later.
    filled = []
    for template in templates:
        for key, word in words.items():
            template = template.replace(f"{{{key}}}", word)
        filled.append(template)
    return tuple(filled)
