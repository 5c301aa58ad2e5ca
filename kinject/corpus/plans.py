"""What an import was told and what it would write: the data that planning, the preview and the mapping share.

Decides nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from kinject.corpus.schema import Column
from kinject.corpus.table import Rejected
from kinject.types import Document, Fact, Relation


@dataclass(frozen=True)
class ImportOptions:
    roles: Mapping[str, str] = field(default_factory=dict)  # column -> a kind, "document" or "drop"
    units: Mapping[str, str] = field(default_factory=dict)  # column -> unit of its numbers
    labels: Mapping[str, str] = field(default_factory=dict)  # column -> its name in sentences
    keep: tuple[str, ...] = ()  # columns that would be dropped: ids, links, constants
    delimiter: str = ""  # of a CSV file; "" guesses
    decimal: str = ""  # "." or ","; "" guesses
    date_order: str = ""  # "dmy" or "mdy"; "" guesses
    records: str = ""  # the key of a JSON object that holds the list of objects
    max_rejected: float | None = None  # share of rejected lines to accept; None: 10 %, and no malformed JSON
    seed: int = 0  # of the pages' wording


DEFAULT = ImportOptions()


@dataclass(frozen=True)
class Sample:
    question: str
    gold: str


@dataclass(frozen=True)
class ImportPlan:
    """What an import would write. `columns` begins with the entity; `counts` are rows, merged, entities, facts, ..."""

    name: str
    source: Path
    entity: str
    columns: tuple[Column, ...]
    rejected: tuple[Rejected, ...]
    notes: tuple[str, ...]
    samples: tuple[Sample, ...]
    counts: Mapping[str, int]
    options: ImportOptions
    documents: tuple[Document, ...] = field(repr=False)
    facts: tuple[Fact, ...] = field(repr=False)
    relations: tuple[Relation, ...] = field(repr=False)
    day: date | None = None  # what "now" means, where the source says it
    description: str = ""
