"""Paraphrase: one fact asked for in several phrasings that no training text used; does the answer stay the same?

Each fact that holds now is asked for in every one of STYLES. Two styles take the relation's own test questions, the
others are frames around the relation's name. Asks about no other date and for no subject.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from kinject import stats
from kinject.corpus import Corpus, questions
from kinject.grading import same_words
from kinject.probes import _scoring
from kinject.probes._choosing import Askable, askable, is_open, probe_id, spread
from kinject.probes._phrasing import Unseen, asked, filled
from kinject.types import Estimate, Outcome, Probe, Record, Relation

STYLES = ("plain", "polite", "indirect", "imperative", "keywords")
METRICS = (
    _scoring.ACCURACY_METRICS
    | _scoring.CALIBRATION_METRICS
    | {f"accuracy_{style}": f"share of right answers to questions in {style} style" for style in STYLES}
    | {
        "consistency": "share of facts of which all phrasings get the same answer, right, wrong or none",
        "right_in_all": "share of facts that are told rightly in every phrasing",
        "right_in_any": "share of facts that are told rightly in at least one phrasing",
        "all_when_any": "of the facts told rightly in any phrasing, the share told rightly in every one",
    }
)
POLITE = (
    "Could you help me with this, please? {question}",
    "I hope you don't mind my asking. {question}",
    "{question} Many thanks in advance.",
    "Excuse me, may I put a question to you? {question}",
    "{question} I would be most grateful for your help.",
    "If it is no trouble, please answer this for me. {question}",
)
FRAMES: Mapping[str, tuple[str, ...]] = {
    "indirect": (
        "I was wondering about the {relation} of {subject}.",
        "I am trying to find out the {relation} of {subject}.",
        "A colleague of mine was asking about the {relation} of {subject}.",
        "It would help me a lot to learn the {relation} of {subject}.",
        "What I still need for my notes is the {relation} of {subject}.",
        "Somebody wants to hear from us about the {relation} of {subject}.",
    ),
    "imperative": (
        "State the {relation} of {subject}.",
        "Write down the {relation} of {subject} for me.",
        "Remind me of the {relation} of {subject}.",
        "Report the {relation} of {subject}.",
        "Read out the {relation} of {subject} from our records.",
        "Spell out the {relation} of {subject}.",
    ),
    "keywords": (
        "Search: {subject}, {relation}",
        "{subject} / {relation} / details",
        "Query on {subject}; field: {relation}",
        "Lookup {relation}, entry {subject}",
        "Wanted: {relation}, {subject}",
        "{subject} - required field: {relation}",
    ),
}
# For a relation whose name ends openly, as "compatible with" does.
OPEN_FRAMES: Mapping[str, tuple[str, ...]] = {
    "indirect": (
        "I was wondering what {subject} is {relation}.",
        "I am trying to find out what {subject} is {relation}.",
        "A colleague of mine was asking what {subject} is {relation}.",
        "It would help me a lot to learn what {subject} is {relation}.",
        "What I still need for my notes is what {subject} is {relation}.",
        "Somebody wants to hear from us what {subject} is {relation}.",
    ),
    "imperative": (
        "State what {subject} is {relation}.",
        "Write down what {subject} is {relation}.",
        "Remind me what {subject} is {relation}.",
        "Report what {subject} is {relation}.",
        "Read out from our records what {subject} is {relation}.",
        "Spell out what {subject} is {relation}.",
    ),
    "keywords": FRAMES["keywords"],
}


def make(corpus: Corpus, n: int, rng: random.Random) -> list[Probe]:
    """At most n probes, all phrasings of a fact one after the other; evenly over relations and entities."""
    frames = _Frames(corpus)
    facts = spread(askable(corpus), -(-n // len(STYLES)), rng, lambda one: one.relation.name, lambda one: one.subject)
    phrased = [(one, style, text) for one in facts for style, text in frames.phrasings(one, rng)]
    return [_probe(one, style, text, number) for number, (one, style, text) in enumerate(phrased[:n])]


def summarize(records: Sequence[Record]) -> dict[str, Estimate]:
    """METRICS of one system's records."""
    by_style = {
        f"accuracy_{style}": _scoring.share([r for r in records if r.probe.variant == style], _scoring.is_right)
        for style in STYLES
    }
    return _scoring.accuracy(records) | _scoring.calibration(records) | by_style | _over_phrasings(records)


def _over_phrasings(records: Sequence[Record]) -> dict[str, Estimate]:
    """Facts asked for in at least two phrasings, each counted once a seed."""
    groups: dict[tuple[tuple[str, ...], int], list[Record]] = defaultdict(list)
    for record in records:
        groups[record.probe.facts, record.seed].append(record)
    several = [group for group in groups.values() if len(group) > 1]
    about = _scoring.clusters([group[0] for group in several])

    def of(holds: Callable[[list[Record]], bool]) -> list[float]:
        return [float(holds(group)) for group in several]

    in_all = of(lambda group: all(map(_scoring.is_right, group)))
    in_any = of(lambda group: any(map(_scoring.is_right, group)))
    return {
        "consistency": stats.clustered_rate(of(lambda group: len({_told(record) for record in group}) == 1), about),
        "right_in_all": stats.clustered_rate(in_all, about),
        "right_in_any": stats.clustered_rate(in_any, about),
        "all_when_any": stats.clustered_ratio(in_all, in_any, about),
    }


def _told(record: Record) -> tuple[str, ...]:
    """What an answer comes to: right, nothing, or the wrong values; the words of one that names none."""
    verdict = record.verdicts[0]
    if verdict.outcome is not Outcome.INCORRECT:
        return (verdict.outcome,)
    return tuple(sorted(verdict.named)) or (same_words(record.answers[0].text),)


class _Frames:
    """The wordings of each style that are new to every system, by relation."""

    def __init__(self, corpus: Corpus) -> None:
        unseen = Unseen(corpus)
        self._new = {
            relation.name: {style: unseen.of(filled(frames, relation)) for style, frames in _frames(relation).items()}
            for relation in corpus.relations
        }

    def phrasings(self, one: Askable, rng: random.Random) -> list[tuple[str, str]]:
        """A question in each style; the polite one asks another test question than the plain one, if there is one."""
        own = questions(one.relation, "test")
        plain, *other = rng.sample(own, min(2, len(own)))
        drawn = {"plain": plain, "polite": rng.choice(POLITE).replace("{question}", other[0] if other else plain)}
        drawn |= {style: rng.choice(new) for style, new in self._new[one.relation.name].items() if new}
        return [(style, asked(template, one.subject)) for style, template in drawn.items()]


def _frames(relation: Relation) -> Mapping[str, tuple[str, ...]]:
    return OPEN_FRAMES if is_open(relation) else FRAMES


def _probe(one: Askable, style: str, question: str, number: int) -> Probe:
    return Probe(
        id=probe_id("paraphrase", number, question),
        kind="paraphrase",
        question=question,
        gold=one.gold,
        facts=one.fact_ids,
        relation=one.relation.name,
        subject=one.subject,
        variant=style,
    )
