"""Damage to the files of a run is found before they are used; what is good of it is kept."""

import random
import shutil
from collections import Counter
from dataclasses import replace

import pytest
from conftest import make_toy_corpus
from typer.testing import CliRunner

from benchmarks import damage
from kinject import corpus, plugins, study
from kinject.cli import app
from kinject.errors import StoreError
from kinject.study import Study

SMALL = ("recall=3", *(f"{kind}=1" for kind in plugins.names("kinject.probes") if kind not in ("recall", "own")))
OPTIONS = ("sft.epochs=1", "sft.max_new_tokens=2", "sft.paraphrases=1", "rag.max_new_tokens=2", "rag.retriever=bm25")


@pytest.fixture(scope="module")
def small(tiny_lfm2, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    corpus.save(make_toy_corpus(), folder / "toy")
    return Study(folder / "toy", folder / "run", str(tiny_lfm2), ("sft", "rag"), (*SMALL, *OPTIONS))


@pytest.fixture(scope="module")
def whole(small):
    return study.run(small)


@pytest.fixture(scope="module")
def other(small, tmp_path_factory):
    out = tmp_path_factory.mktemp("other") / "run"
    return study.run(replace(small, out=out, systems=("rag",), settings=(*SMALL, *OPTIONS[3:]), seed=1))


@pytest.fixture
def run(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "run")


def test_a_whole_run_is_verified(run):
    found = study.verify(run)
    assert (found.problems, found.finished, found.artifacts) == ((), True, 3)
    assert found.records == len(study.open_run(run).records())


@pytest.mark.parametrize(("change", "n"), [(damage.flipped, 60), (damage.cut, 30)])
def test_a_flipped_byte_or_a_cut_file_of_any_kind_is_found_before_it_is_used(run, change, n):
    found = damage.damage(run, change, n, random.Random(0))
    assert [one for one in found if one.outcome.startswith(damage.MISSED)] == []
    assert Counter(one.outcome for one in found)[damage.REFUSED] > n // 2


@pytest.mark.slow
def test_a_thousand_flips_two_hundred_cuts_and_fifty_swaps_are_found(whole, other):
    assert damage.main([str(whole), str(other)]) == 0


def test_the_file_of_another_run_is_found_before_it_is_used(run, other):
    found = damage.swapped(run, other, 20, random.Random(0))
    assert {one.outcome for one in found} == {damage.REFUSED}


def test_a_study_does_not_go_on_with_the_answers_of_another(small, run, other):
    shutil.copy(other / "records.jsonl", run / "records.jsonl")
    with pytest.raises(StoreError, match=r"records\.jsonl is not as the study left it"):
        study.run(replace(small, out=run))


def spoil(path):
    path.write_bytes(damage.flipped(path.read_bytes(), random.Random(0)))


FILES = ("records.jsonl", "estimates.jsonl", "corpus/facts.jsonl", "study.json", "plan.json")
STORED = ("systems/rag/index/vectors.faiss", "systems/sft/curve.json", "systems/sft/model/model.safetensors")


@pytest.mark.parametrize("name", [*FILES, *STORED])
def test_a_run_that_is_repaired_and_gone_on_with_ends_as_it_was(small, whole, run, name):
    spoil(run / name)
    assert study.repair(run)
    study.run(replace(small, out=run))
    assert study.verify(run).problems == ()
    assert said(run) == said(whole)


def said(run):
    return {record.key: [answer.text for answer in record.answers] for record in study.open_run(run).records()}


def test_the_same_study_in_two_folders_says_the_same_to_the_last_bit(small, whole, tmp_path):
    again = study.run(replace(small, out=tmp_path / "again"))
    one, two = ([untimed(record) for record in study.open_run(run).records()] for run in (whole, again))
    assert one == two
    weights = "systems/sft/model/model.safetensors"
    assert (again / weights).read_bytes() == (whole / weights).read_bytes()


def untimed(record):
    answers = (replace(answer, usage=replace(answer.usage, seconds=0.0)) for answer in record.answers)
    return replace(record, answers=tuple(answers))


def test_repair_keeps_the_good_rows_and_the_damaged_file(run):
    path = run / "records.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b"crc32", b"crc23")
    path.write_bytes(b"".join(lines))
    done = study.repair(run)
    assert [line.partition(": ")[2] for line in done] == [
        "set aside as study.json.damaged-1",
        f"{len(lines) - 1} good rows kept; as it was: records.jsonl.damaged-1",
    ]
    assert path.read_bytes() == b"".join([*lines[:2], *lines[3:]])
    assert (run / "records.jsonl.damaged-1").read_bytes() == b"".join(lines)
    assert study.repair(run) == ()


def test_a_log_cut_between_two_rows_is_gone_on_with(run):
    path = run / "records.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    (problem,) = study.verify(run).problems
    assert problem.path == path
    study.repair(run)
    assert path.read_bytes() == b"".join(lines[:-1])


def test_answers_of_another_run_are_set_aside_and_not_kept(run, other):
    shutil.copy(other / "records.jsonl", run / "records.jsonl")
    study.repair(run)
    assert not (run / "records.jsonl").exists()


def test_without_its_plan_a_run_keeps_no_answers(run):
    spoil(run / "plan.json")
    study.repair(run)
    assert sorted(path.name for path in run.iterdir() if "damaged" not in path.name) == [".lock", "corpus", "systems"]


def test_verify_says_a_line_a_problem_and_ends_with_1(run):
    words = ["verify", str(run)]
    assert CliRunner().invoke(app, words).stdout.startswith(f"{run} is whole: ")
    spoil(run / "systems" / "rag" / "index" / "vectors.faiss")
    result = CliRunner().invoke(app, words)
    assert (result.exit_code, result.stdout.splitlines()) == (
        1,
        [
            f"{run}/systems/rag/index/vectors.faiss is damaged (length or sha256); "
            f"delete {run}/systems/rag/index to build it again",
            f"next: kinject repair {run}",
        ],
    )
    assert CliRunner().invoke(app, ["repair", str(run)]).exit_code == 0


def test_what_is_no_run_is_not_verified(tmp_path):
    with pytest.raises(StoreError, match=r"holds no study: neither plan\.json nor study\.json is there"):
        study.verify(tmp_path)
