"""What each column of a table is: its role in a corpus, the kind of its values, its unit and its name in a sentence.

Looks at columns one by one, and says in a note whatever it decided that a reader might decide otherwise.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from kinject.corpus.dates import read_dates
from kinject.corpus.numbers import decimal_mark, read_numbers
from kinject.corpus.reading import Hints, Reading, Value, is_missing, share
from kinject.corpus.table import Cell, Row, Table
from kinject.corpus.units import header_unit, is_currency, unit_of
from kinject.errors import CorpusError
from kinject.types import Kind

Role = Literal["entity", "fact", "document", "drop"]

LONG_CHARS, LONG_WORDS = 100, 14  # above either, on average, a column is prose rather than values
ENOUGH = 0.9  # the share of cells that must read as numbers or days for the column to be one
FEW_ROWS = 3  # with fewer rows nothing is told from a column being constant or repeating the name

_UUID = re.compile(r"\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?|[0-9a-f]{16,}", re.IGNORECASE)
_LINK = re.compile(r"(https?://|www\.|data:|s3://)\S+|\S+\.(png|jpe?g|gif|webp|svg)", re.IGNORECASE)
_CODE = re.compile(r"(?=.*\d)[^\s,;]{1,40}")
_CODE_LABEL = re.compile(
    r"\b(sku|ean|gtin|upc|isbn|issn|barcode|asin|mpn|code|serial( number)?|part number|item number)\b"
)
_ID_LABEL = re.compile(r"(.*\b)?(id|uuid|guid|row|index)|column \d+|#")


@dataclass(frozen=True)
class Settings:
    """What the user said about columns, by the column's name in the file."""

    roles: Mapping[str, str] = field(default_factory=dict)  # a kind, "document" or "drop"
    units: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    keep: tuple[str, ...] = ()  # columns that would be dropped
    decimal: str = ""
    date_order: str = ""


@dataclass(frozen=True)
class Column:
    """`name` is the file's; `label` is what sentences call it. `filled` and `distinct` count cells."""

    name: str
    label: str
    role: Role
    kind: Kind = "text"
    unit: str = ""
    example: str = ""
    filled: int = 0
    distinct: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inferred:
    """A column with its values, one a row; None where the row says nothing."""

    column: Column
    values: tuple[Value | None, ...]


def infer(table: Table, entity: str, settings: Settings) -> tuple[Inferred, ...]:
    """The columns of the table, the entity first. Raises CorpusError for a kind that does not fit its column."""
    settings = _with_table_hints(table, settings)
    names = tuple(_text(row.cells.get(entity, "")) for row in table.rows)
    found = [_infer(table, name, names, settings) for name in table.columns if name != entity]
    label = _label(entity, settings)
    notes = tuple(note for note in [table.notes.get(entity, "")] if note)
    own = Column(entity, label, "entity", "entity", "", names[0], len(names), len(set(names)), notes)
    columns = [Inferred(own, tuple(Value(name) for name in names)), *_without_repeats(found, settings)]
    return _distinct_labels(columns)


def humanise(name: str) -> str:
    """The name as words: categoryName, category_name and category.name are "category name"; SKU stays SKU."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    words = re.sub(r"[_.{}\s]+|(?<=\w)-(?=\w)", " ", spaced).split()
    return " ".join(word if len(word) <= 4 and word.isupper() else word.lower() for word in words) or "value"


def _label(name: str, settings: Settings) -> str:
    # Braces would be placeholders in a template.
    return re.sub(r"[{}]", "", settings.labels.get(name, "")).strip() or humanise(name)


def _infer(table: Table, name: str, names: tuple[str, ...], settings: Settings) -> Inferred:
    cells = [row.cells.get(name, "") for row in table.rows]
    texts = [_text(cell) for cell in cells]
    label = _label(name, settings)
    base = Column(name, label, "drop", filled=sum(map(bool, texts)), distinct=len(set(texts) - {""}))
    base = replace(base, notes=tuple(note for note in [table.notes.get(name, "")] if note))
    base = replace(base, example=next(filter(None, texts), ""))
    forced = settings.roles.get(name, "")
    if forced == "drop":
        return _dropped(base, "as asked")
    if not base.filled:
        return _dropped(base, "every cell is empty")
    if not forced and name not in settings.keep and (reason := _worthless(base, texts, names)):
        return _dropped(base, f"{reason}; --keep {name!r} keeps it")
    column = Inferred(base, tuple(Value(text) if text else None for text in texts))
    if forced == "document" or (not forced and not any(isinstance(c, tuple) for c in cells) and _is_prose(texts)):
        return replace(column, column=replace(base, role="document"))
    return _read(base, cells, table.rows, forced, names, settings)


def _worthless(column: Column, texts: Sequence[str], names: Sequence[str]) -> str:
    """Why a column teaches nothing; "" if it does."""
    said = [(text, name) for text, name in zip(texts, names, strict=True) if text]
    if all(_UUID.fullmatch(text) for text, _ in said):
        return "opaque ids"
    if all(_LINK.fullmatch(text) for text, _ in said):
        return "links"
    if _ID_LABEL.fullmatch(column.label.casefold()) and all(re.fullmatch(r"\d{1,12}", text) for text, _ in said):
        return "row numbers or keys"
    if len(texts) < FEW_ROWS:
        return ""
    if column.distinct == 1 and column.filled == len(texts):
        return f"every row says {column.example[:40]!r}"
    template = {text.replace(name, "\0") for text, name in said}
    if len(template) == 1 and "\0" in next(iter(template)):
        return "only repeats the name"
    return ""


def _is_prose(texts: Sequence[str]) -> bool:
    said = [text for text in texts if text]
    chars, words = sum(map(len, said)) / len(said), sum(len(text.split()) for text in said) / len(said)
    return chars > LONG_CHARS or words > LONG_WORDS


def _read(
    base: Column, cells: Sequence[Cell], rows: Sequence[Row], forced: str, names: tuple[str, ...], settings: Settings
) -> Inferred:
    hints = Hints(base.label, settings.units.get(base.name, ""), settings.decimal, settings.date_order)
    texts = [_text(cell) for cell in cells]
    column = base
    if forced in ("", "number") and not any(isinstance(c, tuple) for c in cells):
        header = header_unit(base.name)
        if header.unit and share(read_numbers(texts, hints).values, texts) >= ENOUGH:
            hints = replace(hints, unit=hints.unit or header.unit)
            if base.name not in settings.labels:
                column = replace(base, label=humanise(header.label))
    kind = forced or _guess(column, cells, texts, names, hints)
    reading = _READERS[kind](cells, texts, hints)
    unread = [i for i, text in enumerate(texts) if text and reading.values[i] is None]
    if len(unread) == column.filled:
        where = rows[unread[0]].location
        raise CorpusError(f"{where}: column {base.name!r} cannot be a {kind}: found {texts[unread[0]][:40]!r}")
    notes = list(column.notes + reading.notes)
    if unread:
        first = f"{texts[unread[0]][:30]!r} at {rows[unread[0]].location}"
        notes.append(f"{len(unread)} cells are no {kind} and give no fact, such as {first}")
    example = next(value.text for value in reading.values if value)
    distinct = len({value.text for value in reading.values if value})
    column = replace(column, role="fact", kind=reading.kind, unit=reading.unit, example=example, distinct=distinct)
    return Inferred(replace(column, notes=tuple(notes)), reading.values)


def _guess(column: Column, cells: Sequence[Cell], texts: Sequence[str], names: tuple[str, ...], hints: Hints) -> Kind:
    said = [text for text in texts if text]
    distinct = set(said)
    is_unique = len(distinct) == len(said)
    coded = sum(bool(_CODE.fullmatch(text)) for text in said) / len(said)
    tests: tuple[tuple[Kind, Callable[[], bool]], ...] = (
        ("list", lambda: any(isinstance(cell, tuple) for cell in cells) or _is_listed(said)),
        ("identifier", lambda: _is_code_label(column.label.casefold()) and coded >= ENOUGH),
        ("entity", lambda: len(distinct & set(names)) >= 0.8 * len(distinct)),
        ("date", lambda: _fits(read_dates, texts, hints)),
        ("number", lambda: _fits(read_numbers, texts, hints)),
        ("identifier", lambda: is_unique and len(said) >= FEW_ROWS and coded >= ENOUGH),
        ("category", lambda: len(distinct) <= max(0.5 * len(said), 2) and len(distinct) < len(said)),
    )
    return next((kind for kind, test in tests if test()), "text")


def _is_code_label(label: str) -> bool:
    return bool(_CODE_LABEL.search(label) or _ID_LABEL.fullmatch(label))


def _fits(reader: Callable[[Sequence[str], Hints], Reading], texts: Sequence[str], hints: Hints) -> bool:
    # Two dozen cells that all fail settle it: reading days in words is slow.
    sample = [text for text in texts if text and not is_missing(text)][:24]
    if not sample or share(reader(sample, hints).values, sample) < 0.5:
        return False
    return share(reader(texts, hints).values, texts) >= ENOUGH


def _is_listed(said: Sequence[str]) -> bool:
    split = [mark for mark in ";|" if sum(mark in text for text in said) >= 0.5 * len(said)]
    return bool(split) and all(len(item) <= 40 for text in said for item in text.split(split[0]))


def _read_list(cells: Sequence[Cell], texts: Sequence[str], hints: Hints) -> Reading:
    values = []
    for cell in cells:
        items = cell if isinstance(cell, tuple) else re.split(r"[;|]", cell)
        items = tuple(dict.fromkeys(clean for item in items if (clean := _text(item))))
        values.append(Value(("; " if any("," in item for item in items) else ", ").join(items)) if items else None)
    return Reading("list", tuple(values))


def _reader(kind: Kind) -> Callable[[Sequence[Cell], Sequence[str], Hints], Reading]:
    def read(cells: Sequence[Cell], texts: Sequence[str], hints: Hints) -> Reading:
        truth = {text.casefold() for text in texts if text} <= {"true", "false"}
        spoken = [{"true": "yes", "false": "no"}[t.casefold()] if t and truth else t for t in texts]
        return Reading(kind, tuple(Value(text) if text else None for text in spoken), hints.unit)

    return read


_READERS: Mapping[str, Callable[[Sequence[Cell], Sequence[str], Hints], Reading]] = {
    "number": lambda cells, texts, hints: read_numbers(texts, hints),
    "date": lambda cells, texts, hints: read_dates(texts, hints),
    "list": _read_list,
    "category": _reader("category"),
    "text": _reader("text"),
    "identifier": _reader("identifier"),
    "entity": _reader("entity"),
}
KINDS = tuple(_READERS)


def _with_table_hints(table: Table, settings: Settings) -> Settings:
    """The decimal mark of the file, if one of its columns can only be read with a comma."""
    if settings.decimal:
        return settings
    columns = [[_text(row.cells.get(name, "")) for row in table.rows] for name in table.columns]
    marks = {found.mark for cells in columns if (found := decimal_mark(cells)).certain}
    return replace(settings, decimal=",") if marks == {","} else settings


def _without_repeats(found: list[Inferred], settings: Settings) -> list[Inferred]:
    seen: dict[tuple[Value | None, ...], str] = {}
    kept = []
    for one in found:
        column = one.column
        if column.role != "drop" and column.name not in settings.keep and one.values in seen:
            one = _dropped(column, f"says the same as {seen[one.values]!r}; --keep {column.name!r} keeps it")
        elif column.role != "drop":
            seen[one.values] = column.name
        kept.append(one)
    currency = next((unit_of(one.column.example) for one in found if one.column.label == "currency"), "")
    constant = any(one.column.label == "currency" and one.column.distinct == 1 for one in found)
    return [_priced(one, currency) for one in kept] if constant and is_currency(currency) else kept


def _priced(one: Inferred, currency: str) -> Inferred:
    column = one.column
    if column.kind != "number" or column.unit or not re.search(r"\b(price|cost|msrp)\b", column.label):
        return one
    values = tuple(Value(f"{value.text} {currency}") if value else None for value in one.values)
    notes = (*column.notes, "its unit is that of the column 'currency'")
    return Inferred(replace(column, unit=currency, example=f"{column.example} {currency}", notes=notes), values)


def _distinct_labels(found: list[Inferred]) -> tuple[Inferred, ...]:
    taken: set[str] = set()
    named = []
    for one in found:
        column, label = one.column, one.column.label
        if column.role == "fact":
            if label in taken and column.unit:
                label = f"{label} in {column.unit}"
            if label in taken:
                label = re.sub(r"[{}]", "", f"{label} ({column.name})")
            taken.add(label)
        named.append(replace(one, column=replace(column, label=label)))
    return tuple(named)


def _dropped(column: Column, reason: str) -> Inferred:
    return Inferred(replace(column, role="drop", notes=(*column.notes, f"dropped: {reason}")), ())


def _text(cell: Cell) -> str:
    """A cell on one line, in composed Unicode form."""
    text = cell if isinstance(cell, str) else ", ".join(cell)
    return unicodedata.normalize("NFC", " ".join(text.split()))
