"""Reading tasks about entities that do not exist, in a corpus's own phrasings: its form without its facts.

Relations, statements and training questions are the corpus's; names and values are made up and are none of its own.
So what can be learnt is how such a page is read, how such a question is answered, and when not to answer.
"""

import random
import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta

from kinject.corpus import Corpus, format_day, questions
from kinject.errors import CorpusError
from kinject.instructions.alpaca import Task
from kinject.lm.prompts import ABSTENTION, stated
from kinject.systems._names import fold
from kinject.systems.sft.text import made_up
from kinject.types import Fact

Make = Callable[[random.Random, str, Sequence[str]], str]  # of a text like this one, with syllables of those

_MOST_PAGES, _MOST_STATED = 3, 5
_FIRST_DAY, _DAYS = date(1900, 1, 1), 45_000
_TRIES = 4  # of values with as many digits as the corpus's, before they get one more
_DIGIT, _NUMBER, _LONG_WORD = re.compile(r"\d"), re.compile(r"\d+"), re.compile(r"[^\W\d_]{3,}")


def tasks(corpus: Corpus, n: int, missing_share: float, rng: random.Random) -> list[Task]:
    """A question each, one to three pages as its input, and the answer from them; "I don't know." where they lack it.

    Raises CorpusError for a corpus with nothing to ask without a day.
    """
    maker = _Maker(corpus, rng)
    return [maker.task(rng.random() < missing_share) for _ in range(n)]


class _Maker:
    def __init__(self, corpus: Corpus, rng: random.Random) -> None:
        self._rng = rng
        usable = [r for r in corpus.relations if _undated(r.statements) and questions(r, "train")]
        self._relations = {relation.name: relation for relation in usable}
        self._models: dict[str, list[Fact]] = {}
        for fact in corpus.current().facts:
            if fact.relation in self._relations:
                self._models.setdefault(fact.subject, []).append(fact)
        if not self._models:
            raise CorpusError(f"corpus {corpus.name!r} has no fact that can be stated and asked for without a day")
        self._known = {fold(text) for fact in corpus.facts for text in (fact.subject, fact.object, *fact.aliases)}
        self._subjects = list(self._models)

    def task(self, is_missing: bool) -> Task:
        """About the first of its entities; what is missing is a relation of the corpus that no page states of it."""
        rng = self._rng
        models = rng.sample(self._subjects, min(rng.randint(1, _MOST_PAGES), len(self._subjects)))
        names = [self._new(made_up, model) for model in models]
        told = [self._values(model) for model in models]
        lacking = [relation for name, relation in self._relations.items() if name not in told[0]]
        if is_missing and lacking:
            relation, value = rng.choice(lacking), ABSTENTION
        else:
            relation = self._relations[rng.choice(list(told[0]))]
            value = told[0][relation.name]
        question = rng.choice(questions(relation, "train")).format(subject=names[0])
        pages = [self._page(name, values) for name, values in zip(names, told, strict=True)]
        rng.shuffle(pages)
        return Task(question, stated(names[0], relation.name, value), "\n\n".join(pages))

    def _values(self, model: str) -> dict[str, str]:
        """Made-up values of some of the relations that an entity has, by relation."""
        held = {fact.relation: fact for fact in self._models[model]}
        some = self._rng.sample(list(held), self._rng.randint(1, min(_MOST_STATED, len(held))))
        return {name: self._value(held[name]) for name in some}

    def _value(self, fact: Fact) -> str:
        if self._relations[fact.relation].kind == "date":
            return self._new(_any_day, fact.object)
        return self._new(_altered, fact.object)

    def _new(self, make: Make, like: str) -> str:
        """None of the corpus's names or values: where all short numbers are taken, a longer one."""
        tried = 0
        while fold(found := make(self._rng, like, self._subjects)) in self._known:
            tried += 1
            if tried % _TRIES == 0:
                like = _DIGIT.sub(r"\g<0>0", like, count=1)
        return found

    def _page(self, name: str, values: dict[str, str]) -> str:
        said = [
            self._rng.choice(_undated(self._relations[relation].statements)).format(subject=name, object=value)
            for relation, value in values.items()
        ]
        return f"{name}: {' '.join(said)}"


def _any_day(rng: random.Random, value: str, names: Sequence[str]) -> str:
    return format_day(_FIRST_DAY + timedelta(days=rng.randrange(_DAYS)))


def _altered(rng: random.Random, value: str, names: Sequence[str]) -> str:
    """Other digits and the same unit, or other words of the same case."""
    if _DIGIT.search(value):
        return _NUMBER.sub(lambda found: str(rng.randrange(10 ** (len(found[0]) - 1), 10 ** len(found[0]))), value)
    if not _LONG_WORD.search(value):
        return made_up(rng, value, names)

    def other(word: re.Match[str]) -> str:
        coined = made_up(rng, word[0], names)
        return coined if word[0][0].isupper() else coined.lower()

    return _LONG_WORD.sub(other, value)


def _undated(templates: Sequence[str]) -> list[str]:
    return [template for template in templates if "{date}" not in template]
