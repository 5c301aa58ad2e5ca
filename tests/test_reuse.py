"""A second study takes over from a first one what would come out the same, and nothing else."""

from dataclasses import replace

import pytest
from conftest import make_toy_corpus
from test_damage import OPTIONS, SMALL, said

from kinject import corpus, study
from kinject.errors import StoreError
from kinject.store import JsonLines
from kinject.study import Study


@pytest.fixture(scope="module")
def first(tiny_lfm2, tmp_path_factory):
    folder = tmp_path_factory.mktemp("first")
    corpus.save(make_toy_corpus(), folder / "toy")
    wanted = Study(folder / "toy", folder / "run", str(tiny_lfm2), ("sft", "rag"), (*SMALL, *OPTIONS))
    study.run(wanted)
    return wanted


def second(first, tmp_path, **changes):
    """The stages of the study after that, and what it said of each system."""
    stages = {}
    wanted = replace(first, out=tmp_path / "run", reuse=first.out, **changes)
    study.run(wanted, lambda step: stages.setdefault(step.stage, step.note))
    return wanted.out, set(stages)


def rows(run, name, system):
    return [row for row in JsonLines(run / name).rows() if row["system"] == system]


def test_where_one_systems_options_change_the_others_are_neither_built_nor_asked(first, tmp_path):
    out, stages = second(first, tmp_path, settings=(*SMALL, *OPTIONS, "rag.k=2"))
    assert stages == {"reuse sft", "index", "ask rag"}
    for name in ("records.jsonl", "builds.jsonl"):
        assert rows(out, name, "sft") == rows(first.out, name, "sft")
    assert rows(out, "records.jsonl", "rag") != rows(first.out, "records.jsonl", "rag")
    assert study.verify(out).problems == ()


def test_where_more_is_asked_nothing_is_built_again(first, tmp_path):
    out, stages = second(first, tmp_path, settings=(*SMALL, "recall=4", *OPTIONS))
    assert stages == {"ask sft", "ask rag"}
    assert [rows(out, "builds.jsonl", s) for s in ("sft", "rag")] == [
        rows(first.out, "builds.jsonl", s) for s in ("sft", "rag")
    ]


def test_where_the_corpus_changes_all_is_built_and_asked(first, tmp_path):
    toy = make_toy_corpus()
    corpus.save(replace(toy, facts=toy.facts[:-1]), tmp_path / "less")
    _, stages = second(first, tmp_path, corpus=tmp_path / "less")
    assert stages == {"sft", "index", "ask sft", "ask rag"}


def test_a_study_that_takes_all_over_says_what_the_first_one_did(first, tmp_path):
    out, stages = second(first, tmp_path)
    assert stages == {"reuse sft", "reuse rag"}
    assert said(out) == said(first.out)
    assert study.open_run(out).estimates() == study.open_run(first.out).estimates()


def test_what_is_taken_over_is_checked_first(first, tmp_path):
    with pytest.raises(StoreError, match="is the run itself"):
        study.run(replace(first, reuse=first.out))
    with pytest.raises(StoreError, match="no finished study"):
        study.run(replace(first, out=tmp_path / "run", reuse=tmp_path / "none"))
