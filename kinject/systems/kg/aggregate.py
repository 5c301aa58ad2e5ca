"""Counts, extremes, totals and means over facts, and which of two entities has more.

Which facts is the caller's choice. It knows nothing of graphs or tools.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from typing import Literal

from kinject.errors import KinjectError
from kinject.systems.kg.amounts import Amount, common, plain_unit, read_amount, read_day
from kinject.types import Fact, Relation

Extreme = Literal["max", "min"]
Function = Literal["count", "max", "min", "sum", "mean"]

_EXACT = Context(prec=100)
_READERS: Mapping[str, Callable[[str], Amount | None]] = {"number": read_amount, "date": read_day}


class AggregateError(KinjectError):
    """Values that cannot be ordered or added; the message is one line that begins with "cannot"."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`line` is the figure, "" for an extreme: its facts say it. `left_out` is how many facts had no number."""

    facts: tuple[Fact, ...]
    line: str = ""
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """The facts of those that share a value, `name`, and the figure over them as it is written."""

    name: str
    facts: tuple[Fact, ...]
    figure: str


@dataclass(frozen=True, slots=True)
class Comparison:
    facts: tuple[Fact, Fact]
    equal: bool


@dataclass(frozen=True, slots=True)
class _Measured:
    """Facts with their numbers, all in the unit of `form`."""

    facts: tuple[Fact, ...]
    numbers: tuple[Decimal, ...]
    form: Amount
    left_out: int


def aggregate(function: Function, relation: Relation, facts: Sequence[Fact]) -> Aggregate:
    """The number of distinct subjects; every fact with the highest or lowest value, by subject; a total or a mean.

    Totals and means are told in the relation's unit or, where no value is in it, the commonest one, with at most four
    decimals. Days can be ordered, not added. Raises AggregateError for values that are no numbers and for units that
    cannot be converted into each other.
    """
    if function == "count":
        return Aggregate(tuple(facts), f"count | {relation.name} | {len({fact.subject for fact in facts})}")
    if function == "max" or function == "min":
        measured = _measured(facts, relation, function, "compare")
        best = _figure(function, measured.numbers)
        ties = [fact for fact, number in zip(measured.facts, measured.numbers, strict=True) if number == best]
        return Aggregate(tuple(sorted(ties, key=lambda fact: fact.subject)), left_out=measured.left_out)
    summable = facts if relation.kind == "number" else ()
    measured = _measured(summable, relation, function, "add")
    figure = _figure(function, measured.numbers)
    line = f"{function} | {relation.name} | {measured.form.written(figure)}"
    return Aggregate(measured.facts, line, measured.left_out)


def top(function: Extreme, relation: Relation, facts: Sequence[Fact], most: int) -> Aggregate:
    """At most so many facts, the highest (max) or the lowest (min) first, equal ones by subject."""
    measured = _measured(facts, relation, function, "compare")
    sign = -1 if function == "max" else 1
    pairs = zip(measured.facts, measured.numbers, strict=True)
    ranked = sorted(pairs, key=lambda pair: (sign * pair[1], pair[0].subject))
    return Aggregate(tuple(fact for fact, _ in ranked[:most]), left_out=measured.left_out)


def by_group(function: Function, relation: Relation, members: Mapping[str, Sequence[Fact]]) -> list[Group]:
    """A figure a group, the highest first, or the lowest for min; all in one unit. Raises AggregateError."""
    if function == "count":
        counts = {name: len({fact.subject for fact in facts}) for name, facts in members.items()}
        ranked = sorted(members, key=lambda name: (-counts[name], name))
        return [Group(name, tuple(members[name]), str(counts[name])) for name in ranked]
    adds = function in ("sum", "mean")
    every = list({fact.id: fact for facts in members.values() for fact in facts}.values())
    summable = every if relation.kind == "number" or not adds else ()
    measured = _measured(summable, relation, function, "add" if adds else "compare")
    number_of = {fact.id: number for fact, number in zip(measured.facts, measured.numbers, strict=True)}
    numbers = {name: [number_of[f.id] for f in facts if f.id in number_of] for name, facts in members.items()}
    figures = {name: _figure(function, found) for name, found in numbers.items() if found}
    sign = 1 if function == "min" else -1
    ranked = sorted(figures, key=lambda name: (sign * figures[name], name))
    return [Group(name, tuple(members[name]), measured.form.written(figures[name])) for name in ranked]


def compare(function: Extreme, relation: Relation, first: Fact, second: Fact) -> Comparison:
    """The fact with more (max) or less (min) first; of days, more is later.

    Raises AggregateError as `aggregate` does, and where one of the two has no number.
    """
    measured = _measured((first, second), relation, "compare", "compare")
    if measured.left_out:
        raise _no_numbers("compare", relation)
    one, two = measured.numbers
    in_order = one >= two if function == "max" else one <= two
    return Comparison((first, second) if in_order else (second, first), one == two)


def _figure(function: Function, numbers: Sequence[Decimal]) -> Decimal:
    if function == "max" or function == "min":
        return max(numbers) if function == "max" else min(numbers)
    total = functools.reduce(_EXACT.add, numbers)
    return _EXACT.divide(total, Decimal(len(numbers))) if function == "mean" else total


def _measured(facts: Sequence[Fact], relation: Relation, function: str, verb: str) -> _Measured:
    read = _READERS.get(relation.kind)
    amount_of = [(fact, _in_full(amount, relation)) for fact in facts if read and (amount := read(fact.object))]
    if not amount_of:
        raise _no_numbers(function, relation)
    amounts = [amount for _, amount in amount_of]
    form = common(amounts, plain_unit(relation.unit))
    numbers = [number for amount in amounts if (number := amount.number_in(form.unit)) is not None]
    if len(numbers) < len(amounts):
        units = ", ".join(dict.fromkeys(amount.unit for amount in amounts if amount.unit))
        raise AggregateError(f"cannot {verb} {relation.name}: units differ ({units})")
    return _Measured(tuple(fact for fact, _ in amount_of), tuple(numbers), form, len(facts) - len(amounts))


def _in_full(amount: Amount, relation: Relation) -> Amount:
    """A bare number is in the relation's own unit, not in one that other values happen to have."""
    if amount.unit or not relation.unit:
        return amount
    return replace(amount, unit=plain_unit(relation.unit), after=f" {relation.unit}")


def _no_numbers(function: str, relation: Relation) -> AggregateError:
    return AggregateError(f"cannot {function} {relation.name}: its values are no numbers")
