"""Which facts of a corpus stand in instruction data: whether training on it could inject them.

Looks for names as they are written; a fact told in other words is not found.
"""

from collections import defaultdict
from collections.abc import Iterable

from kinject.corpus import Corpus
from kinject.instructions.alpaca import Task
from kinject.instructions.novelty import words
from kinject.types import Fact


def facts_stated(corpus: Corpus, tasks: Iterable[Task]) -> tuple[Fact, ...]:
    """The facts whose subject stands in a task and whose object, or an alias of it, in the task's output."""
    of: dict[str, list[tuple[Fact, list[str]]]] = defaultdict(list)
    for fact in corpus.facts:
        of[_framed(fact.subject)].append((fact, [_framed(name) for name in (fact.object, *fact.aliases)]))
    found: set[str] = set()
    for task in tasks:
        said = _framed(task.output)
        whole = _framed(task.prompt) + said
        for subject in (subject for subject in of if subject in whole):
            found |= {fact.id for fact, names in of[subject] if any(name in said for name in names)}
    return tuple(fact for fact in corpus.facts if fact.id in found)


def _framed(text: str) -> str:
    """Its words between spaces, so that a name is found as whole words only."""
    return f" {' '.join(words(text))} "
