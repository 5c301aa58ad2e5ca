"""Temporal: what held on a day inside a range that no document names and at which no fact begins or ends.

Forward asks for the value of a subject that had several over time; inverse for the subject, where several have
shared a value over time ("Who was president in 1862?"). A bare year is asked for only where one answer held
throughout it. Asks nothing about now.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice, zip_longest
from typing import Literal

from kinject.corpus import Corpus, format_day, questions
from kinject.grading.days import find_days
from kinject.grading.vocabulary import spellings
from kinject.grading.words import clean
from kinject.probes import _scoring
from kinject.probes._choosing import probe_id, spread, unshared_names
from kinject.types import Estimate, Fact, Probe, Record

Variant = Literal["forward", "inverse"]

VARIANTS: tuple[Variant, ...] = ("forward", "inverse")
_SPLIT: dict[Variant, Literal["test", "inverse"]] = {"forward": "test", "inverse": "inverse"}
METRICS = (
    _scoring.ACCURACY_METRICS
    | _scoring.CALIBRATION_METRICS
    | {f"accuracy_{variant}": f"share of right answers to {variant} questions" for variant in VARIANTS}
)
# How far back a range without a beginning is asked about, and how often one range may be asked for days.
_OPEN_DAYS = 730
_ROUNDS = 4
_TRIES = 30


@dataclass(frozen=True, slots=True)
class _Range:
    """A fact and those that it must be told apart from: of the same subject, or (inverse) of the same object."""

    fact: Fact
    rivals: tuple[Fact, ...]
    variant: Variant
    first: date
    last: date


def make(corpus: Corpus, n: int, rng: random.Random) -> list[Probe]:
    """At most n probes; a corpus whose facts have no dates gives none."""
    named, other_names = _NamedDays(corpus), spellings(corpus)
    ranges = list(_ranges(corpus))
    asked = [_asked(corpus, [one for one in ranges if one.variant == variant], named, rng) for variant in VARIANTS]
    in_turn = islice((pair for pairs in zip_longest(*asked) for pair in pairs if pair), n)
    return [_probe(one, number, question, other_names) for number, (one, question) in enumerate(in_turn)]


def summarize(records: Sequence[Record]) -> dict[str, Estimate]:
    """METRICS of one system's records."""
    directions = {
        f"accuracy_{variant}": _scoring.share([r for r in records if r.probe.variant == variant], _scoring.is_right)
        for variant in VARIANTS
    }
    return _scoring.accuracy(records) | _scoring.calibration(records) | directions


def _asked(
    corpus: Corpus, ranges: Sequence[_Range], named: "_NamedDays", rng: random.Random
) -> Iterator[tuple[_Range, str]]:
    """Ranges with a question each, no question twice; every range in turn before any is asked for another day."""
    questions_so_far: set[str] = set()
    for _ in range(_ROUNDS):
        for one in spread(ranges, len(ranges), rng, lambda one: one.fact.relation, lambda one: one.fact.subject):
            day = _choose_day(one, named, rng)
            question = _question(corpus, one, day, rng) if day else ""
            if question and question not in questions_so_far:
                questions_so_far.add(question)
                yield one, question


class _NamedDays:
    """Days and years that a reader could find in a document, and days on which a fact begins or ends."""

    def __init__(self, corpus: Corpus) -> None:
        stated = {key for document in corpus.documents for day in find_days(clean(document.text)) for key in day.keys}
        edges = {day.isoformat() for fact in corpus.facts for day in (fact.valid_from, fact.valid_to) if day}
        self._keys = stated | edges

    def __contains__(self, key: str) -> bool:
        return key in self._keys


def _ranges(corpus: Corpus) -> Iterator[_Range]:
    days = [day for fact in corpus.facts for day in (fact.valid_from, fact.valid_to) if day]
    if not days:
        return
    horizon = corpus.day or max(days)
    groups: dict[tuple[str, Variant, str], list[Fact]] = {}
    for fact in corpus.facts:
        groups.setdefault((fact.relation, "forward", fact.subject), []).append(fact)
        groups.setdefault((fact.relation, "inverse", fact.object), []).append(fact)
    for (name, variant, _), facts in groups.items():
        answers = {_answer(fact, variant) for fact in facts}
        templates = questions(corpus.relation(name), _SPLIT[variant], dated=True)
        for fact in facts if len(answers) > 1 and templates else ():
            first = fact.valid_from or (fact.valid_to and fact.valid_to - timedelta(_OPEN_DAYS))
            last = min(fact.valid_to or horizon, horizon)
            if first and first < last:
                yield _Range(fact, tuple(facts), variant, first, last)


def _choose_day(one: _Range, named: _NamedDays, rng: random.Random) -> str:
    """A day inside the range, or a year that it fills, on which nothing else holds; '' where there is none."""
    years = [
        str(year)
        for year in range(one.first.year, one.last.year + 1)
        if one.first <= date(year, 1, 1)
        and date(year, 12, 31) < one.last
        and str(year) not in named
        and _alone(one, date(year, 1, 1), date(year, 12, 31))
    ]
    if years and rng.random() < 0.5:
        return rng.choice(years)
    inside = (one.last - one.first).days - 1
    for _ in range(_TRIES if inside > 0 else 0):
        day = one.first + timedelta(rng.randint(1, inside))
        if day.isoformat() not in named and _alone(one, day, day):
            return format_day(day)
    return ""


def _alone(one: _Range, first: date, last: date) -> bool:
    """Does no rival with another answer hold at any time from first to last?"""
    return not any(
        _answer(rival, one.variant) != _answer(one.fact, one.variant)
        and (rival.valid_from is None or rival.valid_from <= last)
        and (rival.valid_to is None or first < rival.valid_to)
        for rival in one.rivals
    )


def _answer(fact: Fact, variant: Variant) -> str:
    return fact.object if variant == "forward" else fact.subject


def _question(corpus: Corpus, one: _Range, day: str, rng: random.Random) -> str:
    template = rng.choice(questions(corpus.relation(one.fact.relation), _SPLIT[one.variant], dated=True))
    if day.isdecimal():
        template = template.replace("on {date}", "in {date}").replace("On {date}", "In {date}")
    return template.format(subject=one.fact.subject, object=one.fact.object, date=day)


def _probe(one: _Range, number: int, question: str, other_names: dict[str, tuple[str, ...]]) -> Probe:
    fact = one.fact
    rivals = (rival.subject for rival in one.rivals)
    forward = one.variant == "forward"
    gold = (fact.object, *fact.aliases) if forward else unshared_names(fact.subject, rivals, other_names)
    return Probe(
        id=probe_id("temporal", number, question),
        kind="temporal",
        question=question,
        gold=tuple(dict.fromkeys(gold)),
        facts=(fact.id,),
        relation=fact.relation,
        subject=fact.subject,
        variant=one.variant,
    )
