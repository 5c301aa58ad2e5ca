import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinject.systems._names import NameIndex, Resolution, fold

PRODUCTS = NameIndex(
    ["Vantor 300", "Vantor 200", "Vantor 300 Pro", "Borealis Lantern", "Abraham Lincoln", "Andrew Johnson"],
    [("Old Abe", "Abraham Lincoln"), ("Johnson", "Lyndon B. Johnson")],
)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Vantor 300", "Vantor 300"),
        ("vantor-300", "Vantor 300"),
        ("the Vantor 300's", "Vantor 300"),
        ("VANTOR 300 PRO", "Vantor 300 Pro"),
        ("Vanttor 300", "Vantor 300"),
        ("Borealis Lantren", "Borealis Lantern"),
        ("old abe", "Abraham Lincoln"),
        ("Lincoln", "Abraham Lincoln"),
    ],
)
def test_a_name_is_found_in_another_spelling(name, meant):
    assert PRODUCTS.resolve(name) == Resolution(meant)


@pytest.mark.parametrize("name", ["Vantor 310", "Vantor 30", "Vantor 300 Max", "Ventar 300", "Borealis", "", "!"])
def test_a_look_alike_is_no_entity(name):
    index = NameIndex(["Vantor 300", "Vantor 300 Pro", "Borealis 4"])
    assert index.resolve(name) == Resolution()


def test_a_word_that_another_name_has_is_no_misspelling():
    index = NameIndex(["Skarnix 110", "Skarnax 115"])
    assert [index.resolve(name) for name in ("Skarnix 115", "Skarnux 115")] == [Resolution(), Resolution("Skarnax 115")]


def test_an_ambiguous_name_lists_what_it_could_mean():
    assert PRODUCTS.resolve("Vantor") == Resolution(candidates=("Vantor 300", "Vantor 200", "Vantor 300 Pro"))


def test_an_exact_name_wins_over_names_that_differ_in_punctuation_only():
    index = NameIndex(["A-1", "A 1"])
    assert [index.resolve("A 1"), index.resolve("a/1")] == [Resolution("A 1"), Resolution(candidates=("A-1", "A 1"))]


def test_an_acronym_is_the_same_with_and_without_stops():
    assert [fold("U.S.A."), fold("the USA"), fold("J. R. Doe")] == ["usa", "usa", "j r doe"]


def test_one_syllable_of_a_chinese_name_is_not_a_misspelling():
    assert NameIndex(["东京电力公司"]).resolve("东京电气公司") == Resolution()


@pytest.mark.parametrize("name", ["'; DROP TABLE facts; --", "a\0b", "`x`", "x" * 10_000, "\u202e", "((((", "%s%n"])
def test_hostile_names_are_unknown_names(name):
    assert PRODUCTS.resolve(name) == Resolution()


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)).split() in (fold(text).split(), fold(text).split()[1:])
