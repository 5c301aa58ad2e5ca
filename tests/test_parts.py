"""A study whose systems are asked in processes of their own says what one does that asks them one after another."""

import multiprocessing
from dataclasses import replace

import pytest
from conftest import make_toy_corpus
from test_damage import OPTIONS, SMALL, said

from kinject import corpus, study
from kinject.store import JsonLines
from kinject.study import Study, parts


@pytest.fixture(scope="module")
def alone(tiny_lfm2, tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    corpus.save(make_toy_corpus(), folder / "toy")
    wanted = Study(folder / "toy", folder / "run", str(tiny_lfm2), ("sft", "rag"), (*SMALL, *OPTIONS))
    study.run(wanted)
    return wanted


def test_two_at_a_time_say_what_one_after_the_other_do(alone, tmp_path):
    stages = set()
    both = study.run(replace(alone, out=tmp_path / "run", jobs=2), lambda step: stages.add(step.stage))
    assert said(both) == said(alone.out)
    assert stages >= {"ask sft 1/2", "ask rag 1/2"}
    assert study.open_run(both).manifest["jobs"] == 2
    assert not (both / parts.PARTS).exists()
    assert study.verify(both).problems == ()


def test_a_study_that_was_killed_goes_on_with_what_its_parts_had(alone, tmp_path):
    run = tmp_path / "run"
    rows = {name: JsonLines(alone.out / name).rows() for name in ("records.jsonl", "builds.jsonl", "curve.jsonl")}
    for name in rows:
        with JsonLines(run / parts.PARTS / "sft-0" / name) as log:
            for row in rows[name][:3]:
                log.append(row)
    with JsonLines(run / "records.jsonl") as log:
        log.append(rows["records.jsonl"][0])
    parts.gather(run)
    assert {name: JsonLines(run / name).rows() for name in rows} == {name: rows[name][:3] for name in rows}
    assert not (run / parts.PARTS).exists()


def test_what_fails_in_a_part_fails_the_study_and_ends_the_other_parts(alone, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "systems").write_text("in the way")
    with pytest.raises(OSError, match="systems"):
        study.run(replace(alone, out=tmp_path / "run", jobs=2))
    assert not multiprocessing.active_children()
