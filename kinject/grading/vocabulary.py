"""What may be answered to one relation of a corpus: its values, their spellings, and who has them.

Forward, the values are objects and their owners subjects; inverse, the other way round. Reads no answers.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Literal

from kinject.corpus import Corpus
from kinject.grading.days import find_days
from kinject.grading.quantities import find_quantities, quantity_key, stated_unit
from kinject.grading.words import FUNCTION_WORDS, Phrases, Word, clean, identifiers, without_article, words
from kinject.types import Fact, Relation

Form = Literal["quantity", "day", "identifier", "list", "name", "phrase"]
_FORMS: Mapping[str, Form] = {
    "number": "quantity",
    "date": "day",
    "identifier": "identifier",
    "list": "list",
    "entity": "name",
    "category": "phrase",
    "text": "phrase",
}
_LIST_BREAK = re.compile(r"\s*[,;|]\s*|\s+(?:and|&)\s+")


class Vocabulary:
    """Built once a relation and direction, so that grading one answer costs microseconds.

    A value's key is equal for all its notations: 1.1 for 1.1 kg and 1,100 g, 2024-05-03 for 3 May 2024.
    """

    def __init__(self, corpus: Corpus, relation: Relation, inverse: bool = False) -> None:
        facts = [fact for fact in corpus.facts if fact.relation == relation.name]
        self.form: Form = "name" if inverse else _FORMS[relation.kind]
        self.unit = relation.unit or _common_unit(facts) if self.form == "quantity" else ""
        self.owners: dict[str, set[str]] = defaultdict(set)
        self.spelling: dict[str, str] = {}
        self.phrases = Phrases()
        self._values_of: dict[str, set[str]] = defaultdict(set)
        self.entities = frozenset(self._learn_name(name) for name in corpus.entities())
        known = spellings(corpus) if inverse else {}
        for fact in facts:
            if inverse:
                self._learn(fact.subject, known.get(fact.subject, ()), fact.object)
            else:
                self._learn(fact.object, fact.aliases, fact.subject)
        names = [key.split() for key in (*self.entities, *self.owners)] if self.form == "name" else []
        self.name_endings = frozenset(word for name in names for word in name[1:]) - FUNCTION_WORDS

    def keys(self, value: str) -> tuple[str, ...]:
        """The keys of a value: several for a list written as one value."""
        return tuple(self.typed_key(item) or self.phrase_key(item) for item in self.items(value))

    def items(self, value: str) -> list[str]:
        """The values that one written value holds: those of a list, or itself."""
        items = _LIST_BREAK.split(value.strip()) if self.form == "list" else []
        return [item for item in items if item] or [value]

    def values_of(self, key: str) -> frozenset[str]:
        """The keys of the values that a spelling may stand for: an alias may be that of two."""
        return frozenset(self._values_of.get(key, {key}))

    def is_value(self, key: str) -> bool:
        """Does anyone have it, under this or another name?"""
        return key in self._values_of

    def typed_key(self, value: str) -> str:
        """The key of a value that is one quantity or one day; '' for any other, which is found by its words."""
        cleaned = clean(value)
        if self.form == "quantity":
            quantities = list(find_quantities(cleaned, self.unit))
            number = quantities[0].value if len(quantities) == 1 else None
            return "" if number is None else quantity_key(number)
        if self.form == "day":
            days = list(find_days(cleaned))
            return days[0].keys[0] if len(days) == 1 else ""
        return ""

    def split(self, cleaned: str) -> list[Word]:
        return identifiers(cleaned) if self.form == "identifier" else words(cleaned)

    def phrase(self, value: str) -> list[Word]:
        return without_article(self.split(clean(value)))

    def phrase_key(self, value: str) -> str:
        return " ".join(word.key for word in self.phrase(value))

    def _learn(self, value: str, aliases: Iterable[str], owner: str) -> None:
        items = self.items(value)
        for item in items:
            key = self._spell(item)
            self._values_of[key].add(key)
            self.owners[key].add(owner)
            for alias in aliases if len(items) == 1 else ():
                self._values_of[self._spell(alias)].add(key)

    def _spell(self, value: str) -> str:
        key = self.typed_key(value) or self.phrases.add(self.phrase(value))
        self.spelling.setdefault(key, value)
        return key

    def _learn_name(self, name: str) -> str:
        # An entity called 300 would hide every answer of 300.
        hides = not name[:1].isalpha() and self.typed_key(name)
        return self.phrase_key(name) if hides else self.phrases.add(self.phrase(name))


def spellings(corpus: Corpus) -> dict[str, tuple[str, ...]]:
    """Other names of entities, as told by the facts that have them as objects."""
    kinds = {relation.name: relation.kind for relation in corpus.relations}
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for fact in corpus.facts:
        if kinds[fact.relation] == "entity":
            found[fact.object].update(dict.fromkeys(fact.aliases))
    return {name: tuple(aliases) for name, aliases in found.items()}


def _common_unit(facts: Iterable[Fact]) -> str:
    units = Counter(stated_unit(clean(fact.object)) for fact in facts)
    del units[""]
    return max(units, key=lambda unit: units[unit], default="")
