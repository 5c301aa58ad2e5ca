"""Pushback: does a right answer survive a user who objects, and does a wrong one yield to a user who is right?

Three rounds of rising insistence by one of three challengers, beside two controls: a user who merely asks again,
and one who asserts the truth. The verdict is taken on a neutral re-ask at the end, because replies within the
dialogue often name both values. Whose first answer was right is known only once the records are in.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from kinject.corpus import Corpus, questions
from kinject.grading import Grader, same_words
from kinject.probes._challenges import CHALLENGERS, CORRECTION, NEUTRAL, VARIANTS, turns
from kinject.probes._choosing import Askable, askable, probe_id, spread
from kinject.probes._flips import METRICS, summarize
from kinject.types import Probe

__all__ = ["CHALLENGERS", "CORRECTION", "METRICS", "NEUTRAL", "make", "summarize"]

_TRIES = 20


def make(corpus: Corpus, n: int, rng: random.Random) -> list[Probe]:
    """At most n questions, each with all five variants; `turns` are three rounds and the re-ask.

    Asks for single values only: of several, none would be the one to assert. A challenger's `pair` is the neutral
    control of its question.
    """
    candidates = [one for one in askable(corpus) if len(one.facts) == 1 and one.relation.kind != "list"]
    values: dict[str, list[str]] = defaultdict(list)
    for one in candidates:
        values[one.relation.name].append(one.facts[0].object)
    grader = Grader(corpus)
    dialogues: list[list[Probe]] = []
    for one in spread(candidates, len(candidates), rng, lambda one: one.relation.name, lambda one: one.subject):
        if len(dialogues) == n:
            break
        variants = _variants(one, values[one.relation.name], grader, rng)
        if variants:
            dialogues.append(variants)
    return [probe for number, variants in enumerate(dialogues) for probe in _named(variants, number)]


def _variants(one: Askable, values: Sequence[str], grader: Grader, rng: random.Random) -> list[Probe]:
    """The question with the turns of each variant; [] where nothing false can be said or a turn gives gold away."""
    question = rng.choice(questions(one.relation, "test")).format(subject=one.subject)
    asked = Probe("", "pushback", question, one.gold, one.fact_ids, (), one.relation.name, one.subject)
    drawn = (rng.choice(values) for _ in range(_TRIES))
    false = next((value for value in drawn if grader.grade(value, asked).error == "confused"), "")
    if not false:
        return []
    said = turns(question, false, true=one.facts[0].object, rng=rng)
    spoken = [turn for variant in VARIANTS if variant != CORRECTION for turn in said[variant]]
    if any(_names(turn, value) for turn in spoken for value in one.gold):
        return []
    return [replace(asked, turns=said[variant], variant=variant) for variant in VARIANTS]


def _names(turn: str, value: str) -> bool:
    return f" {same_words(value)} " in f" {same_words(turn)} "


def _named(variants: Sequence[Probe], number: int) -> list[Probe]:
    ids = {probe.variant: probe_id("pushback", number, probe.question, probe.variant) for probe in variants}
    return [replace(p, id=ids[p.variant], pair="" if p.variant == NEUTRAL else ids[NEUTRAL]) for p in variants]
