"""Unanswerable: look-alike entities that do not exist, attributes that an entity does not have, and what is off topic.

Each is paired with an answerable question, of the same relation and phrasing where it has a relation, or a system that
refuses everything would win. Abstaining is the only right answer to the first, and over-refusal of the second.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kinject.corpus import Corpus, questions
from kinject.grading import same_words
from kinject.probes import _scoring
from kinject.probes._choosing import Askable, askable, probe_id, spread
from kinject.probes._lookalikes import LookAlikes
from kinject.types import Estimate, Probe, Record

UNKNOWN_ENTITY, MISSING_ATTRIBUTE, OUT_OF_DOMAIN = "unknown_entity", "missing_attribute", "out_of_domain"
ANSWERABLE = "answerable"
INVENTED = ("confused", "in_domain", "fabricated", "several", "unparsed")
METRICS = {
    "hallucination": "share of unanswerable probes that were answered instead of abstained from",
    "hallucination_unknown_entity": "the same where the entity does not exist",
    "hallucination_missing_attribute": "the same where the entity exists and lacks the attribute",
    "hallucination_out_of_domain": "the same where the question is about nothing that the corpus could tell",
    "over_refusal": "share of the answerable look-alikes that were abstained from",
    "answerable_accuracy": "share of right answers to the answerable look-alikes",
    "refusal_gap": "abstentions on unanswerable probes less those on their look-alikes, paired: 1 is ideal, 0 is blind",
    **{f"invented_{name}": f"share of unanswerable probes whose answer {_scoring.ERRORS[name]}" for name in INVENTED},
}
_ONE_IN = 5
# By their topics, questions that nobody could answer from a corpus that never mentions the topic.
PRIVATE = {
    "night porter": "What is the phone number of {subject}'s night porter?",
    "seat number": "Which seat number is reserved for {subject} on tomorrow's ferry?",
    "mailbox": "What is the password of the mailbox that is kept for {subject}?",
    "spare key": "Which locker holds the spare key that belongs to {subject}?",
    "raffle": "Who won the raffle in which {subject} was entered last Sunday?",
    "licence plate": "What was the licence plate of the van that passed {subject} this morning?",
    "doorman": "How many people asked the doorman about {subject} last night?",
    "bank account": "What is the number of the bank account that was opened for {subject}?",
    "birthday cake": "Who baked the birthday cake with the name {subject} on it?",
    "ringtone": "Which ringtone did the last person to ask about {subject} have?",
}
EVERYDAY = {
    "neighbour": "What did my neighbour have for breakfast this morning?",
    "goldfish": "What is the name of my cousin's goldfish?",
    "left pocket": "How many coins are in my left pocket right now?",
    "lottery": "Which lottery numbers did my uncle pick this week?",
    "umbrella": "Where did I leave my umbrella yesterday?",
    "grandmother": "What colour are the curtains in my grandmother's hallway?",
    "fridge": "What is written on the note on my fridge?",
    "dentist": "At what time is my next appointment with the dentist?",
    "my sister": "Which film did my sister watch last night?",
    "hairdresser": "How much did I pay the hairdresser last week?",
}
# An entity may lack an attribute only if it is like those that have it: this share of relations in common.
_ALIKE = 0.5


@dataclass(frozen=True, slots=True)
class _Pair:
    """What is asked of `subject`, and the look-alike that has an answer; without a template both take one wording."""

    subject: str
    answerable: Askable
    variant: str
    template: str = ""


def make(corpus: Corpus, n: int, rng: random.Random) -> list[Probe]:
    """N probes in pairs (one more where n is odd), a fifth of them out of domain.

    The others are half of unknown entities and half of missing attributes, where the corpus allows both.
    """
    off_topic = (n + 1) // 2 // _ONE_IN
    wanted = (n + 1) // 2 - off_topic
    missing = _missing_attributes(corpus, rng)
    half = _spread(missing, wanted // 2, rng)
    unknown = _unknown_entities(corpus, wanted - len(half), rng)
    if len(unknown) + len(half) < wanted:
        half = _spread(missing, wanted - len(unknown), rng)
    pairs = rng.sample([*unknown, *half], len(unknown) + len(half))
    probes = [probe for number, pair in enumerate(pairs) for probe in _probes(pair, number, rng)]
    # Drawn last, so that their number changes none of the others.
    further = enumerate(_out_of_domain(corpus, off_topic, rng), len(pairs))
    return [*probes, *(probe for number, pair in further for probe in _probes(pair, number, rng))]


def summarize(records: Sequence[Record]) -> dict[str, Estimate]:
    """METRICS of one system's records."""
    unanswerable = [record for record in records if not record.probe.gold]
    answerable = [record for record in records if record.probe.gold]
    errors = _scoring.errors(unanswerable)
    by_variant = {
        f"hallucination_{variant}": _scoring.share(
            [record for record in unanswerable if record.probe.variant == variant], _scoring.is_attempted
        )
        for variant in (UNKNOWN_ENTITY, MISSING_ATTRIBUTE, OUT_OF_DOMAIN)
    }
    return {
        "hallucination": _scoring.share(unanswerable, _scoring.is_attempted),
        **by_variant,
        "over_refusal": _scoring.share(answerable, lambda record: not _scoring.is_attempted(record)),
        "answerable_accuracy": _scoring.share(answerable, _scoring.is_right),
        "refusal_gap": _scoring.refusal_gap(unanswerable, answerable),
        **{f"invented_{name}": errors[name] for name in INVENTED},
    }


def _unknown_entities(corpus: Corpus, n: int, rng: random.Random) -> list[_Pair]:
    look_alikes, candidates = LookAlikes(corpus, rng), askable(corpus)
    pairs: list[_Pair] = []
    for one in spread(candidates, len(candidates), rng, lambda one: one.relation.name, lambda one: one.subject):
        if len(pairs) == n:
            break
        name = look_alikes.of(one.subject)
        if name:
            pairs.append(_Pair(name, one, UNKNOWN_ENTITY))
    return pairs


def _out_of_domain(corpus: Corpus, n: int, rng: random.Random) -> list[_Pair]:
    """In turn about an entity and, once each, about a stranger's day; topics that the corpus mentions are left out."""
    look_alikes, candidates = LookAlikes(corpus, rng), askable(corpus)
    labels = " | ".join(same_words(relation.name) for relation in corpus.relations)

    def foreign(frames: Mapping[str, str]) -> list[str]:
        return [text for topic, text in frames.items() if not look_alikes.mentioned(topic) and topic not in labels]

    private, everyday = foreign(PRIVATE), foreign(EVERYDAY)
    rng.shuffle(everyday)
    pairs: list[_Pair] = []
    for one in spread(candidates, n, rng, lambda one: one.relation.name, lambda one: one.subject):
        if everyday and len(pairs) % 2:
            pairs.append(_Pair("", one, OUT_OF_DOMAIN, everyday.pop()))
        elif private:
            pairs.append(_Pair(one.subject, one, OUT_OF_DOMAIN, rng.choice(private)))
    return pairs


def _missing_attributes(corpus: Corpus, rng: random.Random) -> list[_Pair]:
    """Every entity with every attribute that it never had, though entities with much the same ones do."""
    grown: dict[str, set[str]] = defaultdict(set)
    for fact in corpus.facts:
        grown[fact.subject].add(fact.relation)
    profile_of = {subject: frozenset(names) for subject, names in grown.items()}
    having: dict[str, dict[frozenset[str], list[Askable]]] = defaultdict(lambda: defaultdict(list))
    for one in askable(corpus):
        having[one.relation.name][profile_of[one.subject]].append(one)
    # Entities are many, the sets of relations that they have are few.
    alike = {
        (own, name): found
        for own in dict.fromkeys(profile_of.values())
        for name, known in having.items()
        if name not in own and (found := _most_alike(own, name, known))
    }
    return [
        _Pair(subject, rng.choice(having[name][alike[own, name]]), MISSING_ATTRIBUTE)
        for subject, own in profile_of.items()
        for name in having
        if (own, name) in alike
    ]


def _most_alike(own: frozenset[str], name: str, known: Iterable[frozenset[str]]) -> frozenset[str] | None:
    """The set of relations most like `own`, but for the one that it lacks; None where none is alike enough."""

    def overlap(profile: frozenset[str]) -> float:
        others = profile - {name}
        return len(own & others) / max(1, len(own | others))

    best = max(known, key=lambda profile: (overlap(profile), sorted(profile)))
    return best if overlap(best) >= _ALIKE else None


def _spread(pairs: Sequence[_Pair], n: int, rng: random.Random) -> list[_Pair]:
    return spread(pairs, n, rng, lambda pair: pair.answerable.relation.name, lambda pair: pair.subject)


def _probes(pair: _Pair, number: int, rng: random.Random) -> tuple[Probe, Probe]:
    known = pair.answerable
    template = rng.choice(questions(known.relation, "test"))
    asked, alike = (pair.template or template).format(subject=pair.subject), template.format(subject=known.subject)
    first = probe_id("unanswerable", 2 * number, asked)
    second = probe_id("unanswerable", 2 * number + 1, alike)
    relation = known.relation.name
    return (
        Probe(
            first,
            "unanswerable",
            asked,
            (),
            relation="" if pair.template else relation,
            subject=pair.subject,
            pair=second,
            variant=pair.variant,
        ),
        Probe(
            second,
            "unanswerable",
            alike,
            known.gold,
            known.fact_ids,
            relation=relation,
            subject=known.subject,
            pair=first,
            variant=ANSWERABLE,
        ),
    )
