"""When the recommendation would change: each condition follows from the records, and is silent where it has no say."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from run_folder import SKILLS, Skill, make_run

from kinject.report.compare import STEADY, against, compare, of_kind
from kinject.report.conditions import Condition, conditions, in_short, section
from kinject.report.learning import plateau
from kinject.report.recommend import recommend
from kinject.report.results import Point, Results, read
from kinject.types import Estimate

# Recalls everything and invents as readily; recalls less and knows what it does not know.
BOLD, MEEK = Skill(1.0, 0.9, 0.0, 0.0, 600.0, 0.02), Skill(0.8, 0.0, 0.02, 0.0, 2.0, 0.08)


def found(results: Results, leader: str) -> dict[str, Condition]:
    return {condition.when: condition for condition in conditions(results, compare(results), leader)}


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """kg is right most often over all, sft wherever there is an answer."""
    return read(make_run(tmp_path_factory.mktemp("run"), {"sft": BOLD, "rag": MEEK, "kg": MEEK}, n=60))


def test_another_mix_of_questions_turns_the_choice(traded: Results) -> None:
    told = found(traded, "kg")["Most questions of another kind"]
    assert told.turns == "if most questions were recall (choose sft) or temporal (choose sft)"
    assert told.then.startswith("Better there than kg: sft on recall by +")


def test_few_questions_outside_the_data_turn_the_choice(traded: Results) -> None:
    told = found(traded, "kg")["Hardly any question outside the data"]
    assert told.turns == "if hardly any question lay outside the data (sft)"
    assert told.then.startswith("Without the unanswerable ones sft leads: 100\u202f% [")


def test_families_without_a_difference_are_ties(traded: Results) -> None:
    told = found(traded, "kg")["Only questions of some kinds"]
    assert "rag on every family" in told.then
    assert told.turns == ""  # kg and rag are tied over all as well


def test_questions_beyond_which_a_dearer_build_is_cheaper_are_counted(traded: Results) -> None:
    told = found(traded, "kg")["Machine time counts more than right answers"]
    assert told.turns.startswith("if machine time alone counted (sft beyond ")
    assert re.search(r"sft beyond [\d,]+ questions, at \u2212\d", told.then)


def test_only_a_long_build_speaks_against_a_choice_when_facts_change(traded: Results) -> None:
    assert found(traded, "kg")["Facts that change often"].turns == ""
    assert found(traded, "sft")["Facts that change often"].turns == "if facts changed so often that builds count (rag)"


def test_a_model_that_misreads_the_right_passage_is_named(tmp_path: Path) -> None:
    skills = {"rag": Skill(0.5, 0.1, 0.1, 0.0, 1, 1), "kg": MEEK, "oracle": Skill(0.55, 0.1, 0.1, 0.0, 0, 1)}
    told = found(read(make_run(tmp_path, skills, n=40)), "kg")["A model that reads better"]
    assert told.turns == "with a model that reads better (rag)"


def test_the_luck_of_training_is_told_once_seeds_are_there(tmp_path: Path, traded: Results) -> None:
    three = read(make_run(tmp_path, {"sft": BOLD, "kg": MEEK}, n=20, trainings=3))
    assert found(traded, "kg")["Another training"].then.startswith("sft was trained once")
    assert found(three, "kg")["Another training"].then.startswith("Over 3 seeds sft gets ")


def test_what_could_not_have_been_seen_shrinks_with_more_probes(tmp_path: Path) -> None:
    texts = []
    for n in (20, 80):
        results = read(make_run(tmp_path / str(n), {"rag": SKILLS["rag"], "kg": SKILLS["kg"]}, n=n))
        texts.append(int(found(results, "kg")["Smaller differences"].then.split(" points")[0].split()[-1]))
    assert texts[1] < texts[0]


def test_a_study_too_small_to_tell_any_difference_says_so(tmp_path: Path) -> None:
    told = found(read(make_run(tmp_path, n=2)), "kg")["Smaller differences"].then
    assert "the questions are too few to tell any difference from none" in told
    assert all(int(points) <= 100 for points in re.findall(r"(\d+) points", told))


def test_replies_in_the_dialogue_are_judged_apart_from_its_end(traded: Results) -> None:
    # Replies of the run folder all name a value beside other words, and one that lost its end lost every round.
    assert [pair.better for pair in against(traded, "kg", [STEADY])] == ["", ""]
    assert found(traded, "kg")["Replies while the user objects"].then.startswith("Against its hardest challenger")


def test_families_are_corrected_together(traded: Results) -> None:
    one = against(traded, "kg", [of_kind("recall")])
    two = against(traded, "kg", [of_kind("recall"), of_kind("temporal")])
    assert one[0].p == two[0].p
    assert one[0].p_holm < two[0].p_holm


def test_a_single_system_without_pushback_has_little_to_say(tmp_path: Path) -> None:
    results = read(make_run(tmp_path, {"kg": MEEK}, n=6))
    quiet = replace(results, records=tuple(r for r in results.records if not r.probe.turns), estimates={})
    assert list(found(quiet, "kg")) == ["Another model or corpus"]
    assert (in_short(conditions(quiet, (), "kg")), section(())) == ("", None)


def test_the_paragraph_ends_with_what_turns_it(traded: Results) -> None:
    text = recommend(traded, compare(traded)).text
    assert " It could be decided if most questions were recall (choose sft)" in text
    assert text.endswith(".")


def test_a_plateau_begins_where_recall_stays_within_the_last_interval() -> None:
    def points(*values: float) -> list[Point]:
        return [Point(n, 1.0, Estimate(v, v - 0.1, v + 0.1, 50), n) for n, v in enumerate(values, start=1)]

    assert plateau(points(0.1, 0.75, 0.6, 0.78, 0.8)) == 4
    assert math.isnan(plateau(points(0.1, 0.3, 0.5)))
    assert math.isnan(plateau(points(0.5)))


def test_who_is_sooner_built_and_sooner_asked_is_cheaper_at_any_volume(tmp_path: Path) -> None:
    slow, quick = MEEK._replace(build_s=900.0, answer_s=0.5), SKILLS["rag"]._replace(build_s=1.0, answer_s=0.05)
    told = found(read(make_run(tmp_path, {"rag": quick, "kg": slow}, n=40)), "kg")
    assert told["Machine time counts more than right answers"].turns == (
        "if machine time alone counted (rag however many questions)"
    )


def test_a_reader_that_could_not_overtake_is_no_condition(tmp_path: Path) -> None:
    skills = {"rag": Skill(0.3, 0.1, 0.1, 0.0, 1, 1), "kg": MEEK, "oracle": Skill(0.97, 0.1, 0.1, 0.0, 0, 1)}
    assert "A model that reads better" not in found(read(make_run(tmp_path, skills, n=40)), "kg")
