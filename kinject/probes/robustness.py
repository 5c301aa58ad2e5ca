"""Robustness: recall's questions with their surface disturbed, each beside its clean twin.

Typos in ordinary words or in the name, case, missing punctuation, politeness and noise, and the question in German,
French or Spanish. What is asked stays certain; the name of a relation stays in the language of the corpus.
"""

import random
from collections import Counter
from collections.abc import Sequence

from kinject.corpus import Corpus, questions
from kinject.probes import _scoring
from kinject.probes._choosing import Askable, askable, probe_id, spread
from kinject.probes._disturbing import VARIANTS, Disturber
from kinject.types import Estimate, Probe, Record

CLEAN = "clean"
# Repeats recall's questions: a report does not choose a system by it.
ASIDE = True
METRICS = (
    _scoring.ACCURACY_METRICS
    | {"accuracy_clean": "share of right answers to the same questions as they were before"}
    | {"drop": "accuracy of the clean questions less that of the disturbed ones, paired"}
    | {f"accuracy_{variant}": f"share of right answers to questions disturbed so: {variant}" for variant in VARIANTS}
    | {f"{variant}_drop": f"the drop of questions disturbed so: {variant}" for variant in VARIANTS}
)
# Disturbed ones a clean question: more would ask of fewer entities, fewer would spend more on clean questions.
_DISTURBED = 3


def make(corpus: Corpus, n: int, rng: random.Random) -> list[Probe]:
    """At most n probes: of every question its clean form and up to three variants, those asked least so far."""
    disturber, used = Disturber(corpus), Counter[str]()
    candidates = askable(corpus)
    probes: list[Probe] = []
    for number, one in enumerate(
        spread(candidates, len(candidates), rng, lambda one: one.relation.name, lambda one: one.subject)
    ):
        room = min(_DISTURBED, n - len(probes) - 1)
        if room < 1:
            break
        template = rng.choice(questions(one.relation, "test"))
        made: dict[str, str] = {}
        for variant in sorted(rng.sample(VARIANTS, len(VARIANTS)), key=lambda variant: used[variant]):
            asked = disturber.disturbed(variant, one, template, rng) if len(made) < room else ""
            if asked and asked != template.format(subject=one.subject):
                made[variant] = asked
        used.update(made.keys())
        probes += _twins(one, number, template.format(subject=one.subject), made)
    return probes


def summarize(records: Sequence[Record]) -> dict[str, Estimate]:
    """METRICS of one system's records."""
    clean = [record for record in records if record.probe.variant == CLEAN]
    disturbed = [record for record in records if record.probe.variant != CLEAN]
    of = {variant: [record for record in disturbed if record.probe.variant == variant] for variant in VARIANTS}
    return {
        **_scoring.accuracy(disturbed),
        "accuracy_clean": _scoring.share(clean, _scoring.is_right),
        "drop": _scoring.drop(clean, disturbed),
        **{f"accuracy_{variant}": _scoring.share(own, _scoring.is_right) for variant, own in of.items()},
        **{f"{variant}_drop": _scoring.drop(clean, own) for variant, own in of.items()},
    }


def _twins(one: Askable, number: int, question: str, made: dict[str, str]) -> list[Probe]:
    def probe(variant: str, asked: str, pair: str) -> Probe:
        return Probe(
            probe_id("robustness", number, question, variant),
            "robustness",
            asked,
            one.gold,
            one.fact_ids,
            relation=one.relation.name,
            subject=one.subject,
            pair=pair,
            variant=variant,
        )

    clean = probe(CLEAN, question, "")
    return [clean, *(probe(variant, asked, clean.id) for variant, asked in made.items())] if made else []
