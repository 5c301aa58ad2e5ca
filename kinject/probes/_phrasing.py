"""Which wordings no system can have been trained on, even where training leaves words out of a question."""

from collections.abc import Iterable, Sequence

from kinject.corpus import Corpus, questions
from kinject.grading.words import clean, words
from kinject.types import Relation


class Unseen:
    """The wordings of questions that neither are nor shorten a training question of the corpus.

    Word dropout can turn "Tell me the price of {subject}." into "the price of {subject}", so that what is a part of
    a training question, in its order, counts as seen.
    """

    def __init__(self, corpus: Corpus) -> None:
        trained = (template for relation in corpus.relations for template in questions(relation, "train"))
        self._trained = [_spoken(template) for template in dict.fromkeys(trained)]

    def of(self, templates: Iterable[str]) -> tuple[str, ...]:
        """Those of the templates, with the names of relations filled in, that are new; in their order."""
        return tuple(t for t in templates if not any(_is_part(_spoken(t), seen) for seen in self._trained))


def filled(frames: Sequence[str], relation: Relation) -> tuple[str, ...]:
    """Frames with the relation's name in place; {subject} and {object} stay for later."""
    return tuple(frame.replace("{relation}", relation.name) for frame in frames)


def asked(template: str, name: str) -> str:
    """The question about an entity or a value; a name such as "Theo Roose Jr." ends a sentence by itself."""
    question = template.replace("{subject}", name).replace("{object}", name)
    return question.replace(f"{name}.", name) if name.endswith(".") else question


def _spoken(template: str) -> list[str]:
    """The words; what is asked about is one of them, whether a template calls it subject or object."""
    return [word.key for word in words(clean(template.replace("{object}", "{subject}")))]


def _is_part(asked: Sequence[str], trained: Sequence[str]) -> bool:
    rest = iter(trained)
    return all(word in rest for word in asked)
