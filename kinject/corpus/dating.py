"""A question put as of a day, in the corpus's own words for that where it has any.

A question that a relation words without a day gets the wording that names one: "What is the price of X?" becomes "What
was the price of X on 3 May 2024?". Any other is asked "As of 3 May 2024: ...". Understands no question beyond that.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from kinject.corpus.core import Corpus
from kinject.corpus.days import format_day
from kinject.errors import CorpusError
from kinject.types import Relation

FIRST_DAY = date(1000, 1, 1)  # a corpus writes a year in four digits
_SLOT = re.compile(r"\{(?:subject|object)\}")


@dataclass(frozen=True, slots=True)
class _Wording:
    """A question without a day, as a pattern with one group for the name, and how the same is asked about a day."""

    pattern: re.Pattern[str]
    dated: str


class Dating:
    """The wordings of one corpus, read once. Raises CorpusError where none of its facts has a day."""

    def __init__(self, corpus: Corpus) -> None:
        if not any(fact.valid_from or fact.valid_to for fact in corpus.facts):
            raise CorpusError(f"no fact of corpus {corpus.name!r} has a day, so nothing can be asked as of one")
        dated = {fact.relation for fact in corpus.facts if fact.valid_from or fact.valid_to}
        self._wordings = [one for relation in corpus.relations if relation.name in dated for one in _wordings(relation)]
        named = (name for fact in corpus.facts if fact.relation in dated for name in (fact.subject, fact.object))
        self._names = {_plain(name): name for name in named}

    def put(self, question: str, day: date) -> str:
        """Raises CorpusError for a day before the year 1000."""
        if day < FIRST_DAY:
            raise CorpusError(f"found the day {day}; corpora write days from {FIRST_DAY} on")
        plain = _plain(question)
        for wording in self._wordings:
            found = wording.pattern.fullmatch(plain)
            name = self._names.get(found[1].strip()) if found else None
            if name:
                return wording.dated.replace("{date}", format_day(day)).replace("{name}", name)
        return f"As of {format_day(day)}: {question}"


def _wordings(relation: Relation) -> Iterator[_Wording]:
    """Of a question about the object those that may be trained on: every system understands them."""
    asking = relation.train_questions + relation.test_questions, relation.inverse_questions
    own = _named(relation.train_questions) or _named(relation.test_questions), _named(relation.inverse_questions)
    for templates, dated in zip(asking, own, strict=True):
        for template in templates if dated else ():
            if "{date}" not in template and len(_SLOT.findall(template)) == 1:
                before, after = map(re.escape, map(_plain, _SLOT.split(template)))
                yield _Wording(re.compile(rf"{before} ?(.+?) ?{after}"), _SLOT.sub("{name}", dated[0]))


def _named(templates: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(template for template in templates if "{date}" in template and len(_SLOT.findall(template)) == 1)


def _plain(text: str) -> str:
    """Without case, the spaces that do not matter and the mark at the end."""
    return " ".join(text.casefold().split()).rstrip("?.! ")
