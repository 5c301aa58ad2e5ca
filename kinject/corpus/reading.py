"""What a column reads as: one value a cell, or None where the cell does not fit.

Only the shapes; the readers of numbers and of days make them, and the schema chooses between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kinject.types import Kind

# What people write into a cell that has no number or day.
MISSING = frozenset(
    {"n/a", "na", "n.a.", "null", "none", "nan", "nil", "-", "--", "\u2013", "\u2014", "?", "unknown", "tbd"}
)


@dataclass(frozen=True)
class Value:
    """`text` as facts will state it."""

    text: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hints:
    """What is known before a column is read. "" is: find out."""

    label: str
    unit: str = ""
    decimal: str = ""
    date_order: str = ""


@dataclass(frozen=True)
class Reading:
    kind: Kind
    values: tuple[Value | None, ...]
    unit: str = ""
    notes: tuple[str, ...] = field(default=())


def share(values: Sequence[object], cells: Sequence[str]) -> float:
    """The part of the cells that say something and were understood."""
    said = [value is not None for value, cell in zip(values, cells, strict=True) if not is_missing(cell)]
    return sum(said) / len(said) if said else 0.0


def is_missing(cell: str) -> bool:
    return not cell or cell.casefold() in MISSING
