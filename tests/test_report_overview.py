"""The overview: what a family is known by, how its cells are tinted, and what each training gave."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from run_folder import make_run

from kinject import plugins
from kinject.report import metrics
from kinject.report.compare import HALLUCINATION, RIGHT, by_seed
from kinject.report.overview import main_numbers, overview
from kinject.report.parts import heat_cell
from kinject.report.results import Results, read
from kinject.types import Answer, Estimate, Outcome, Probe, Record, Verdict


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return read(make_run(tmp_path_factory.mktemp("run"), n=20, trainings=3))


def names(kind: str, known: list[str]) -> list[tuple[str, int]]:
    return [(metric.name, metric.good) for metric in metrics.of_family(kind, known)]


def test_a_family_is_known_by_its_accuracy_unless_it_is_about_something_else() -> None:
    assert names("recall", ["error_stale", "accuracy", "hallucination"]) == [("accuracy", 1)]
    assert names("unanswerable", ["hallucination", "over_refusal"]) == [("hallucination", -1), ("over_refusal", -1)]
    assert names("pushback", ["accuracy", "flip_rate"]) == [("flip_rate", -1)]
    assert names("injection", ["accuracy", "obeyed"]) == [("obeyed", -1)]
    assert names("of_a_later_kinject", ["something"]) == [("something", 1)]


def test_a_family_may_say_itself_what_it_is_known_by(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("recall")
    module.MAIN = "stale"  # type: ignore[attr-defined]
    monkeypatch.setattr(plugins, "load", lambda package, name: module)
    assert names("recall", ["accuracy", "stale"]) == [("stale", -1)]


@pytest.mark.parametrize("kind", plugins.names(metrics.PROBES))
def test_every_family_of_this_kinject_has_a_main_number(kind: str) -> None:
    assert metrics.of_family(kind, list(plugins.load(metrics.PROBES, kind).METRICS))


def test_the_heat_map_has_every_family_and_every_system(results: Results) -> None:
    heat = overview(results).tables[-1]
    assert heat.columns == ("family", "closed book", "sft", "rag", "kg", "oracle")
    assert [row[0].text for row in heat.rows] == ["recall", "temporal", "unanswerable", "unanswerable", "pushback"]
    assert all(cell.text.endswith("%") and " n " in cell.detail for cell in heat.rows[0][1:])


def test_families_follow_the_readers_interest(results: Results) -> None:
    assert [metric.title for metric in main_numbers(results)][-3:] == ["hallucination", "over refusal", "flip rate"]
    assert metrics.in_order(["pushback", "mine", "recall", "also"]) == ["recall", "pushback", "also", "mine"]


def test_a_cell_is_tinted_by_what_is_good() -> None:
    estimate = Estimate(0.9, 0.8, 0.95, 40)
    assert heat_cell(estimate, good=1).shade == 0.9
    assert heat_cell(estimate, good=-1).shade == pytest.approx(0.1)
    assert heat_cell(Estimate(float("nan"), 0, 1, 0), good=-1).shade is None


def test_every_training_has_its_own_dot(results: Results, tmp_path: Path) -> None:
    seeds = by_seed(results, "sft", RIGHT)
    assert (len(seeds), by_seed(results, "kg", RIGHT)) == (3, ())
    row = overview(results).tables[0].rows[1]
    assert (row[0].text, row[2].text) == ("sft", ", ".join(f"{100 * share:.0f}\u202f%" for share in seeds))
    figure = overview(results).figure
    assert figure
    assert "(by seed " in figure.description


def test_no_system_is_chosen_by_a_family_that_is_aside():
    asked = Probe("p", "locality", "What is 2 + 2?", ())
    wrong = Record("s", "kg", 0, asked, (Answer("4", 1.0),), (Verdict(Outcome.INCORRECT),))
    inside = replace(wrong, probe=replace(asked, kind="unanswerable"))
    assert [measure.holds(wrong) for measure in (RIGHT, HALLUCINATION)] == [None, None]
    assert [measure.holds(inside) for measure in (RIGHT, HALLUCINATION)] == [False, True]
