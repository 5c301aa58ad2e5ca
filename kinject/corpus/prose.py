"""A page about one entity: its facts in sentences that vary, then the free text of its columns.

States every fact once and nothing else; the same random stream gives the same page.
"""

import random
from collections.abc import Mapping, Sequence

from kinject.corpus.days import format_day
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
        undated = [template for template in relation.statements if "{date}" not in template]
        template = rng.choice(undated if named else in_text(relation))
        sentences.append(_span(fact) + template.format(subject=fact.subject, object=fact.object))
    return "\n\n".join([" ".join(sentences), *texts]).strip()


def _span(fact: Fact) -> str:
    """In front of a sentence that was not always true, or is not any more."""
    if fact.valid_to is None:
        return f"Since {format_day(fact.valid_from)}: " if fact.valid_from else ""
    start = f"From {format_day(fact.valid_from)} until" if fact.valid_from else "Until"
    return f"{start} {format_day(fact.valid_to)} this held: "
