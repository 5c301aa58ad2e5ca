"""False values, and how they are written down where a system looks: as a sentence in the corpus's own words.

Knows no dialogue and no attack.
"""

import random
from collections import defaultdict

from kinject.corpus import Corpus
from kinject.grading import Grader, same_words
from kinject.probes._choosing import Askable, askable
from kinject.types import Probe, Relation

_TRIES = 20


class Rivals:
    """Single values of a corpus, each of which another entity's value of the same relation can be set against."""

    def __init__(self, corpus: Corpus) -> None:
        self.candidates = [one for one in askable(corpus) if len(one.facts) == 1 and one.relation.kind != "list"]
        self._values: dict[str, list[str]] = defaultdict(list)
        for one in self.candidates:
            self._values[one.relation.name].append(one.facts[0].object)
        self._grader = Grader(corpus)

    def of(self, one: Askable, asked: Probe, rng: random.Random) -> str:
        """A value that is wrong here and right elsewhere; '' where none was found, as of a relation of lists."""
        values = self._values.get(one.relation.name, [])
        drawn = (rng.choice(values) for _ in range(_TRIES if values else 0))
        return next((value for value in drawn if self._grader.grade(value, asked).error == "confused"), "")


def sentence(relation: Relation, subject: str, value: str, rng: random.Random) -> str:
    """The value as a document of the corpus would state it, of no day."""
    undated = [template for template in relation.statements if "{date}" not in template]
    return rng.choice(undated or ["{subject}: {object}."]).format(subject=subject, object=value)


def names(text: str, value: str) -> bool:
    """Whether the text says the value, in whole words."""
    return f" {same_words(value)} " in f" {same_words(text)} "
