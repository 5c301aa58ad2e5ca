import time

import pytest

from kinject.systems.kg.calculator import MAX_CHARS, CalculationError, evaluate


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("0.1 + 0.2", "0.3"),
        ("1,200 * 3", "3600"),
        ("1,200,000.50 / 2", "600000.25"),
        ("-(2 - 5) * 1.50", "4.5"),
        ("2 + 3 * 4 - 8 / 2", "10"),
        ("2 \u00d7 3 \u00f7 4 \u2212 1", "0.5"),
        ("10 / 3", "3.333333333"),
        ("1 / 3 * 3", "1"),
        ("0 * -1", "0"),
        ("1 / 3 * 3 - 1", "0"),
        ("(10 / 3) * 3 - 10", "0"),
        ("1 / 8000000", "0.000000125"),
        ("100 * 10", "1000"),
        ("99999999999 * 1", "100000000000"),
        ("--5", "5"),
        (" 7\n", "7"),
    ],
)
def test_arithmetic_is_exact_and_told_in_at_most_ten_digits(expression, value):
    assert evaluate(expression) == value


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("1 / 0", "division by zero"),
        ("0 / (3 - 3)", "division by zero"),
        ("3 kg + 2", "leave out words, units and currencies"),
        ("$5 * 2", "leave out words, units and currencies"),
        ("5% * 2", "leave out words, units and currencies"),
        ("1e9 * 2", "leave out words, units and currencies"),
        ("__import__('os')", "leave out words, units and currencies"),
    ],
)
def test_what_has_no_value_says_why(expression, reason):
    with pytest.raises(CalculationError, match=reason):
        evaluate(expression)


@pytest.mark.parametrize(
    "expression",
    [
        *("", "2 +", "(2", "()", "...", "2 3", "2(3)", "(2)(3)", "1.2.3", "007", "9 ** 9", "9 // 2", "+5", "#1"),
        *("2 = 2", "1,2", "1,20 * 2", "1.200,500", "(1, 2)", "[1]", "1\x002", "\u0663 + 1"),
    ],
)
def test_what_is_no_arithmetic_is_told_what_is(expression):
    with pytest.raises(CalculationError, match="write it with numbers"):
        evaluate(expression)


def test_an_expression_may_have_eighty_characters():
    assert evaluate("1+" * (MAX_CHARS // 2 - 1) + "11") == "50"
    with pytest.raises(CalculationError, match="longer than 80 characters"):
        evaluate("1+" * (MAX_CHARS // 2) + "1")


@pytest.mark.parametrize("expression", ["(" * 39 + "1" + ")" * 39, "-" * 79 + "1", "9*" * 39 + "9", "9" * 80])
def test_the_hardest_expressions_take_no_time(expression):
    started = time.process_time()
    evaluate(expression)
    assert time.process_time() - started < 0.1
