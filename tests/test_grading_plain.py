"""Probes of no relation: graded by what their gold values are, quantities, days or words."""

import pytest
from conftest import make_toy_corpus

from kinject.grading import Grader
from kinject.types import Probe

GRADER = Grader(make_toy_corpus())
WORDS = ("Which city is it?", ("Paris", "City of Light"))
NUMBER = ("How many are there?", ("27",))
LENGTH = ("How tall is it?", ("330 m",))
YEAR = ("In which year was it built?", ("1862",))
DAY = ("When was it?", ("3 May 2024",))
FLAG = ("Is it open?", ("No",))
REFUSAL = ("How tall is it?", ())


@pytest.mark.parametrize(
    ("asked", "answer", "expected"),
    [
        (WORDS, "It is paris, of course.", "correct"),
        (WORDS, "the City of Light", "correct"),
        (WORDS, "Parisian", "incorrect fabricated"),
        (WORDS, "not Paris", "incorrect unparsed"),
        (WORDS, "I don't know.", "not_attempted"),
        (WORDS, "I don't know, perhaps Paris.", "not_attempted"),
        (NUMBER, "27 apples", "correct"),
        (NUMBER, "27 kg", "correct"),
        (NUMBER, "twenty-seven", "correct"),
        (NUMBER, "27 or 28", "incorrect several"),
        (NUMBER, "26", "incorrect in_domain"),
        (LENGTH, "0.33 km", "correct"),
        (LENGTH, "330 kg", "incorrect fabricated"),
        (YEAR, "In May 1862", "correct"),
        (YEAR, "1862 or 1863", "incorrect several"),
        (DAY, "on 2024-05-03", "correct"),
        (FLAG, "No.", "correct"),
        (FLAG, "I have no idea.", "not_attempted"),
        (REFUSAL, "I don't know.", "not_attempted"),
        (REFUSAL, "43 m", "incorrect fabricated"),
    ],
)
def test_a_probe_without_a_relation_is_graded_by_its_gold(asked, answer, expected):
    question, gold = asked
    verdict = GRADER.grade(answer, Probe("p", "own", question, gold))
    assert f"{verdict.outcome} {verdict.error}".strip() == expected


def test_a_bare_number_is_a_year_only_where_one_is_asked_for():
    probe = Probe("p", "own", "How many steps are there?", ("2000",))
    assert GRADER.grade("2,000", probe).outcome == "correct"
