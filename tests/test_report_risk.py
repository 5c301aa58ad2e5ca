"""Risk-coverage: what is in the curves, and that the area under them is the one the table shows."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from run_folder import SKILLS, make_run

from kinject.report import risk
from kinject.report.results import Results, read
from kinject.types import Estimate, Outcome


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return read(make_run(tmp_path_factory.mktemp("run"), n=40))


def test_a_curve_ends_at_all_answers_given_and_their_errors(results: Results) -> None:
    kg = risk.selective(results, "kg")
    assert kg.asked == 160  # pushback dialogues are no single questions
    assert kg.points[-1] == pytest.approx((len(kg.right) / 160, 1 - sum(kg.right) / len(kg.right)))


def test_abstentions_are_asked_and_never_wrong(results: Results) -> None:
    records = [record for record in results.of("kg") if not record.probe.turns]
    refused = [record for record in records if record.verdicts[0].outcome is Outcome.NOT_ATTEMPTED]
    assert refused
    assert len(risk.selective(results, "kg").right) == len(records) - len(refused)


def test_the_area_is_that_under_the_curve_of_the_answers_given(results: Results) -> None:
    rag = risk.selective(results, "rag")
    share, before, area = len(rag.right) / rag.asked, 0.0, 0.0
    for coverage, errors in rag.points:
        area, before = area + (coverage - before) / share * errors, coverage
    assert rag.aurc.value == pytest.approx(area)
    assert rag.aurc.low < area < rag.aurc.high


def test_a_confidence_that_knows_everything_leaves_no_errors_at_half_coverage() -> None:
    sure = risk.Selective("kg", 40, (0.9,) * 20 + (0.1,) * 20, (True,) * 20 + (False,) * 20, tuple(map(str, range(40))))
    assert (sure.errors(0.5).value, sure.errors(1.0).value, sure.auroc.value) == (0, 0.5, 1)


def test_a_model_that_tells_no_probabilities_has_no_curve(results: Results) -> None:
    records = tuple(
        replace(r, answers=tuple(replace(a, confidence_method="unavailable") for a in r.answers))
        for r in results.records
    )
    assert risk.section(replace(results, records=records)) is None


def test_the_threshold_of_a_calibrated_run_stands_in_the_table(results: Results) -> None:
    kept = {("kg", "confidence", "coverage"): Estimate(0.8, 0.7, 0.9, 90)}
    section = risk.section(replace(results, estimates=results.estimates | kept))
    assert section
    assert section.tables[0].columns[-2:] == ("kept by its threshold", "right among these")
    assert [row[-2].text for row in section.tables[0].rows if row[0].text == "kg"] == ["80\u202f%"]


def test_few_answers_are_in_the_table_and_draw_no_curve(tmp_path: Path) -> None:
    section = risk.section(read(make_run(tmp_path, {"kg": SKILLS["kg"]}, n=4)))
    assert section
    assert (section.figure, section.tables[0].rows[0][0].text) == (None, "kg")


def test_a_curve_of_many_answers_is_thinned_and_keeps_its_end() -> None:
    many = risk.Selective("kg", 5000, tuple(n / 5000 for n in range(5000)), (True, False) * 2500, ("a", "b") * 2500)
    section = risk._thinned(many)
    assert len(section) <= 160
    assert section[-1] == many.points[-1]
    assert not any(math.isnan(value) for point in section for value in point)
