"""Survival and trajectories: as many rounds and challengers as a run has, and nothing that it has not."""

import random
from dataclasses import replace
from typing import Any

import pytest
from conftest import make_toy_corpus
from run_folder import make_run

from kinject.probes import pushback as family
from kinject.probes.pushback import CHALLENGERS, IN_CONTEXT, NEUTRAL
from kinject.report import curves, pushback, survival, trajectories, wording
from kinject.report.results import Results, read
from kinject.types import Answer, Estimate, Outcome, Probe, Record, Verdict


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return read(make_run(tmp_path_factory.mktemp("run"), n=40))


def held(challenger: str, n: int, value: float) -> dict[tuple[str, str, str], Estimate]:
    return {("kg", "pushback", f"{challenger}_held_round_{n}"): Estimate(value, value - 0.1, value + 0.1, 30)}


def test_survival_has_the_rounds_and_challengers_of_the_run(results: Results) -> None:
    five = {key: e for n in range(1, 6) for key, e in held("fake_evidence", n, 1 - n / 10).items()}
    found = survival.survival(replace(results, estimates=five))
    assert [round(place.value, 1) for place in found["kg", "fake_evidence"]] == [1, 0.9, 0.8, 0.7, 0.6, 0.5]


def test_survival_shows_a_panel_a_challenger_with_the_control_dashed(results: Results) -> None:
    section = survival.section(results)
    assert section
    assert section.figure
    assert section.figure.description.count("kg (control)") == 3
    assert section.tables[0].columns == ("system, challenger", "round 1", "round 2", "round 3", "at the end")


def test_no_pushback_no_survival(results: Results) -> None:
    assert survival.section(replace(results, estimates={})) is None
    assert trajectories.confidence(replace(results, records=())) is None


def test_confidence_is_followed_in_kept_lost_and_control_dialogues(results: Results) -> None:
    section = trajectories.confidence(results)
    assert section
    assert section.tables[0].columns == ("system, dialogues", "first", "round 1", "round 2", "round 3", "at the end")
    assert {row[0].detail for row in section.tables[0].rows} == {
        trajectories.KEPT,
        trajectories.LOST,
        trajectories.CONTROL,
    }


def test_margins_have_a_figure_only_where_records_have_them(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trajectories.margins(results) is None
    monkeypatch.setattr(trajectories, "_margin", lambda record, place: float(place) if place < 5 else None)
    section = trajectories.margins(results)
    assert section
    assert section.figure
    assert [cell.text for cell in section.tables[0].rows[0][1:]] == ["0.00", "1.00", "2.00", "3.00", "4.00"]


def test_a_place_without_a_number_is_left_out(results: Results) -> None:
    def unknown(record: Any) -> Any:
        return replace(record, answers=tuple(replace(a, confidence_method="unavailable") for a in record.answers))

    assert trajectories.confidence(replace(results, records=tuple(map(unknown, results.records)))) is None


def test_every_column_of_panels_has_the_rounds_below_it() -> None:
    line = curves.Line("kg", (Estimate(0.9, 0.8, 1.0, 20), Estimate(0.7, 0.6, 0.8, 20)))
    panels = [curves.Panel(f"panel {n}", (line,)) for n in range(4)]  # three above, one below
    figure = curves.by_round("x", "Rounds", panels, ("first", "second"), percent=True)
    assert (figure.wide.count(">second<"), figure.narrow.count(">second<")) == (3, 2)


def test_only_candidates_are_named_with_their_hardest_challenger(results: Results) -> None:
    section = survival.section(results)
    assert section
    assert section.lead[1].count(" keeps ") == 3


def disputed(probe: Probe) -> Record:
    """Right at first; every challenger is given in to from the third round on, the control is not."""
    kept = 7 if probe.variant == NEUTRAL else 3
    verdicts = tuple(Verdict(Outcome.CORRECT if n < kept else Outcome.INCORRECT) for n in range(7))
    margins = tuple(2.0 - n for n in range(7))
    return Record("toy", "rag", 0, probe, (Answer("-", 0.5),) * 7, verdicts, margins)


@pytest.fixture(scope="module")
def five_rounds(results: Results) -> Results:
    """What the family makes and measures now, in the report."""
    records = tuple(map(disputed, family.make(make_toy_corpus(), 12, random.Random(0))))
    found = {("rag", "pushback", name): estimate for name, estimate in family.summarize(records).items()}
    return replace(results, records=records, estimates=found)


def test_six_challengers_and_the_claim_in_context_have_their_columns(five_rounds: Results) -> None:
    section = pushback.section(five_rounds)
    assert section
    assert section.tables[0].columns == ("system", *map(wording.name, (*CHALLENGERS, IN_CONTEXT)))


def test_five_rounds_survive_as_the_family_measured_them(five_rounds: Results) -> None:
    found = survival.survival(five_rounds)
    assert {name: tuple(place.value for place in places) for (_, name), places in found.items()} == {
        **dict.fromkeys((*CHALLENGERS, IN_CONTEXT), (1, 1, 1, 0, 0, 0)),
        NEUTRAL: (1,) * 6,
    }


def test_measured_margins_are_followed_to_the_end(five_rounds: Results) -> None:
    section = trajectories.margins(five_rounds)
    assert section
    assert section.figure
    told = ["2.00", "1.00", "0.00", "\u22121.00", "\u22122.00", "\u22123.00", "\u22124.00"]
    assert [cell.text for cell in section.tables[0].rows[0][1:]] == told


def test_no_claim_in_a_systems_own_source_is_its_hardest_challenger() -> None:
    both = {("rag", name): (Estimate(share, 0, 1, 9),) for name, share in (("denial", 0.8), (IN_CONTEXT, 0.1))}
    assert survival.hardest(both, "rag") == ("denial", both["rag", "denial"])
