"""Locality: questions outside the corpus, which show whether injection harms what the untouched model can do.

The pages that a question brings along answer it, or leave it open; or nothing is told at all and only an abstention is
due; or it is a question of general knowledge. Every system is asked the same, so that it is less than the floor,
`closed_book`, by what its injection has cost.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources

from kinject.corpus import Corpus
from kinject.grading import same_words
from kinject.grading.vocabulary import spellings
from kinject.lm.prompts import reading
from kinject.probes import _scoring
from kinject.probes._choosing import probe_id
from kinject.probes._reading import Coiner, bare, pages
from kinject.probes._wording import english, words_of
from kinject.types import Estimate, Probe, Record

PAGES, SILENT_PAGES, UNKNOWN, GENERAL = "pages", "silent_pages", "unknown", "general"
VARIANTS = (PAGES, SILENT_PAGES, UNKNOWN, GENERAL)
_MEANT = {
    PAGES: "questions that the pages beside them answer",
    SILENT_PAGES: "questions that the pages beside them leave open: an abstention is right",
    UNKNOWN: "questions about things that do not exist: an abstention is right",
    GENERAL: "questions of general knowledge",
}
# Lies outside of the corpus: a report does not choose a system by it.
ASIDE = True
METRICS = {
    "accuracy": "share answered as is due: with the right answer, or with an abstention where there is none",
    **{f"accuracy_{variant}": f"the same of {meant}" for variant, meant in _MEANT.items()},
    "hallucination": "share of the questions without an answer that were answered instead of abstained from",
    "over_refusal": "share of the questions with an answer, general ones left out, that were abstained from",
}


def make(corpus: Corpus, n: int, rng: random.Random) -> list[Probe]:
    """N probes, the variants in turn; general ones as far as the list goes, less those that name an entity here."""
    coiner, general = Coiner(words_of(corpus) | english(), rng), iter(_general(corpus, rng))
    probes: list[Probe] = []
    while len(probes) < n:
        for variant in VARIANTS[: n - len(probes)]:
            asked = next(general, None) if variant == GENERAL else _told(variant, coiner, rng)
            if asked:
                probes.append(replace(asked, id=probe_id("locality", len(probes), asked.question), variant=variant))
    return probes


def summarize(records: Sequence[Record]) -> dict[str, Estimate]:
    """METRICS of one system's records."""
    of = {variant: [record for record in records if record.probe.variant == variant] for variant in VARIANTS}
    refusals = [record for record in records if not record.probe.gold]
    return {
        "accuracy": _scoring.share(records, _scoring.is_due),
        **{f"accuracy_{variant}": _scoring.share(own, _scoring.is_due) for variant, own in of.items()},
        "hallucination": _scoring.share(refusals, _scoring.is_attempted),
        "over_refusal": _scoring.share(of[PAGES], lambda record: not _scoring.is_attempted(record)),
    }


def _told(variant: str, coiner: Coiner, rng: random.Random) -> Probe:
    page = bare(coiner, rng) if variant == UNKNOWN else pages(coiner, rng, answered=variant == PAGES)
    # As a reader is asked: what a model of passages and questions was trained on is what it is asked here.
    question = reading(page.question, page.passages)[-1].content if page.passages else page.question
    return Probe("", "locality", question, (page.value,) if page.value else (), subject=page.subject)


def _general(corpus: Corpus, rng: random.Random) -> list[Probe]:
    """Those whose subject and answer are no entities of the corpus, in any order."""
    names = (name for entity, others in spellings(corpus).items() for name in (entity, *others))
    known = {same_words(name) for name in (*corpus.entities(), *names)}
    text = resources.files("kinject.probes").joinpath("general.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    found = [
        Probe("", "locality", row["question"], tuple(row["gold"]), subject=row["subject"])
        for row in rows
        if known.isdisjoint(map(same_words, (row["subject"], *row["gold"])))
    ]
    return rng.sample(found, len(found))
