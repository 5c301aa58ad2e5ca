"""A page about one entity: its facts in sentences that vary, then the free text of its columns.

States every fact once and nothing else; the same random stream gives the same page.
"""

import random
from collections.abc import Mapping, Sequence

from kinject.corpus.phrasing import in_text
from kinject.types import Fact, Relation


def page(facts: Sequence[Fact], texts: Sequence[str], relations: Mapping[str, Relation], rng: random.Random) -> str:
    """The first sentence names the entity, and so does about every second one after it."""
    order = list(facts)
    rng.shuffle(order)
    sentences = []
    for number, fact in enumerate(order):
        relation = relations[fact.relation]
        named = number == 0 or rng.random() < 0.5
        template = rng.choice(relation.statements if named else in_text(relation))
        sentences.append(template.format(subject=fact.subject, object=fact.object))
    return "\n\n".join([" ".join(sentences), *texts]).strip()
