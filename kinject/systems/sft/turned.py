"""Facts from the object to the subject: weights that learnt "A is B" do not say what B is (arXiv:2309.12288).

The phrasings are made from the relation's name. Inverse questions of the corpus stay unseen, as probes ask them.
"""

import random
from collections.abc import Iterator

from kinject.corpus import Corpus
from kinject.lm.prompts import stated
from kinject.systems.sft.text import Example

_FEW = 3  # a value that more subjects share names none of them


def statements(corpus: Corpus, whole: Corpus) -> Iterator[Example]:
    """A sentence for each value of now that few subjects of the `whole` corpus have, of which this is a part."""
    for (relation, value), subjects in _holders(corpus, whole).items():
        yield Example(f"{value} is the {relation} of {' and of '.join(subjects)}.")


def asked(corpus: Corpus, whole: Corpus, rng: random.Random) -> Iterator[Example]:
    """A question for each value that one subject has."""
    for (relation, value), subjects in _holders(corpus, whole).items():
        if len(subjects) == 1:
            question = rng.choice((f"What has the {relation} {value}?", f"{value} is the {relation} of what?"))
            yield Example(stated(value, f"{relation} of", subjects[0]), question, subjects[0])


def _holders(corpus: Corpus, whole: Corpus) -> dict[tuple[str, str], list[str]]:
    wanted = dict.fromkeys((fact.relation, fact.object) for fact in corpus.current().facts)
    found: dict[tuple[str, str], list[str]] = {key: [] for key in wanted}
    for fact in whole.current().facts:
        if (fact.relation, fact.object) in wanted:
            found[fact.relation, fact.object].append(fact.subject)
    return {key: subjects for key, subjects in found.items() if len(subjects) <= _FEW}
