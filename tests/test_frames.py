"""A finished run in data frames and in Parquet."""

import duckdb
import pytest
from run_folder import make_run

import kinject
from kinject.errors import StoreError
from kinject.frames import COLUMNS, write_parquet


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    return kinject.load_run(make_run(tmp_path_factory.mktemp("frames") / "run", n=12))


def test_a_run_has_a_row_an_estimate(loaded):
    rows = loaded.run.estimates()
    assert len(loaded.estimates) == len(rows)
    assert [*loaded.estimates.columns][:7] == ["system", "probe", "metric", "value", "low", "high", "n"]
    assert loaded.estimates.iloc[0].to_dict().items() >= {"system": rows[0]["system"], "n": rows[0]["n"]}.items()


def test_a_run_has_a_row_an_answer(loaded):
    records = loaded.run.records()
    assert [*loaded.records.columns] == [name for name, _ in COLUMNS]
    assert len(loaded.records) == sum(len(record.answers) for record in records)
    dialogue = next(record for record in records if record.probe.turns)
    rows = loaded.records.query("system == @dialogue.system and probe_id == @dialogue.probe.id")
    assert [*rows.asked] == [dialogue.probe.question, *dialogue.probe.turns]
    assert [*rows.outcome] == [verdict.outcome for verdict in dialogue.verdicts]


def test_the_curve_has_a_row_an_epoch(loaded):
    assert [*loaded.curve.epoch] == list(range(1, 9))


def test_a_run_shows_itself_as_a_table(loaded):
    assert "recall" in repr(loaded)
    assert "kg" in repr(loaded)
    assert "<table" in loaded._repr_html_()
    assert "hallucination" in loaded._repr_html_()


def test_parquet_holds_what_the_frame_holds(loaded):
    found = duckdb.sql(f"SELECT * FROM '{write_parquet(loaded)}'").fetchall()
    frame = loaded.records
    assert len(found) == len(frame)
    assert [row[0] for row in found] == [*frame.system]
    assert [row[8] for row in found] == [*frame.gold]


def test_parquet_is_not_written_where_there_is_no_room(loaded, monkeypatch):
    monkeypatch.setattr("kinject.frames.PARQUET", "nowhere/records.parquet")
    with pytest.raises(StoreError, match=r"cannot write .*nowhere"):
        write_parquet(loaded)


def test_a_folder_without_a_run_is_an_error(tmp_path):
    with pytest.raises(StoreError, match="no finished study"):
        kinject.load_run(tmp_path)


def test_nothing_else_is_loaded_with_the_package():
    with pytest.raises(AttributeError, match="no attribute 'load_runs'"):
        _ = kinject.load_runs
