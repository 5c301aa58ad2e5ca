"""What grading costs on answers that are made to be expensive."""

import pytest
from cost import seconds
from test_grading import GRADER, probe_of

HOSTILE = ["1.1 kg or ", "1,", "not ", "Vantor 300 ", "I do not ", "3 May 2024-", "(", "a.b.", "½ "]
HOSTILE += [
    "one hundred ",
    "one thousand and ",
    '1" ',
    '"1',
    "$1\\,",
    "\\text{",
    "_",
    "1?",
    "Vantor 3000, x: ",
    "correction 1 kg ",
]
ASKED = [probe_of(relation) for relation in ("weight", "launch date", "designer", "colours", "SKU")]


def cost(answer: str) -> float:
    return seconds(lambda: [GRADER.grade(answer, probe) for probe in ASKED])


@pytest.mark.parametrize("unit", HOSTILE)
def test_the_cost_of_a_hostile_answer_does_not_grow_with_the_square_of_its_length(unit: str) -> None:
    short, long = (unit * (length // len(unit)) for length in (975, 3_900))
    # Four times the length: linear work costs 4 times as much, quadratic work 16 times.
    assert cost(long) < 10 * cost(short)


@pytest.mark.parametrize("unit", HOSTILE)
def test_an_answer_of_a_megabyte_is_not_read(unit: str) -> None:
    assert GRADER.grade(unit * (1_000_000 // len(unit)), probe_of("weight")).error == "unparsed"
