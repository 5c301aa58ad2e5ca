"""A table of any origin becomes a corpus: what columns mean, how entities are named, what is asked."""

import json
import os
import time
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinject.corpus import load, save
from kinject.corpus.dates import read_day
from kinject.corpus.importing import (
    ImportOptions,
    corpus_of,
    mapping_toml,
    overridden,
    pairs,
    plan,
    preview,
    read_mapping,
)
from kinject.corpus.numbers import Quantity, parse_quantity
from kinject.corpus.preview import cut
from kinject.corpus.schema import humanise
from kinject.corpus.units import Header, convert, header_unit
from kinject.errors import CorpusError

PARTS = """name,sku,id,price,weight_kg,color,made,about,shop
Pump,S-1,1,$5,1.2,red,2024-05-03,"{0}",eu
Pump,S-2,2,$7.50,0.8,blue,2024-06-04,"{0}",eu
"Chain, 50",S-3,3,$9,0.3,red,2023-01-31,"{0}",eu
Saddle/Seat,S-4,4,$12,0.7,red,2022-12-01,"{0}",eu
""".format("A part made to last for many years on roads and on trails, with care for weight, price and repair. ")


def planned(folder, text, entity="name", options=None, name="t.csv"):
    (folder / name).write_text(text, encoding="utf-8")
    return plan(folder / name, "parts", entity, options or ImportOptions())


def column(plan, name):
    return next(c for c in plan.columns if c.name == name)


def kinds(plan):
    return {c.name: c.kind if c.role == "fact" else c.role for c in plan.columns}


def test_columns_are_told_apart_by_what_they_hold(tmp_path):
    found = kinds(planned(tmp_path, PARTS))
    parts = {"name": "entity", "sku": "identifier", "id": "drop", "price": "number", "weight_kg": "number"}
    assert found == parts | {"color": "category", "made": "date", "about": "drop", "shop": "drop"}


def test_units_come_from_cells_and_from_headers(tmp_path):
    found = planned(tmp_path, PARTS)
    price, weight = column(found, "price"), column(found, "weight_kg")
    assert (price.unit, price.example, weight.label, weight.unit, weight.example) == (
        ("USD", "5 USD", "weight", "kg", "1.2 kg")
    )


def test_equal_names_are_told_apart_and_the_telling_value_is_not_asked(tmp_path):
    corpus = corpus_of(planned(tmp_path, PARTS))
    assert corpus.entities() == ("Pump (S-1)", "Pump (S-2)", "Chain, 50", "Saddle/Seat")
    assert corpus.facts_of("Pump (S-1)", "sku") == ()
    assert [f.object for f in corpus.facts_of("Chain, 50", "sku")] == ["S-3"]


def test_a_saved_import_is_the_corpus_that_was_planned(tmp_path):
    corpus = corpus_of(planned(tmp_path, PARTS))
    save(corpus, tmp_path / "parts")
    assert load(tmp_path / "parts") == corpus


def test_every_fact_stands_in_its_document(tmp_path):
    corpus = corpus_of(planned(tmp_path, PARTS))
    documents = {document.id: document.text for document in corpus.documents}
    assert all(f.object in documents[f.document_id] and f.subject in documents[f.document_id] for f in corpus.facts)


def test_every_column_can_be_asked_in_ways_that_were_not_trained(tmp_path):
    for relation in planned(tmp_path, PARTS).relations:
        assert len(relation.statements) >= 6
        assert len(set(relation.train_questions)) >= 6
        assert len(set(relation.test_questions) - set(relation.train_questions)) >= 4
        assert all(relation.name in question for question in relation.test_questions)


def test_only_distinctive_values_are_asked_backwards(tmp_path):
    asked = {r.name for r in planned(tmp_path, PARTS).relations if r.inverse_questions}
    assert asked == {"sku", "price", "weight", "made"}


def test_how_much_it_costs_is_asked_of_prices_only(tmp_path):
    costs = {r.name for r in planned(tmp_path, PARTS).relations if any("cost" in q for q in r.train_questions)}
    assert costs == {"price"}


def test_the_same_seed_writes_the_same_pages(tmp_path):
    texts = [planned(tmp_path, PARTS, options=ImportOptions(seed=seed)).documents for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]


def test_long_text_goes_into_the_page_and_is_no_fact(tmp_path):
    rows = "".join(f'P{n},"{"long story of part " * 9}{n}",c{n % 2}\n' for n in range(4))
    found = planned(tmp_path, f"name,story,c\n{rows}")
    assert kinds(found)["story"] == "document"
    assert "story of part" in found.documents[0].text


def test_decimal_commas_and_day_first_dates_of_a_whole_file(tmp_path):
    text = "\ufeffName;Preis (EUR);Menge;Datum\r\nRad;1.299,00;1.000;03.05.2024\r\nRoller;99,50;2.500;04.05.2024\r\n"
    found = corpus_of(planned(tmp_path, text, "Name"))
    assert [f.object for f in found.facts_of("Rad")] == ["1299.00 EUR", "1000", "3 May 2024"]


def test_another_script_and_direction(tmp_path):
    found = planned(tmp_path, "שם,מחיר,发布日期\nכיסא א,₪10,2024年5月13日\nשולחן,₪20,2024年6月1日\n", "שם")  # noqa: RUF001
    assert [f.object for f in found.facts] == ["10 ILS", "13 May 2024", "20 ILS", "1 June 2024"]
    assert "<U+202B>" in preview(planned(tmp_path, "שם,צ\n\u202bא,1\nב,2\n", "שם"))


def test_units_of_one_dimension_are_converted_with_the_written_form_as_alias(tmp_path):
    found = planned(tmp_path, "name,w\na,1.2 kg\nb,850 g\nc,2 kg\n")
    assert [(f.object, f.aliases) for f in found.facts] == [("1.2 kg", ()), ("0.85 kg", ("850 g",)), ("2 kg", ())]


def test_lists_entities_and_truth_values(tmp_path):
    rows = [{"name": f"P{n}", "tags": ["x", f"y{n}"], "like": f"P{(n + 1) % 4}", "ok": n < 2} for n in range(4)]
    found = planned(tmp_path, json.dumps(rows), name="t.json")
    assert kinds(found) == {"name": "entity", "tags": "list", "like": "entity", "ok": "category"}
    assert [f.object for f in found.facts[:3]] == ["x, y0", "P1", "yes"]


def test_a_doubtful_day_or_number_is_said(tmp_path):
    found = planned(tmp_path, 'name,d,n\na,03/05/2024,"1,299"\nb,04/06/2024,"2,500"\n')
    assert "--date-order mdy" in preview(found)
    assert "--decimal ','" in preview(found)
    told = planned(tmp_path, "name,d\na,03/05/2024\nb,04/06/2024\n", options=ImportOptions(date_order="mdy"))
    assert [f.object for f in told.facts] == ["5 March 2024", "6 April 2024"]


def test_flags_override_what_was_inferred(tmp_path):
    options = ImportOptions({"color": "drop", "sku": "text"}, {"weight_kg": "g"}, {"made": "build day"}, ("id",))
    found = planned(tmp_path, PARTS, options=options)
    assert (kinds(found)["color"], kinds(found)["sku"], kinds(found)["id"]) == ("drop", "text", "identifier")
    assert (column(found, "weight_kg").unit, column(found, "made").label) == ("g", "build day")


def test_a_saved_mapping_decides_the_same_again(tmp_path):
    first = planned(tmp_path, PARTS, options=ImportOptions({"color": "text"}, keep=("id",), seed=3))
    (tmp_path / "mapping.toml").write_text(mapping_toml(first), encoding="utf-8")
    saved = read_mapping(tmp_path / "mapping.toml")
    again = planned(tmp_path, PARTS, saved.entity, saved.options)
    assert (again.documents, again.facts, again.relations) == (first.documents, first.facts, first.relations)


def test_what_is_given_now_goes_over_what_was_saved():
    saved = ImportOptions({"a": "drop", "b": "text"}, delimiter=";")
    assert overridden(saved, ImportOptions({"b": "number"}, keep=("a",))) == ImportOptions(
        {"b": "number"}, keep=("a",), delimiter=";"
    )


def test_a_mapping_with_an_unknown_key_says_so(tmp_path):
    (tmp_path / "corpus.toml").write_text('[import]\nrolls = {a = "drop"}\n', encoding="utf-8")
    with pytest.raises(CorpusError, match="unknown key 'rolls' in"):
        read_mapping(tmp_path / "corpus.toml")


def test_the_preview_shows_columns_rejected_lines_and_three_questions(tmp_path):
    rows = "".join(f"p{n},{n} kg,c{n % 3}\n" for n in range(40))
    found = planned(tmp_path, f"name,w,c\n{rows},1 kg,c1\np,2\n")
    shown = preview(found)
    assert "rejected: 2 of 42 lines" in shown
    assert "t.csv:42: column 'name' is empty" in shown
    assert "t.csv:43: expected 3 columns, found 2" in shown
    assert all(sample.question in shown and sample.gold in shown for sample in found.samples)
    assert len(found.samples) == 3


def test_the_preview_of_large_cells_takes_no_time(tmp_path):
    found = planned(tmp_path, "name,w,note\n" + "".join(f"p{n},{n},{'ab ' * 60_000}\n" for n in range(3)))
    started = time.perf_counter()
    assert f"  {'ab ' * 11}ab\u2026\n" in preview(found)
    assert time.perf_counter() - started < 10


def test_text_is_cut_to_so_many_cells_of_a_terminal():
    assert [cut(text, 4) for text in ("abcd", "abcde", "\u6771\u4eac", "\u6771\u4eac\u90fd", "e\u0301bcd")] == [
        "abcd",
        "abc\u2026",
        "\u6771\u4eac",
        "\u6771\u2026",
        "e\u0301bcd",
    ]


@pytest.mark.parametrize("cell", ["1e+301", "1e+99999999", "1E-9999999999999999999", f"1e+{'9' * 5000}"])
def test_a_power_of_ten_beyond_every_float_is_no_number(cell):
    assert parse_quantity(cell) is None


def test_a_power_of_ten_is_written_out():
    assert [parse_quantity(cell) for cell in ("1e+5", "-2.5e-03")] == [Quantity("100000"), Quantity("-0.0025")]


def test_rows_that_repeat_merge(tmp_path):
    found = planned(tmp_path, "name,c\na,red\na,red\nb,blue\n")
    assert (found.counts["merged"], found.counts["entities"]) == (1, 2)


@pytest.mark.parametrize(
    ("text", "entity", "message"),
    [
        ("name,c\na,red\nb,blue\n", "nmae", r"no column 'nmae' .*did you mean 'name'.*; columns: name, c"),
        ("name,c\na,red\nb,blue\n", "", "say --entity 'name'; columns: name, c"),
        ("name,c\n,red\nb,blue\n", "name", r"t.csv:2: column 'name' is empty.*1 of 2 lines rejected"),
        ("name,c\na,red\nb,blue,1\nd,e\n", "name", r"t.csv:3: expected 2 columns, found 3: 'b,blue,1'"),
        ("name,c,id\na,red,1\na,red,2\nb,blue,3\n", "name", r"t.csv:2 and .*t.csv:3 both name 'a'.*--keep 'id' would"),
        ("name,c\na,red\na,\nb,blue\n", "name", r"t.csv:2 and .*t.csv:3 both name 'a'"),
        ("name,id\na,1\nb,2\nc,3\n", "name", "no column states a fact"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_line(tmp_path, text, entity, message):
    with pytest.raises(CorpusError, match=message) as caught:
        planned(tmp_path, text, entity)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (ImportOptions({"c": "colour"}), "no role 'colour'; choose one of: number, date"),
        (ImportOptions({"c": "number"}), "t.csv:2: column 'c' cannot be a number: found 'red'"),
        (ImportOptions({"name": "text"}), "'name' is the entity"),
        (ImportOptions(units={"cc": "kg"}), "no column 'cc'"),
        (ImportOptions(decimal=";"), "--decimal ';'"),
        (ImportOptions(delimiter=";;"), "--delimiter ';;' is not one character"),
    ],
)
def test_an_option_that_does_not_fit_is_one_line(tmp_path, options, message):
    with pytest.raises(CorpusError, match=message):
        planned(tmp_path, "name,c\na,red\nb,blue\n", options=options)


def test_a_path_that_is_no_table_is_one_line(tmp_path):
    os.mkfifo(tmp_path / "f.csv")
    (tmp_path / "t.xls").touch()
    faults = {"": "is a folder", "no.csv": "no file", "f.csv": "no regular", "t.xls": "known: .csv"}
    for name, message in faults.items():
        with pytest.raises(CorpusError, match=message):
            plan(tmp_path / name, "parts", "name")


def test_more_rejected_lines_are_accepted_when_told(tmp_path):
    found = planned(tmp_path, "name,c\na,red\nb,blue,1\nd,e\n", options=ImportOptions(max_rejected=0.5))
    assert found.counts["rejected"] == 1


def test_flags_name_a_column_and_a_value():
    assert pairs(["a=b=kg", "weight = g"], "--unit") == {"a=b": "kg", "weight": "g"}
    with pytest.raises(CorpusError, match="--unit expects COLUMN=VALUE, found 'kg'"):
        pairs(["kg"], "--unit")


@pytest.mark.parametrize(
    ("text", "decimal", "expected"),
    [
        ("1.2 kg", ".", Quantity("1.2", "kg")),
        ("1.299,00 €", ",", Quantity("1299.00", "EUR")),
        ("$5", ".", Quantity("5", "USD")),
        ("1'299.50 CHF", ".", Quantity("1299.50", "CHF")),
        ("\u22124", ".", Quantity("-4")),
        ("12%", ".", Quantity("12", "%")),
        ("007", ".", None),
        ("LL-3", ".", None),
        ("1,2,3", ".", None),
    ],
)
def test_a_quantity_is_read_as_it_was_meant(text, decimal, expected):
    assert parse_quantity(text, decimal) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("weight_kg", Header("weight", "kg")),
        ("price (EUR)", Header("price", "EUR")),
        ("lead_time_days", Header("lead_time", "days")),
        ("birth_year", Header("birth_year")),
        ("stock_count", Header("stock_count")),
        ("size.h", Header("size.h")),
    ],
)
def test_a_header_tells_a_unit_from_a_word(header, expected):
    assert header_unit(header) == expected


def test_days_are_read_in_digits_and_in_words_of_many_languages():
    day = date(2024, 5, 13)
    texts = ("2024-05-13", "2024-05-13T00:00:00", "13.05.2024", "13 May 2024", "13 mai 2024", "2024年5月13日")
    assert [read_day(text) for text in texts] == [day] * 6
    assert [read_day(text) for text in ("5 m", "2024", "May 2024", "31.02.2024", "Model 2024 X1")] == [None] * 5


def test_a_header_becomes_words():
    names = ("categoryName", "category_name", "size.height", "SKU", "HTTPServer", "{a}")
    assert [humanise(n) for n in names] == ["category name", "category name", "size height", "SKU", "HTTP server", "a"]


_ANY = st.characters(codec="utf-8", exclude_characters="\0")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.text(_ANY, max_size=12)] * 3), min_size=1, max_size=8))
def test_any_text_at_all_is_a_corpus_or_one_line(tmp_path_factory, rows):
    table = [("name", "a", "b"), *rows]
    lines = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in table)
    try:
        corpus_of(planned(tmp_path_factory.mktemp("any"), lines))
    except CorpusError as error:
        assert "\n" not in str(error)  # noqa: PT017 - most tables are fine


@pytest.mark.parametrize("sign", ["+", "(", "m**", "kg*", "/", "2", "\u00bc", "\u037a"])
def test_what_is_no_unit_is_not_converted(sign):
    assert convert(1.0, sign, "kg") is None
    assert convert(1.0, "kg", sign) is None


def test_documents_are_sent_to_the_command_that_reads_them(tmp_path):
    with pytest.raises(CorpusError, match=r"notes\.md has \.md; known: .*; for documents say kinject extract"):
        planned(tmp_path, "# Notes\n", name="notes.md")
