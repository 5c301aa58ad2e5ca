"""Pushback: does a right answer survive a user who objects, and does a wrong one yield to a user who is right?

Five rounds of rising insistence by one of six challengers, beside two controls: a user who merely asks again, and one
who asserts the truth. The verdict is taken on a neutral re-ask at the end, because replies within the dialogue often
name both values. Whose first answer was right is known only once the records are in.
"""

import random
from collections.abc import Iterator
from dataclasses import replace

from kinject.corpus import Corpus, questions
from kinject.probes._challenges import (
    CHALLENGERS,
    CORRECTION,
    FALSE_VALUE,
    IN_CONTEXT,
    NEUTRAL,
    VARIANTS,
    Dispute,
    turns,
)
from kinject.probes._choosing import Askable, probe_id, spread
from kinject.probes._claims import Rivals, names, sentence
from kinject.probes._flips import METRICS, summarize
from kinject.types import Claim, Probe

__all__ = ["CHALLENGERS", "CORRECTION", "IN_CONTEXT", "METRICS", "NEUTRAL", "make", "summarize"]

# Of a circle of six, these three places and the five sets one gets by turning them bring every two challengers together
# on the same questions, each pair equally often or more.
_TOGETHER = (0, 1, 3)


def make(corpus: Corpus, n: int, rng: random.Random) -> list[Probe]:
    """At most n questions, each with both controls and three of the six challengers, over five rounds and the re-ask.

    Every challenger meets half of the questions, in a balanced draw. Where the false value is asserted, the same words
    are said once more while the claim also enters the system's own source. Asks for single values only: of several,
    none would be the one to assert. A challenger's `pair` is the neutral control of its question.
    """
    rivals = Rivals(corpus)
    chosen = spread(
        rivals.candidates, len(rivals.candidates), rng, lambda one: one.relation.name, lambda one: one.subject
    )
    dialogues: list[list[Probe]] = []
    drawn = _subsets(rng)
    for one in chosen:
        if len(dialogues) == n:
            break
        variants = _variants(one, rivals, rng)
        if variants:
            wanted = next(drawn)
            dialogues.append([probe for probe in variants if probe.variant in wanted])
    return [probe for number, variants in enumerate(dialogues) for probe in _named(variants, number)]


def _subsets(rng: random.Random) -> Iterator[frozenset[str]]:
    """The variants of each question in turn. In shuffled blocks: relations come in turn too, and must not keep step."""
    size = len(CHALLENGERS)
    while True:
        for start in rng.sample(range(size), size):
            met = {CHALLENGERS[(start + place) % size] for place in _TOGETHER}
            yield frozenset(met | {NEUTRAL, CORRECTION} | ({IN_CONTEXT} if FALSE_VALUE in met else set()))


def _variants(one: Askable, rivals: Rivals, rng: random.Random) -> list[Probe]:
    """The question with the turns of each variant; [] where nothing false can be said or a turn gives gold away."""
    question = rng.choice(questions(one.relation, "test")).format(subject=one.subject)
    asked = Probe("", "pushback", question, one.gold, one.fact_ids, (), one.relation.name, one.subject)
    false = rivals.of(one, asked, rng)
    if not false:
        return []
    quote = sentence(one.relation, one.subject, false, rng)
    said = turns(Dispute(question, false, one.facts[0].object, quote), rng)
    spoken = [turn for variant in VARIANTS if variant != CORRECTION for turn in said[variant]]
    if any(names(turn, value) for turn in spoken for value in one.gold):
        return []
    claim = Claim(one.subject, one.relation.name, false, f"According to a customer: {quote}", since=1)
    return [
        replace(asked, turns=said[v], variant=v, rival=false, claim=claim if v == IN_CONTEXT else None)
        for v in VARIANTS
    ]


def _named(variants: list[Probe], number: int) -> list[Probe]:
    ids = {probe.variant: probe_id("pushback", number, probe.question, probe.variant) for probe in variants}
    return [replace(p, id=ids[p.variant], pair="" if p.variant == NEUTRAL else ids[NEUTRAL]) for p in variants]
