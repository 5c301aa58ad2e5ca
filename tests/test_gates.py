"""Limits on a run: read before a study starts, judged on the bound, told to a build server."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from run_folder import SKILLS, make_run
from typer.testing import CliRunner

from kinject import power, stats
from kinject import study as studies
from kinject.cli import app
from kinject.errors import OptionError, UnknownNameError
from kinject.gates import Judgement, Limit, junit, limits, summary
from kinject.gates.judging import judge
from kinject.report.results import read
from kinject.types import Estimate

SYSTEMS, KINDS = ("sft", "rag"), ("recall", "unanswerable", "locality", "own", "pushback")


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    return make_run(tmp_path_factory.mktemp("run") / "toy", {name: SKILLS[name] for name in ("rag", "kg")}, n=40)


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


def least(bound, metric="accuracy"):
    return Limit("rag.recall", "rag", "recall", metric, bound, at_least=True)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("rag.recall", ("recall", "accuracy")),
        ("rag.recall.f", ("recall", "f")),
        ("rag.flip_rate", ("pushback", "flip_rate")),
        # Several families tell of it, and one is known by it.
        ("rag.hallucination", ("unanswerable", "hallucination")),
        ("rag.over_refusal", ("unanswerable", "over_refusal")),
        ("rag.own.hallucination", ("own", "hallucination")),
    ],
)
def test_a_name_is_a_family_its_metric_or_a_metric_of_one_family(name, number):
    (limit,) = limits([f"{name}=0.9"], [], SYSTEMS, KINDS)
    assert limit == Limit(name, "rag", *number, 0.9, at_least=True)


@pytest.mark.parametrize(
    ("written", "error", "says"),
    [
        ("kg.recall=0.9", UnknownNameError, "no system 'kg' here; choose one of: sft, rag"),
        ("rag.recal=0.9", UnknownNameError, "no family or metric 'recal' here; families: recall, unanswerable"),
        ("rag.recall.x=0.9", UnknownNameError, "recall has no 'x'; choose one of: accuracy, attempt_rate"),
        ("rag.unanswerable=0.9", UnknownNameError, "unanswerable has no 'accuracy'; choose one of: hallucination"),
        ("rag.auroc=0.9", UnknownNameError, "several families; choose one of: recall.auroc, own.auroc"),
        ("rag.recall=90", OptionError, "90 is no share; a limit is from 0 to 1"),
        ("rag.recall=nan", OptionError, "nan is no share"),
        ("rag.recall=x", OptionError, "'x' is no number"),
        ("rag.recall", OptionError, "write SYSTEM.FAMILY=LIMIT"),
        ("recall=0.9", OptionError, "write SYSTEM.FAMILY=LIMIT"),
    ],
)
def test_a_gate_that_cannot_be_judged_says_what_there_is(written, error, says):
    with pytest.raises(error, match=says.replace(".", r"\.")):
        limits([], [written], SYSTEMS, KINDS)


def test_a_gate_is_judged_on_the_bound_and_not_on_the_value():
    found = Estimate(0.92, 0.88, 0.95, 200)
    below = Limit("rag.recall", "rag", "recall", "accuracy", 0.95, at_least=False)
    assert [Judgement(least(bound), found).passed for bound in (0.88, 0.9)] == [True, False]
    assert [Judgement(limit, found).passed for limit in (below, least(0.96))] == [False, False]


def test_a_number_that_was_not_measured_passes_no_gate():
    one = Judgement(least(0.0), stats.wilson(0, 0))
    assert (one.passed, str(one)) == (False, "FAIL rag.recall >= 0: nothing was measured")


def test_where_only_the_interval_is_too_wide_the_line_says_what_n_would_do():
    wide = Judgement(least(0.9), stats.wilson(47, 50))
    needed = power.probes_to_pass(wide.estimate, 0.9)
    assert str(wide).endswith(f"the interval is too wide: n of about {needed} would pass four times in five")
    assert "would" not in str(Judgement(least(0.95), stats.wilson(47, 50)))


def test_a_failed_gate_is_exit_100_and_one_line_each(finished):
    result = run("gate", finished, "--fail-under", "kg.recall=0.5", "--fail-over", "rag.hallucination=0.01")
    assert result.exit_code == 100
    assert [line.partition(":")[0] for line in result.stdout.splitlines()] == [
        "pass kg.recall >= 0.5",
        "FAIL rag.hallucination < 0.01",
    ]


def test_kept_limits_are_exit_0(finished):
    assert run("gate", finished, "--fail-under", "kg.recall=0.5").exit_code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--fail-under", "oracle.recall=0.5"], "no system 'oracle' here; choose one of: rag, kg"),
        (["--fail-under", "kg.multihop=0.5"], "no family or metric 'multihop' here; families: recall, temporal"),
        (["--junit", "nowhere/junit.xml"], "nowhere/junit.xml cannot be written: there is no folder nowhere"),
        ([], "nothing to judge: give --fail-under or --fail-over"),
    ],
)
def test_a_gate_that_is_wrong_usage_is_one_line_and_exit_2(finished, words, says):
    result = run("gate", finished, *words)
    assert (result.exit_code, result.stdout, says in result.stderr) == (2, "", True)


def test_junit_has_a_case_a_gate_and_one_a_system_and_family(finished, tmp_path):
    run("gate", finished, "--fail-under", "kg.recall=1", "--fail-under", "kg.recall=0.5", "--junit", tmp_path / "j.xml")
    suite = ET.parse(tmp_path / "j.xml").getroot().find("testsuite")
    cases = [(case.get("classname"), case.get("name")) for case in suite]
    families = ("recall", "temporal", "unanswerable", "pushback")
    gates = [("gates", "kg.recall >= 1"), ("gates", "kg.recall >= 0.5")]
    assert cases == [*gates, *((system, kind) for system in ("rag", "kg") for kind in families)]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("10", "1", "0")
    assert suite[0].find("failure").get("message").startswith("FAIL kg.recall >= 1: ")
    assert suite[2].findtext("system-out").startswith("accuracy 0.")


def test_what_was_not_measured_is_skipped(finished):
    results = read(finished)
    empty = {key: Estimate(float("nan"), 0.0, 1.0, 0) if key[0] == "rag" else e for key, e in results.estimates.items()}
    results.estimates.clear()
    results.estimates.update(empty)
    suite = ET.fromstring(junit(results, [])).find("testsuite")
    assert {case.get("classname") for case in suite if case.find("skipped") is not None} == {"rag"}


def test_the_summary_has_the_gates_and_a_row_a_system(finished):
    results = read(finished)
    lines = summary(results, judge([least(0.1)], results)).splitlines()
    assert lines[0] == "## kinject: toy with mini"
    assert lines[2].startswith("- ✅ pass rag.recall >= 0.1: 0.")
    columns = ["recall", "temporal", "unanswerable: hallucination", "unanswerable: over refusal", "pushback: flip rate"]
    assert lines[4].strip("| ").split(" | ") == ["system", *columns]
    assert [line.split(" | ")[0] for line in lines[6:8]] == ["| rag", "| kg"]


def test_a_gate_of_a_study_is_settled_before_anything_is_built(monkeypatch):
    monkeypatch.setattr(studies, "run", lambda plan, progress: pytest.fail("it began"))
    result = run("study", "catalog", "--systems", "rag", "--fail-under", "sft.recall=0.5")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no system 'sft' here; choose one of: rag" in result.stderr


def test_a_study_ends_with_its_gates_and_files(finished, monkeypatch, tmp_path):
    monkeypatch.setattr(studies, "run", lambda plan, progress: finished)
    monkeypatch.setattr("kinject.report.write", lambda folder: None)
    files = ("--junit", tmp_path / "j.xml", "--summary", tmp_path / "s.md")
    result = run("study", "catalog", "--systems", "rag,kg", "--fail-under", "kg.recall=1", *files)
    assert (result.exit_code, result.stdout.splitlines()[-1].startswith("FAIL kg.recall >= 1: ")) == (100, True)
    assert {path.name for path in tmp_path.iterdir()} == {"j.xml", "s.md"}
