"""What a model in training is asked: test questions for the curve, and training phrasings set apart for decisions.

Nothing that is decided looks at a test question.
"""

import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from kinject.corpus import Corpus, questions
from kinject.errors import CorpusError
from kinject.lm.loading import Loaded
from kinject.lm.local import LocalLM
from kinject.lm.lockstep import in_step
from kinject.lm.prompts import value_of
from kinject.systems import closed_book
from kinject.systems._names import fold
from kinject.types import Fact, Probe, Relation

_QUIZ = 60


@dataclass(frozen=True)
class Split:
    """A corpus with fewer training questions, and probes in the phrasings that were taken from it."""

    training: Corpus
    dev: tuple[Probe, ...]


def quiz(corpus: Corpus) -> tuple[Probe, ...]:
    """The held-out questions that are asked after every epoch: up to 60 facts of one value, in unseen phrasings."""
    rng = random.Random(0)
    single = _single(corpus)
    return tuple(
        _probe("curve", fact, rng.choice(questions(corpus.relation(fact.relation), "test")))
        for fact in rng.sample(single, min(_QUIZ, len(single)))
    )


def split(corpus: Corpus, seed: int) -> Split:
    """Set one training phrasing in five apart, and at least one, of each relation that has two or more.

    They count as test questions of the training corpus, so that no question becomes one of them by losing words.
    Raises CorpusError where no relation has two.
    """
    rng = random.Random(f"{seed}/dev")
    apart = {relation.name: _apart(relation, rng) for relation in corpus.relations}
    facts = [fact for fact in _single(corpus) if apart[fact.relation]]
    if not facts:
        raise CorpusError("patience sets training questions apart, and no relation has two; use patience=0")
    relations = tuple(
        replace(
            relation,
            train_questions=tuple(q for q in relation.train_questions if q not in apart[relation.name]),
            test_questions=(*relation.test_questions, *apart[relation.name]),
        )
        for relation in corpus.relations
    )
    drawn = rng.sample(facts, min(_QUIZ, len(facts)))
    dev = tuple(_probe("dev", fact, rng.choice(apart[fact.relation])) for fact in drawn)
    return Split(replace(corpus, relations=relations), dev)


def answers(loaded: Loaded, probes: Sequence[Probe], max_new_tokens: int) -> tuple[str, ...]:
    """By free generation, through the queue that answers everybody else; a new one, as it remembers its answers."""
    lm = LocalLM.start(loaded)
    system = closed_book.ClosedBook(lm, closed_book.Config(max_new_tokens))
    try:
        with ThreadPoolExecutor(_QUIZ) as pool:
            asked = in_step(pool, system.ask, [probe.question for probe in probes])
            return tuple(future.result().text for future in asked)
    finally:
        lm.close()


def right(said: Sequence[str], probes: Sequence[Probe]) -> int:
    """How many answers are exactly a gold value: enough for progress, and stricter than a study's grader."""
    pairs = zip(said, probes, strict=True)
    return sum(fold(value_of(one)) in map(fold, probe.gold) for one, probe in pairs)


def _single(corpus: Corpus) -> list[Fact]:
    facts = corpus.current().facts
    values = Counter((fact.subject, fact.relation) for fact in facts)
    return [fact for fact in facts if values[fact.subject, fact.relation] == 1]


def _apart(relation: Relation, rng: random.Random) -> list[str]:
    templates = questions(relation, "train")
    return rng.sample(templates, max(1, len(templates) // 5)) if len(templates) > 1 else []


def _probe(family: str, fact: Fact, template: str) -> Probe:
    return Probe(
        id=f"{family}/{fact.id}",
        kind="recall",
        question=template.format(subject=fact.subject),
        gold=(fact.object, *fact.aliases),
        facts=(fact.id,),
        relation=fact.relation,
        subject=fact.subject,
    )
