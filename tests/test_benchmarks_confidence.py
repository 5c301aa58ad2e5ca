"""benchmarks.confidence: signals of a run's own answers, and of answers that are drawn again."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import make_toy_corpus
from run_folder import make_run

from benchmarks import confidence as benchmark
from kinject.corpus import Corpus
from kinject.errors import OptionError
from kinject.lm import sampling
from kinject.store import JsonLines, row_to_record
from kinject.types import Answer, Record, Turn

CORPUS = make_toy_corpus()


@dataclass
class Wavering:
    """Says another value with every second seed."""

    seen: list[sampling.Sampling | None] = field(default_factory=list)

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        drawn = sampling.current()
        self.seen.append(drawn)
        return Answer(f"{drawn.seed % 2} g" if drawn else "no sample", 0.5)


@dataclass
class FakeRun:
    folder: Path
    corpus: Corpus = CORPUS
    systems: tuple[str, ...] = ("rag", "kg")
    manifest: dict = field(default_factory=lambda: {"model": {"name": "fake"}})
    made: dict[str, Wavering] = field(default_factory=dict)

    def records(self) -> list[Record]:
        return [row_to_record(row) for row in JsonLines(self.folder / "records.jsonl").rows()]

    def system(self, name: str) -> Wavering:
        return self.made.setdefault(name, Wavering())


@pytest.fixture
def run(tmp_path, monkeypatch):
    fake = FakeRun(make_run(tmp_path / "run", n=30))
    monkeypatch.setattr(benchmark, "open_run", lambda folder: fake)
    return fake


def rows_of(tmp_path, *options):
    benchmark.main(["run", "--out", str(tmp_path), *options])
    return json.loads((tmp_path / "confidence-toy.json").read_text(encoding="utf-8"))


def test_every_method_of_every_system_is_judged_and_one_is_chosen(run, tmp_path, capsys):
    rows = rows_of(tmp_path)["rows"]
    assert [(row["system"], row["method"]) for row in rows] == [
        (system, method) for system in ("rag", "kg") for method in ("probability", "token_probability")
    ]
    assert [sum("threshold" in row for row in rows if row["system"] == name) for name in run.systems] == [1, 1]
    assert all(row["auroc"]["n"] == row["test_n"] > 20 for row in rows)
    printed = capsys.readouterr().out
    assert "at most 10 % wrong on the dev half" in printed
    assert run.made == {}


def test_samples_add_self_consistency_and_are_drawn_alike_in_every_run(run, tmp_path):
    options = ("--samples", "3", "--n", "12", "--system", "kg", "--temperature", "0.5")
    first, again = rows_of(tmp_path, *options), rows_of(tmp_path, *options)
    assert first["said"] == again["said"]
    assert {len(texts) for texts in first["said"]["kg"].values()} == {3}
    assert {drawn.temperature for drawn in run.made["kg"].seen} == {0.5}
    assert len({drawn.seed for drawn in run.made["kg"].seen}) == 12 * 3
    assert [row["method"] for row in first["rows"]] == ["probability", "token_probability", "self_consistency"]
    assert first["rows"][0]["dev_n"] + first["rows"][0]["test_n"] == 12


def test_self_consistency_is_the_share_of_samples_that_name_the_same_value(run):
    (record,) = benchmark.attempts([r for r in run.records() if r.probe.kind == "recall"], "kg", 1, seed=0)
    value = record.answers[0].text
    said = {record.probe.id: [value, f"Aldo, weight: {value}", "7 g", "I don't know."]}
    split = benchmark.halves(CORPUS, [record], said)
    assert [case.signals["self_consistency"] for case in (*split.dev, *split.test)] == [0.5]


def test_a_temperature_of_nothing_is_one_clear_line(run):
    with pytest.raises(OptionError, match="--temperature must be above 0 and --seed"):
        benchmark.main(["run", "--samples", "2", "--temperature", "0"])
