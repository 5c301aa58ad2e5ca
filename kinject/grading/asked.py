"""What a probe asks, in the keys of its relation's vocabulary.

Knows nothing of answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kinject.grading.days import find_days
from kinject.grading.vocabulary import Vocabulary
from kinject.grading.words import clean, same_words, words
from kinject.types import Fact, Probe


@dataclass(frozen=True, slots=True)
class Asked:
    """The gold keys, and the parts of the question that an answer may repeat without stating a value.

    `needed` has a set of keys for each value that must be named: one a list item, otherwise one in all. `owner` is what
    the question leads to, `way` are the entities that it leads over.
    """

    gold: frozenset[str]
    needed: tuple[frozenset[str], ...]
    owner: str
    own_names: tuple[str, ...]
    way: tuple[str, ...]
    days: frozenset[str]
    numbers: frozenset[str]


def is_selection(probe: Probe) -> bool:
    """Does the probe ask for an entity that satisfies several constraints? There may be none."""
    return probe.variant in ("satisfiable", "unsatisfiable")


def is_inverse(probe: Probe, facts: Sequence[Fact]) -> bool:
    """Does the probe give the object and ask for the subject?"""
    gold = {same_words(value) for value in probe.gold}
    return (
        probe.variant == "inverse"
        or is_selection(probe)
        or any(same_words(fact.subject) in gold and same_words(fact.object) not in gold for fact in facts)
    )


def is_count(probe: Probe) -> bool:
    """Does the probe ask how many there are? Its answer is no value of its relation."""
    return probe.variant == "count"


def asked(probe: Probe, facts: Sequence[Fact], vocabulary: Vocabulary, names: dict[str, tuple[str, ...]]) -> Asked:
    """`facts` are the probe's, `names` the other names of entities."""
    inverse = is_inverse(probe, facts)
    start = probe.subject or (facts[0].subject if facts else "")
    # What satisfies one constraint of several was not true at another date.
    behind = None if is_selection(probe) else _behind(probe, facts, inverse)
    if inverse:
        owner = behind.object if behind else ""
        # Of two that are compared, neither value is told.
        told = owner if f" {same_words(owner)} " in f" {same_words(probe.question)} " else ""
    else:
        owner, told = (behind.subject if behind else start), start
    way = () if inverse else tuple(dict.fromkeys(fact.subject for fact in facts if fact.subject != told))
    question = clean(probe.question)
    needed = _needed(probe, facts, vocabulary)
    return Asked(
        gold=frozenset().union(*needed),
        needed=needed,
        owner=owner,
        own_names=(told, *names.get(told, ())) if told else (),
        way=tuple(name for one in way for name in (one, *names.get(one, ()))),
        days=frozenset(key for day in find_days(question) for key in day.keys),
        numbers=frozenset(word.key for word in words(question) if word.key[0].isdigit()),
    )


def _behind(probe: Probe, facts: Sequence[Fact], inverse: bool) -> Fact | None:
    """The fact that states the gold answer; None for a figure over many."""
    gold = {same_words(value) for value in probe.gold}
    fitting = (fact for fact in facts if fact.relation == probe.relation)
    return next((fact for fact in fitting if same_words(fact.subject if inverse else fact.object) in gold), None)


def _needed(probe: Probe, facts: Sequence[Fact], vocabulary: Vocabulary) -> tuple[frozenset[str], ...]:
    gold = [key for value in probe.gold for key in vocabulary.keys(value)]
    if vocabulary.form != "list":
        return (frozenset(gold),) if gold else ()
    # An alias among the gold values is the item that it stands for, not one more item.
    items = [key for fact in facts for key in vocabulary.keys(fact.object) if key in gold] or gold
    groups = {item: {item} for item in items}
    for key in gold:
        for item in vocabulary.values_of(key):
            groups.get(item, set()).add(key)
    return tuple(frozenset(group) for group in groups.values())
