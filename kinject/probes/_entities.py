"""Entities as answers: under which names each may be told from all others."""

from collections import defaultdict
from collections.abc import Collection

from kinject.corpus import Corpus
from kinject.grading import same_words
from kinject.grading.vocabulary import spellings


class EntityNames:
    """The names of a corpus's entities, with the other names that its facts tell of them."""

    def __init__(self, corpus: Corpus) -> None:
        self._others = spellings(corpus)
        self._holders: dict[str, set[str]] = defaultdict(set)
        for name in (*corpus.entities(), *self._others):
            for spelling in (name, *self._others.get(name, ())):
                self._holders[same_words(spelling)].add(name)

    def gold(self, entities: Collection[str]) -> tuple[str, ...]:
        """Each entity's name, and its other names less those that an entity outside also has.

        A surname that two presidents share answers nothing, unless both are right.
        """
        names = [(name, other) for name in entities for other in (name, *self._others.get(name, ()))]
        return tuple(
            dict.fromkeys(o for name, o in names if o == name or self._holders[same_words(o)] <= set(entities))
        )
