from decimal import Decimal

import pytest

from kinject.systems.kg.amounts import Amount, common, read_amount, read_day


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0.24 kg", Amount(Decimal("0.24"), "kg", "", " kg")),
        ("27,5 kg.", Amount(Decimal("27.5"), "kg", "", " kg")),
        ("1,299", Amount(Decimal(1299))),
        ("1.299,00 EUR", Amount(Decimal("1299.00"), "EUR", "", " EUR")),
        ("$1,200", Amount(Decimal(1200), "USD", "$")),
        ("EUR 299", Amount(Decimal(299), "EUR", "EUR ")),
        ("$5 million", Amount(Decimal(5), "USD million", "$", " million")),
        ("-5 \u00b0C", Amount(Decimal(-5), "\u00b0C", "", " \u00b0C")),
        ("12%", Amount(Decimal(12), "%", "", "%")),
        ('5"', Amount(Decimal(5), '"', "", '"')),
        ("2 seats", Amount(Decimal(2), "seat", "", " seats")),
        ("1,234 square kilometres", Amount(Decimal(1234), "square kilometre", "", " square kilometres")),
    ],
)
def test_a_value_is_a_number_with_its_unit_as_it_is_written(text, amount):
    assert read_amount(text) == amount


@pytest.mark.parametrize("text", ["", "unknown", "3-5 kg", "2 x 3 cm", "1/2 cup", "10:30", "about 5 kg", "007", "v2"])
def test_a_range_a_code_and_a_text_are_no_number(text):
    assert read_amount(text) is None


def test_days_are_ordered_whatever_their_form():
    days = [read_day(text).number for text in ("2020-05-01", "2 May 2020", "June 2020", "2021")]
    assert days == sorted(days)
    assert read_day("44 BC") is None


@pytest.mark.parametrize(
    ("text", "unit", "number"),
    [
        ("300 g", "kg", Decimal("0.3")),
        ("2", "kg", Decimal(2)),
        ("2 kg", "m", None),
        ("5 EUR", "USD", None),
        ("5 EUR", "kg", None),
        ("5 seats", "kg", None),
    ],
)
def test_measures_are_converted_and_currencies_are_not(text, unit, number):
    assert read_amount(text).number_in(unit) == number


@pytest.mark.parametrize(
    ("texts", "own", "written"),
    [
        (["300 g", "20 g", "2 kg"], "kg", "7 kg"),
        (["300 g", "20 g", "2 kg"], "m", "7 g"),
        (["1 seat", "2 seats", "3 seats"], "", "7 seats"),
        (["$5", "5 USD", "$6"], "USD", "$7"),
        (["5", "6"], "kg", "7"),
    ],
)
def test_the_common_form_is_the_own_unit_or_else_the_commonest(texts, own, written):
    assert common([read_amount(text) for text in texts], own).written(Decimal(7)) == written


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("3.41000", "3.41"),
        ("2.00004", "2"),
        ("0.083333333", "0.08333"),
        ("0.5", "0.5"),
        ("-0.0", "0"),
        ("1000", "1000"),
        ("1E+6", "1000000"),
        ("123456789012345678901234567890.12345", "123456789012345678901234567890.1234"),
    ],
)
def test_four_decimals_are_written_and_no_exponent(number, written):
    assert Amount(Decimal(1)).written(Decimal(number)) == written
