"""What a study tries on canned answers before it asks anything, and the numbers of each training by itself."""

import random
from statistics import fmean
from types import SimpleNamespace

import pytest
from conftest import make_toy_corpus
from run_folder import SKILLS, make_run

import kinject
from kinject import plugins
from kinject.grading import Grader
from kinject.store import JsonLines
from kinject.study.measures import of_seeds
from kinject.study.rehearsal import canned, rehearse, rehearse_diagnosis
from kinject.types import Outcome

CORPUS = make_toy_corpus()
KINDS = [kind for kind in plugins.names("kinject.probes") if kind != "own"]
PROBES = [p for k in KINDS for p in plugins.load("kinject.probes", k).make(CORPUS, 8, random.Random(0))]


@pytest.fixture(scope="module")
def records():
    return canned(PROBES, Grader(CORPUS))


def test_every_family_and_variant_is_rehearsed_right_wrong_and_silent(records):
    assert {(r.probe.kind, r.probe.variant) for r in records} == {(p.kind, p.variant) for p in PROBES}
    for kind in KINDS:
        assert {r.verdicts[0].outcome for r in records if r.probe.kind == kind} == set(Outcome)


def test_all_that_is_there_sums_up(records):
    rehearse(records, plugins.names("kinject.systems"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_in_summing_up_comes_before_anything_is_asked(records, kind, monkeypatch):
    def fail(records):
        raise ZeroDivisionError(kind)

    monkeypatch.setattr(plugins.load("kinject.probes", kind), "summarize", fail)
    with pytest.raises(ZeroDivisionError, match=kind):
        rehearse(records, [])


def test_a_fault_in_a_diagnosis_comes_before_its_system_is_asked(records):
    def diagnose(system, corpus, records):
        yield records[0].answers[7]

    with pytest.raises(IndexError):
        rehearse_diagnosis(SimpleNamespace(diagnose=diagnose), None, CORPUS, records)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """sft trained three times, beside rag."""
    skills = {name: SKILLS[name] for name in ("sft", "rag")}
    return kinject.load_run(make_run(tmp_path_factory.mktemp("run") / "toy", skills, n=40, trainings=3))


def test_every_training_has_its_own_numbers(trained):
    rows = [row for row in of_seeds(trained.run.records(), ["sft", "rag"], ["recall"]) if row["metric"] == "accuracy"]
    assert [(row["system"], row["seed"], row["n"]) for row in rows] == [("sft", seed, 40) for seed in range(3)]
    pooled = trained.estimates.query("system == 'sft' and probe == 'recall' and metric == 'accuracy'").iloc[0]
    assert (pooled.n, pooled.value) == (120, pytest.approx(fmean(row["value"] for row in rows)))


def test_a_loaded_run_has_them_as_a_frame(trained):
    assert trained.seeds.empty
    rows = list(of_seeds(trained.run.records(), ["sft"], ["recall"]))
    with JsonLines(trained.run.folder / "seeds.jsonl") as log:
        for row in rows:
            log.append(row)
    assert [*kinject.load_run(trained.run.folder).seeds.value.dropna()] == [
        row["value"] for row in rows if row["value"] == row["value"]
    ]
