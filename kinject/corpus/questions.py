"""Which of a relation's question templates may be used for what.

Fills in no subject and draws nothing: callers choose and format.
"""

from typing import Literal

from kinject.types import Relation

Split = Literal["train", "test", "inverse"]


def questions(relation: Relation, split: Split = "train", dated: bool = False) -> tuple[str, ...]:
    """The templates of one split that name a day (`dated`) or that are about now.

    Test and inverse questions are never trained on. Where no template of the split names a day, the
    dated ones are made from the others: "As of {date}: ...".
    """
    templates = {
        "train": relation.train_questions,
        "test": relation.test_questions,
        "inverse": relation.inverse_questions,
    }[split]
    undated = tuple(t for t in templates if "{date}" not in t)
    if not dated:
        return undated
    named = tuple(t for t in templates if "{date}" in t)
    return named or tuple("As of {date}: " + t for t in undated)
