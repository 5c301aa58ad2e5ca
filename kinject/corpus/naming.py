"""One name an entity: rows without a name are rejected, equal rows merge, equal names are told apart by a value.

Reads no meaning into names: two rows of one name are two entities until they say the same.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rapidfuzz import process

from kinject.corpus.schema import Inferred
from kinject.corpus.table import Cell, Rejected, Row, Table
from kinject.errors import CorpusError

# Words that name an entity column, best first; without one the first column of unique short texts is proposed.
LIKELY = ("name", "title", "label", "product", "item", "entity", "model", "sku", "code")


@dataclass(frozen=True)
class Names:
    """`names` are unique, one a row; `used` are the (row, column) pairs whose value became part of a name."""

    names: tuple[str, ...]
    used: frozenset[tuple[int, str]] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cleaned:
    table: Table
    merged: int


def check_entity(table: Table, entity: str) -> None:
    """Raises CorpusError with the columns there are and the one that was probably meant."""
    columns = ", ".join(table.columns)
    if not entity:
        raise CorpusError(
            f"which column names what each row is about? say --entity {_proposed(table)}; columns: {columns}"
        )
    if entity not in table.columns:
        near = process.extractOne(entity, table.columns, score_cutoff=60, processor=str.casefold)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise CorpusError(f"no column {entity!r} to name the entities{hint}; columns: {columns}")


def clean(table: Table, entity: str) -> Cleaned:
    """Reject rows without a name and merge rows that are equal in every cell."""
    rows: dict[tuple[tuple[str, Cell], ...], Row] = {}
    rejected = list(table.rejected)
    named = 0
    for row in table.rows:
        name = row.cells.get(entity, "")
        if isinstance(name, tuple):
            raise CorpusError(f"{row.location}: column {entity!r} is a list and cannot name an entity; choose another")
        if not name.strip():
            text = ", ".join(cell if isinstance(cell, str) else "; ".join(cell) for cell in row.cells.values())
            rejected.append(Rejected(row.location, f"column {entity!r} is empty", text[:120]))
            continue
        named += 1
        rows.setdefault(tuple(sorted(row.cells.items())), row)
    if not rows:
        reasons = f"; {rejected[0].location}: {rejected[0].reason}" if rejected else ""
        raise CorpusError(f"no row can be used{reasons}")
    return Cleaned(replace(table, rows=tuple(rows.values()), rejected=tuple(rejected)), named - len(rows))


def unique_names(columns: Sequence[Inferred], rows: Sequence[Row]) -> Names:
    """Append to each name that occurs twice the shortest value that tells its rows apart.

    The same column is taken for as many names as it can serve. Raises CorpusError where nothing tells two rows apart.
    """
    names = [value.text if value else "" for value in columns[0].values]
    groups = _groups(names)
    used, notes = set(), []
    while groups:
        column = _best(groups, columns[1:])
        split = [group for group in groups if _tells_apart(group, column)]
        if not split:
            raise CorpusError(_same(groups[0], names, columns, rows))
        for index in (i for group in split for i in group):
            value = column.values[index]
            names[index] = f"{names[index]} ({value.text if value else ''})"
            used.add((index, column.column.name))
        example = names[split[0][0]]
        notes.append(f"{len(split)} names occur more than once; {column.column.name!r} tells them apart: {example!r}")
        groups = [group for group in groups if group not in split]
    if again := _groups(names):
        one, two = again[0][:2]
        raise CorpusError(f"{rows[one].location} and {rows[two].location} are both named {names[one]!r}; rename one")
    return Names(tuple(names), frozenset(used), tuple(notes))


def _groups(names: Sequence[str]) -> list[list[int]]:
    found: Mapping[str, list[int]] = defaultdict(list)
    for index, name in enumerate(names):
        found[name.casefold()].append(index)
    return [group for group in found.values() if len(group) > 1]


def _best(groups: list[list[int]], columns: Sequence[Inferred]) -> Inferred:
    def rank(one: Inferred) -> tuple[int, bool, float]:
        split = [group for group in groups if _tells_apart(group, one)]
        lengths = [len(value.text) for group in split for i in group if (value := one.values[i])]
        return (-len(split), one.column.kind in ("number", "date"), sum(lengths) / max(1, len(lengths)))

    return min(columns, key=rank)


def _tells_apart(group: list[int], column: Inferred) -> bool:
    if column.column.role != "fact" or column.column.kind == "list":
        return False
    values = [value.text.casefold() for index in group if (value := column.values[index])]
    return len(values) == len(group) == len(set(values))


def _same(group: list[int], names: Sequence[str], columns: Sequence[Inferred], rows: Sequence[Row]) -> str:
    one, two = (rows[index] for index in group[:2])
    dropped = [c.column.name for c in columns if c.column.role == "drop"]
    telling = [name for name in dropped if one.cells.get(name, "") != two.cells.get(name, "")]
    hint = f"--keep {telling[0]!r} would" if telling else "rename one or choose another --entity"
    return f"{one.location} and {two.location} both name {names[group[0]]!r}, and no column tells them apart; {hint}"


def _proposed(table: Table) -> str:
    return repr(max(_scores(table))[1])


def _scores(table: Table) -> Iterator[tuple[float, str]]:
    for position, column in enumerate(table.columns):
        cells = [cell for row in table.rows if isinstance(cell := row.cells.get(column, ""), str) and cell]
        if not cells:
            yield (-9.0, column)
            continue
        rank = next((i for i, word in enumerate(LIKELY) if word in column.casefold()), len(LIKELY))
        worded = sum(any(c.isalpha() for c in cell) and len(cell) <= 60 for cell in cells) / len(cells)
        is_id = column.casefold().endswith("id") or any(c in column for c in ".")
        score = 3 * len(set(cells)) / len(table.rows) + 2 * worded - rank / 5 - 2 * is_id - position / 100
        yield (score, column)
