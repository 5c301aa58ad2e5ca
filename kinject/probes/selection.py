"""Selection: which entity satisfies two or three constraints at once, as a customer states them to a salesman?

Whoever satisfies all of them is right. Each is paired with a selection of the same relations that nothing satisfies:
there, the right answer is that there is none. An offer that breaks a constraint is a hallucination.
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kinject.corpus import Corpus
from kinject.probes import _scoring
from kinject.probes._choosing import probe_id
from kinject.probes._constraints import Constraint, Field, fields
from kinject.probes._entities import EntityNames
from kinject.types import Estimate, Outcome, Probe, Record

SATISFIABLE, UNSATISFIABLE = "satisfiable", "unsatisfiable"
# An entity of the corpus that does not satisfy everything, alone or beside one that does.
VIOLATIONS = ("confused", "stale", "in_domain", "several")
METRICS = (
    {name: f"{text}, of the selections that something satisfies" for name, text in _scoring.ACCURACY_METRICS.items()}
    | _scoring.CALIBRATION_METRICS
    | {
        "violation": "share of attempted answers that name an entity of the corpus which breaks a constraint",
        "invented": "share of attempted answers that name no entity of the corpus",
        "hallucination": "share of selections that nothing satisfies for which something was offered all the same",
        "over_refusal": "share of selections that something satisfies for which nothing was offered",
        "refusal_gap": "abstentions where nothing fits less those where something does, paired: 1 is ideal, 0 is blind",
    }
)
FRAMES = (
    "I am looking for an entry {conditions}. Which one do you suggest?",
    "Is there an entry {conditions}? If so, name one.",
    "Recommend an entry {conditions}.",
    "Find me an entry {conditions}.",
    "I want an entry {conditions}; which would you pick?",
    "A customer demands an entry {conditions}. Which one do you offer?",
)
_CANDIDATES, _MOST_RIGHT = 8, 5
_TRIES = 60
_DRAWN = 8  # of those that satisfy a constraint so many are looked at, for the one that was right least often


@dataclass(frozen=True, slots=True)
class _Pair:
    """Constraints that some entities satisfy, the gold ones, and those of the same relations that none does."""

    gold: tuple[str, ...]
    met: tuple[Constraint, ...]
    unmet: tuple[Constraint, ...]


def make(corpus: Corpus, n: int, rng: random.Random) -> list[Probe]:
    """N probes in pairs (one more where n is odd), fewer where the corpus has no more that can be demanded."""
    names, choice = EntityNames(corpus), _Choice(fields(corpus, rng))
    pairs = choice.pairs((n + 1) // 2, rng)
    return [probe for number, pair in enumerate(pairs) for probe in _probes(pair, number, names, rng)]


def summarize(records: Sequence[Record]) -> dict[str, Estimate]:
    """METRICS of one system's records."""
    satisfiable = [record for record in records if record.probe.gold]
    unsatisfiable = [record for record in records if not record.probe.gold]
    attempted = [record for record in records if _scoring.is_attempted(record)]
    return {
        **_scoring.accuracy(satisfiable),
        **_scoring.calibration(satisfiable),
        "violation": _scoring.share(attempted, lambda record: record.verdicts[0].error in VIOLATIONS),
        "invented": _scoring.share(attempted, _names_nobody),
        "hallucination": _scoring.share(unsatisfiable, _scoring.is_attempted),
        "over_refusal": _scoring.share(satisfiable, lambda record: not _scoring.is_attempted(record)),
        "refusal_gap": _scoring.refusal_gap(unsatisfiable, satisfiable),
    }


def _names_nobody(record: Record) -> bool:
    verdict = record.verdicts[0]
    return verdict.outcome is Outcome.INCORRECT and verdict.error not in VIOLATIONS


class _Choice:
    """Draws constraints that go together: one at random, and others of an entity that satisfies it."""

    def __init__(self, known: Sequence[Field]) -> None:
        self._known = known
        self._candidates: dict[tuple[str, ...], int] = {}

    def pairs(self, n: int, rng: random.Random) -> list[_Pair]:
        """At most n, no two of the same clauses."""
        found: dict[frozenset[str], _Pair] = {}
        used: Counter[str] = Counter()
        for _ in range(_TRIES * n if len(self._known) > 1 else 0):
            if len(found) == n:
                break
            pair = self._pair(used, rng)
            key = frozenset(one.clause for one in pair.met) if pair else frozenset()
            if pair and key not in found:
                found[key] = pair
                used.update(pair.gold)
        return list(found.values())

    def _pair(self, used: Mapping[str, int], rng: random.Random) -> _Pair | None:
        """Each constraint is needed: without it, more would do. None where what was drawn is not fit to be asked."""
        first = rng.choice(self._known)
        drawn = rng.choice(first.constraints)
        entities = list(drawn.satisfying)
        entity = min(rng.sample(entities, min(_DRAWN, len(entities))), key=lambda name: used.get(name, 0))
        others = [field for field in self._known if field is not first and entity in field.entities]
        chosen = [first, *rng.sample(others, min(rng.choice((1, 2)), len(others)))]
        fitting = [[one for one in field.constraints if entity in one.satisfying] for field in chosen[1:]]
        if not fitting or not all(fitting) or self._together(chosen) < _CANDIDATES:
            return None
        met = (drawn, *map(rng.choice, fitting))
        gold = _satisfying(met)
        if len(gold) > _MOST_RIGHT or any(len(_satisfying(some)) == len(gold) for some in _without_one(met)):
            return None
        unmet = _made_unmet(met, chosen, rng)
        return _Pair(tuple(gold), met, unmet) if unmet else None

    def _together(self, chosen: Sequence[Field]) -> int:
        """How many entities have a value of every field."""
        key = tuple(sorted(field.relation.name for field in chosen))
        if key not in self._candidates:
            self._candidates[key] = len(frozenset.intersection(*(field.entities for field in chosen)))
        return self._candidates[key]


def _satisfying(constraints: Sequence[Constraint]) -> list[str]:
    fewest, *others = sorted((one.satisfying for one in constraints), key=len)
    return [entity for entity in fewest if all(entity in other for other in others)]


def _without_one(constraints: Sequence[Constraint]) -> Iterator[Sequence[Constraint]]:
    for place in range(len(constraints)):
        yield (*constraints[:place], *constraints[place + 1 :])


def _made_unmet(met: Sequence[Constraint], chosen: Sequence[Field], rng: random.Random) -> tuple[Constraint, ...]:
    """The same with one exchanged for another of its relation, so that nothing is left; () where none does that.

    Any two of three can still be had together, so that no constraint alone tells that there is nothing.
    """
    for place in rng.sample(range(len(met)), len(met)):
        for other in rng.sample(chosen[place].constraints, len(chosen[place].constraints)):
            unmet = (*met[:place], other, *met[place + 1 :])
            if not _satisfying(unmet) and all(map(_satisfying, _without_one(unmet))):
                return unmet
    return ()


def _probes(pair: _Pair, number: int, names: EntityNames, rng: random.Random) -> tuple[Probe, Probe]:
    """The order of the constraints is the same in both, and so is the wording."""
    frame, order = rng.choice(FRAMES), rng.sample(range(len(pair.met)), len(pair.met))
    met, unmet = ([own[place] for place in order] for own in (pair.met, pair.unmet))
    asked, in_vain = (frame.format(conditions=_listed([one.clause for one in own])) for own in (met, unmet))
    first, second = probe_id("selection", 2 * number, asked), probe_id("selection", 2 * number + 1, in_vain)
    facts = tuple(dict.fromkeys(one.satisfying[entity].id for entity in pair.gold for one in met))
    relation, about = met[0].relation.name, pair.gold[0]
    return (
        Probe(
            first,
            "selection",
            asked,
            names.gold(pair.gold),
            facts,
            relation=relation,
            subject=about,
            pair=second,
            variant=SATISFIABLE,
        ),
        Probe(second, "selection", in_vain, (), relation=relation, subject=about, pair=first, variant=UNSATISFIABLE),
    )


def _listed(clauses: Sequence[str]) -> str:
    *others, last = clauses
    return f"{', '.join(others)} and {last}"
