"""What a forecast is about: a corpus folder as it is, or a data file whose import is foreseen too."""

import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from kinject import corpus as corpora
from kinject.corpus import Corpus, importing
from kinject.corpus.importing import ImportOptions
from kinject.corpus.table import Table
from kinject.forecast.measuring import bytes_below, line, peak_bytes, timed, traced
from kinject.forecast.stages import Stage

ROWS = (100, 500, 4000)  # of a table, in the samples


@dataclass(frozen=True)
class Wanted:
    """`source` is a corpus folder or, with `entity`, a data file. `entities` 0: as many as there are."""

    source: Path
    entity: str = ""
    model: str = "mini"
    systems: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    full: bool = False
    entities: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """The corpus to draw samples from, how many entities are forecast for, and the import stage if there is one."""

    corpus: Corpus
    entities: int
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class _Import:
    rows: int
    seconds: float
    disk_bytes: int
    corpus: Corpus


def source_of(wanted: Wanted) -> Source:
    """Reads the whole file, since that is what reading costs, and imports samples of it. Raises CorpusError."""
    if not wanted.source.is_file():
        found = corpora.load(wanted.source)
        return Source(found, wanted.entities or len(found.entities()), ())
    before = peak_bytes()
    read_s, table = timed(lambda: importing.read_table(wanted.source))
    a_row = (peak_bytes() - before) / max(1, len(table.rows))
    rows = wanted.entities or len(table.rows)
    imports = list(_imports(wanted, table))
    many = imports[-1]
    grown = line([(one.rows, one.seconds) for one in imports])
    a_row_s = grown.slope + read_s / len(table.rows)
    held = traced(lambda: _imported(wanted, _drawn(wanted, table, imports[0].rows))) / imports[0].rows
    stage = Stage(
        "import",
        grown.fixed + a_row_s * rows,
        before + (a_row + held) * rows,
        many.disk_bytes / many.rows * rows,
        "linear in rows",
        f"{1 / a_row_s:,.0f} rows/s",
    )
    return Source(many.corpus, rows, (stage,))


def _imports(wanted: Wanted, table: Table) -> Iterator[_Import]:
    for size in sorted({min(size, len(table.rows)) for size in ROWS}):
        drawn = _drawn(wanted, table, size)
        with tempfile.TemporaryDirectory(prefix="kinject-plan-") as folder:
            target = Path(folder) / "part"
            seconds, made = timed(partial(_imported, wanted, drawn, target))
            yield _Import(len(drawn.rows), seconds, bytes_below(target), made)


def _drawn(wanted: Wanted, table: Table, size: int) -> Table:
    rng = random.Random(wanted.seed)
    return replace(table, rows=tuple(rng.sample(table.rows, size)))


def _imported(wanted: Wanted, table: Table, target: Path | None = None) -> Corpus:
    """As `kinject import` does it: what it decides, and then what it writes."""
    planned = importing.plan(wanted.source, "plan", wanted.entity, ImportOptions(seed=wanted.seed), table)
    made = importing.corpus_of(planned)
    if target is not None:
        corpora.save(made, target)
    return made
