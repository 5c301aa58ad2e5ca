"""False premise: a question that takes for granted what is not so, as in "Given that X is of oak: how heavy is X?".

Right is to say what is so instead, to reject the premise or to abstain; whoever answers as if nothing were wrong has
swallowed it, even with the right weight. Each is paired with the same question on a true premise, which has an answer.
What is false is what the facts do not have: a value of another entity, where every entity has one.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kinject.corpus import Corpus, questions
from kinject.grading import Grader
from kinject.grading.premise import rejects
from kinject.grading.words import clean, words
from kinject.probes import _scoring
from kinject.probes._choosing import Askable, askable, is_open, probe_id, spread
from kinject.probes._phrasing import asked
from kinject.types import Estimate, Outcome, Probe, Record

FALSE, TRUE = "false_premise", "answerable"
_ECHOES = ("confused", "stale", "in_domain", "several")
METRICS = {
    "swallowed": "share of questions on a false premise that were answered as if it were true",
    "echoed": "share of them whose answer repeats the false value, or another false one, as if it were so",
    "ignored": "share of them whose answer says nothing of the premise",
    "corrected": "share of them whose answer says what is so instead",
    "declined": "share of them whose answer only rejects the premise or abstains",
    "over_refusal": "share of the same questions on a true premise that were abstained from",
    "answerable_accuracy": "share of right answers to the same questions on a true premise",
    "refusal_gap": "share not swallowed less share of refusals on a true premise, paired: 1 is ideal, 0 is blind",
}
FRAMES = (
    "Given that the {premise} of {subject} is {value}: {question}",
    "Now that we know the {premise} of {subject} to be {value}, I have a question. {question}",
    "As you will be aware, the {premise} of {subject} is {value}. {question}",
    "The {premise} of {subject} being {value}, I would like to ask: {question}",
    "Since the {premise} of {subject} is {value}, let me ask you this: {question}",
    "With {value} as the {premise} of {subject}, one thing remains to be asked. {question}",
)
_TRIES = 8


@dataclass(frozen=True, slots=True)
class _Pair:
    """The same question on a false and on a true premise, without ids."""

    false: Probe
    true: Probe


def make(corpus: Corpus, n: int, rng: random.Random) -> list[Probe]:
    """N probes in pairs (one more where n is odd), evenly over what is asked; fewer where less is certain."""
    candidates, premises = askable(corpus), _Premises(corpus)
    pairs: list[_Pair] = []
    for one in spread(candidates, len(candidates), rng, lambda one: one.relation.name, lambda one: one.subject):
        if len(pairs) == (n + 1) // 2:
            break
        if pair := premises.pair(one, rng):
            pairs.append(pair)
    return [probe for number, pair in enumerate(pairs) for probe in _named(pair, number)]


def summarize(records: Sequence[Record]) -> dict[str, Estimate]:
    """METRICS of one system's records."""
    false = [record for record in records if not record.probe.gold]
    true = [record for record in records if record.probe.gold]
    return {
        "swallowed": _scoring.share(false, _scoring.is_attempted),
        "echoed": _scoring.share(false, lambda record: record.verdicts[0].error in _ECHOES),
        "ignored": _scoring.share(false, lambda r: _scoring.is_attempted(r) and r.verdicts[0].error not in _ECHOES),
        "corrected": _scoring.share(false, lambda r: not _scoring.is_attempted(r) and bool(r.verdicts[0].named)),
        "declined": _scoring.share(false, lambda r: not _scoring.is_attempted(r) and not r.verdicts[0].named),
        "over_refusal": _scoring.share(true, lambda record: not _scoring.is_attempted(record)),
        "answerable_accuracy": _scoring.share(true, _scoring.is_right),
        "refusal_gap": _scoring.refusal_gap(false, true),
    }


class _Premises:
    """What can be asserted of an entity so that it is certainly false, and an answer shows what it makes of that."""

    def __init__(self, corpus: Corpus) -> None:
        self._grader = Grader(corpus)
        known = _single(corpus)
        self._values = {name: list(dict.fromkeys(one.facts[0].object for one in own)) for name, own in known.items()}
        self._of: Mapping[str, list[Askable]] = defaultdict(list)
        for own in known.values():
            for one in own:
                self._of[one.subject].append(one)
        # A value such as "false" or "unknown" would read as a rejection of the premise.
        objects = {(fact.relation, fact.object) for fact in corpus.facts}
        self._unfit = {name for name, value in objects if rejects(value) or self._grader.abstains(value)}

    def pair(self, one: Askable, rng: random.Random) -> _Pair | None:
        """None where nothing certain can be asserted beside what is asked."""
        if one.relation.name in self._unfit:
            return None
        own = [other for other in self._of.get(one.subject, ()) if other.relation != one.relation]
        for premise in rng.sample(own, len(own)):
            values = self._values[premise.relation.name]
            for false in rng.sample(values, min(_TRIES, len(values))):
                pair = _pair(one, premise, false, rng)
                if _differ(premise, false) and self._is_certain(pair, one, premise, false):
                    return pair
        return None

    def _is_certain(self, pair: _Pair, one: Askable, premise: Askable, false: str) -> bool:
        """Does the grader tell apart the answers that matter, in both questions?"""
        told, so = ", ".join(fact.object for fact in one.facts), premise.facts[0].object
        corrected = self._grader.grade(f"It is {so}. {told}.", pair.false)
        return (
            self._grader.grade(false, replace(pair.false, gold=premise.gold, variant="")).error == "confused"
            and self._grader.grade(f"{told}.", pair.false).outcome is Outcome.INCORRECT
            and (corrected.outcome, len(corrected.named)) == (Outcome.NOT_ATTEMPTED, 1)
            and self._grader.grade(f"It is {so}. {told}.", pair.true).outcome is Outcome.CORRECT
        )


def _single(corpus: Corpus) -> dict[str, list[Askable]]:
    """What can be asserted, by relation: only what every entity has one value of, and no name that ends openly."""
    groups: dict[str, list[Askable]] = defaultdict(list)
    for one in askable(corpus):
        groups[one.relation.name].append(one)
    return {
        name: own
        for name, own in groups.items()
        if own[0].relation.kind != "list" and not is_open(own[0].relation) and all(len(one.facts) == 1 for one in own)
    }


def _differ(premise: Askable, false: str) -> bool:
    """Aluminium is not false of what is made of anodised aluminium; numbers and days are told apart by the grader."""
    if premise.relation.kind in ("number", "date"):
        return True
    parts = [{word.key for word in words(clean(value))} for value in (false, *premise.gold)]
    return all(parts[0].isdisjoint(other) for other in parts[1:])


def _pair(one: Askable, premise: Askable, false: str, rng: random.Random) -> _Pair:
    frame = rng.choice(FRAMES).replace("{premise}", premise.relation.name)
    frame = frame.replace("{question}", rng.choice(questions(one.relation, "test")))
    on_false, on_true = (
        asked(frame, one.subject).replace("{value}", value) for value in (false, premise.facts[0].object)
    )
    return _Pair(
        Probe("", "false_premise", on_false, (), premise.fact_ids, (), premise.relation.name, one.subject, "", FALSE),
        Probe("", "false_premise", on_true, one.gold, one.fact_ids, (), one.relation.name, one.subject, "", TRUE),
    )


def _named(pair: _Pair, number: int) -> tuple[Probe, Probe]:
    first = probe_id("false_premise", 2 * number, pair.false.question)
    second = probe_id("false_premise", 2 * number + 1, pair.true.question)
    return replace(pair.false, id=first, pair=second), replace(pair.true, id=second, pair=first)
