"""A run as pandas data frames, for one's own notebooks, and its records as a tidy Parquet file.

    run = kinject.load_run("runs/catalog")
    run.estimates.query("probe == 'recall' and metric == 'accuracy'")
    run.records.groupby(["system", "kind"]).confidence.mean()

Reads what a study wrote; opens no model and judges nothing anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from kinject.errors import StoreError
from kinject.store import JsonLines
from kinject.study import Run, open_run
from kinject.study.sealing import SEEDS
from kinject.types import Record

_PACKED = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19"  # a third smaller than by default
PARQUET = "records.parquet"
# One row an answer. Lists stay lists; turn 0 is the answer to the question itself, and `asked` what was said before it.
COLUMNS = (
    ("system", "str"),
    ("seed", "int64"),
    ("probe_id", "str"),
    ("kind", "str"),
    ("variant", "str"),
    ("relation", "str"),
    ("subject", "str"),
    ("question", "str"),
    ("gold", "object"),
    ("turn", "int64"),
    ("asked", "str"),
    ("answer", "str"),
    ("outcome", "str"),
    ("error", "str"),
    ("named", "object"),
    ("confidence", "float64"),
    ("confidence_method", "str"),
    ("evidence", "object"),
    ("prompt_tokens", "int64"),
    ("completion_tokens", "int64"),
    ("model_calls", "int64"),
    ("seconds", "float64"),
)
_SHOWN = ("accuracy", "hallucination", "over_refusal", "flip_rate")
_ESTIMATE = ("system", "probe", "metric", "value", "low", "high", "n")


@dataclass(frozen=True, eq=False, repr=False)
class LoadedRun:
    """A finished run. Frames are read when first asked for."""

    run: Run

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """A row a number: system, probe (the family), metric, value, low and high of its 95 % interval, n."""
        return pd.DataFrame(self.run.estimates()).reindex(columns=list(_further(self.run.estimates())))

    @cached_property
    def records(self) -> pd.DataFrame:
        """A row an answer, with COLUMNS."""
        rows = [row for record in self.run.records() for row in _rows(record)]
        return pd.DataFrame(rows, columns=[name for name, _ in COLUMNS]).astype(dict(COLUMNS))

    @cached_property
    def seeds(self) -> pd.DataFrame:
        """The estimates of each training by itself, with its seed; no rows where every system was built once."""
        rows = JsonLines(self.run.folder / SEEDS).rows()
        return pd.DataFrame(rows, columns=[*_ESTIMATE, "seed"])

    @cached_property
    def curve(self) -> pd.DataFrame:
        """A row an epoch of training: epoch, step, tokens, loss, recall with low, high and n, seconds."""
        return pd.DataFrame(JsonLines(self.run.folder / "curve.jsonl").rows())

    @property
    def summary(self) -> pd.DataFrame:
        """The main numbers: a row a family and metric, a column a system."""
        shown = self.estimates[self.estimates.metric.isin(_SHOWN)]
        cells = shown.assign(cell=[_cell(row) for row in shown.itertuples()])
        table = cells.pivot(index=["probe", "metric"], columns="system", values="cell")
        return table.reindex(columns=[name for name in self.run.systems if name in table.columns]).fillna("")

    def __repr__(self) -> str:
        return f"{self._title}\n{self.summary.to_string()}"

    def _repr_html_(self) -> str:
        return f"<p>{self._title}</p>{self.summary.to_html()}"

    @property
    def _title(self) -> str:
        manifest = self.run.manifest
        return f"{manifest['corpus']['name']} with {manifest['model']['name']}: {len(self.run.records())} records"


def load_run(path: str | Path) -> LoadedRun:
    """Raises StoreError or CorpusError for a folder that holds no finished run, or a damaged one."""
    return LoadedRun(open_run(Path(path)))


def write_parquet(loaded: LoadedRun) -> Path:
    """Put `records` into the run's folder as records.parquet, whole or not at all."""
    path = loaded.run.folder / PARQUET
    unfinished = path.with_suffix(".new")
    with duckdb.connect() as connection:
        connection.register("answers", loaded.records)
        try:
            connection.execute(f"COPY answers TO ? ({_PACKED})", [str(unfinished)])
        except duckdb.Error as error:
            unfinished.unlink(missing_ok=True)
            raise StoreError(f"cannot write {path}: {str(error).splitlines()[0]}") from error
    unfinished.replace(path)
    return path


def _rows(record: Record) -> Iterator[tuple[Any, ...]]:
    probe = record.probe
    about = (record.system, record.seed, probe.id, probe.kind, probe.variant, probe.relation, probe.subject)
    said = (probe.question, *probe.turns)
    for turn, (asked, answer, verdict) in enumerate(zip(said, record.answers, record.verdicts, strict=True)):
        usage = answer.usage
        yield (
            *(*about, probe.question, list(probe.gold), turn, asked, answer.text),
            *(str(verdict.outcome), verdict.error, list(verdict.named)),
            *(answer.confidence, answer.confidence_method, [f"{one.source}: {one.text}" for one in answer.evidence]),
            *(usage.prompt_tokens, usage.completion_tokens, usage.model_calls, usage.seconds),
        )


def _further(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The columns of estimates, those that all have first."""
    yield from dict.fromkeys([*_ESTIMATE, *(name for row in rows for name in row)])


def _cell(row: Any) -> str:
    if pd.isna(row.value):
        return "no data"
    return f"{row.value:.1%} [{row.low:.1%}, {row.high:.1%}] n {row.n}"
