"""Every format gives the same table, and every damaged file is one line that says where."""

import json

import duckdb
import pytest

from kinject import plugins
from kinject.corpus.importing import FORMATS
from kinject.corpus.table import ReadOptions, Rejected, Row
from kinject.errors import CorpusError

ROWS = [{"name": "Ava, 50", "size.height": "3", "tags": ("a", "b")}, {"name": 'B/o "x"', "size.height": "4"}]
OBJECTS = [
    {"name": "Ava, 50", "size": {"height": 3}, "tags": [{"name": "a", "id": 1}, {"name": "b", "id": 2}]},
    {"name": 'B/o "x"', "size": {"height": 4}, "tags": []},
]


def read(path, options=None):
    module = plugins.load(FORMATS, path.suffix[1:])
    return module.read(path, options) if options else module.read(path)


def written(folder, name, text):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.json", json.dumps(OBJECTS)),
        ("keyed.json", json.dumps({"version": 1, "products": OBJECTS})),
        ("t.jsonl", "\ufeff" + "\r\n".join(map(json.dumps, OBJECTS)) + "\n\n"),
        ("t.ndjson", "\n".join(map(json.dumps, OBJECTS))),
    ],
)
def test_json_in_every_shape_is_one_table(tmp_path, name, text):
    table = read(written(tmp_path, name, text))
    assert [dict(row.cells) for row in table.rows] == ROWS
    assert table.columns == ("name", "size.height", "tags")
    assert table.notes == {"tags": "the names of its objects; left out: id"}


def test_parquet_keeps_what_was_meant_under_a_name_with_brackets(tmp_path):
    path = tmp_path / "t[1].parquet"
    query = (
        "select 'a' as name, 27.12::float as p, {'h': 1} as size, ['x','y'] as l, true as ok, 2.50::decimal(9,2) as d"
    )
    duckdb.execute(f"copy ({query}) to '{path}' (format parquet)")
    cells = {"name": "a", "p": "27.12", "size.h": "1", "l": ("x", "y"), "ok": "true", "d": "2.50"}
    assert read(path).rows == (Row(f"{path} row 1", cells),)


@pytest.mark.parametrize("name", ["t.csv", "t.tsv"])
def test_delimited_text_with_mark_and_carriage_returns(tmp_path, name):
    mark = {"t.csv": ";", "t.tsv": "\t"}[name]
    lines = [["name", "w"], ['"A, ""1"""', "1,2"], ["B", "3,4"]]
    path = written(tmp_path, name, "\ufeff" + "\r\n".join(map(mark.join, lines)) + "\r\n")
    expected = (Row(f"{path}:2", {"name": 'A, "1"', "w": "1,2"}), Row(f"{path}:3", {"name": "B", "w": "3,4"}))
    assert read(path).rows == expected


def test_rows_keep_their_line_behind_a_cell_of_two_lines(tmp_path):
    path = written(tmp_path, "t.csv", 'name,note\na,"one\ntwo"\nb,three\n')
    assert [row.location for row in read(path).rows] == [f"{path}:2", f"{path}:4"]


def test_uneven_lines_are_rejected_with_their_number(tmp_path):
    good = "".join(f"p{n},{n} kg\n" for n in range(58))
    path = written(tmp_path, "t.csv", f"id,w\n{good}x,1,2\n")
    assert read(path).rejected == (Rejected(f"{path}:60", "expected 2 columns, found 3", "x,1,2"),)


@pytest.mark.parametrize("options", [None, ReadOptions(delimiter=";")])
def test_the_line_in_which_excel_names_the_delimiter_is_no_header(tmp_path, options):
    table = read(written(tmp_path, "t.csv", "\ufeffsep=;\r\nname;w\r\nA;1,5\r\n"), options)
    assert (table.columns, table.rows[0].cells) == (("name", "w"), {"name": "A", "w": "1,5"})


def test_columns_of_one_name_all_keep_their_cells(tmp_path):
    table = read(written(tmp_path, "t.csv", "name,a,a 4,a\nX,1,2,3\n"))
    assert table.rows[0].cells == {"name": "X", "a": "1", "a 4": "2", "a 5": "3"}


def test_a_quote_never_closed_costs_its_own_line_only(tmp_path):
    path = written(tmp_path, "t.csv", 'name,w\na,1\n"b,2\nc,3\nd,4\n')
    table = read(path, ReadOptions(delimiter=","))
    assert [row.cells["name"] for row in table.rows] == ["a", "c", "d"]
    assert table.rejected == (Rejected(f"{path}:3", "malformed: a quote is never closed", '"b,2'),)


def test_a_malformed_json_line_may_be_rejected_when_told(tmp_path):
    path = written(tmp_path, "t.jsonl", '{"name":"a"}\n{oops\n')
    found = read(path, ReadOptions(skip_malformed=True)).rejected[0]
    assert (found.location, found.text) == (f"{path}:2", "{oops")


def test_objects_without_a_name_and_null_are_left_out_with_a_note(tmp_path):
    path = written(tmp_path, "t.json", '[{"name":"a","parts":[{"q":1}],"x":null,"ok":true,"n":27.10}]')
    table = read(path)
    assert table.rows[0].cells == {"name": "a", "ok": "true", "n": "27.10"}
    assert table.notes == {"parts": "lists of objects without a name are left out"}
    assert table.columns == ("name", "parts", "x", "ok", "n")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "name~price\na~1\n", r"it looks like one column, 'name~price'; .* say --delimiter '~'"),
        ("t.csv", "name\na\n", "it looks like one column, 'name'"),
        ("t.csv", "name,price\n", r"a header \(name, price\) but no rows"),
        ("t.csv", "", "t.csv is empty"),
        ("t.csv", ",,\n,,\n", "no cell says anything"),
        ("t.csv", b"name,price\ncaf\xe9,2\n", r"not utf-8 at byte 14 \(line 2, 0xe9\)"),
        ("t.csv", "name,price\n".encode("utf-16"), "looks like utf-16"),
        ("t.csv", "name,price\na\0,2\n", "t.csv:2: holds a NUL byte"),
        ("t.csv", f"name,note\na,{'x' * 2_000_000}\n", "t.csv:2: a cell holds more than 1 MB"),
        ("t.jsonl", f'{{"name":"a"}}\n{{"note":"{"x" * 2_000_000}"}}\n', "t.jsonl:2: column 'note' holds 2.0 MB"),
        ("t.jsonl", '{"name":"a"}\n{"name":\n', "t.jsonl:2: not JSON: expecting value"),
        ("t.jsonl", '{"name":"a"} {}\n', "t.jsonl:1: more than one JSON value"),
        ("t.jsonl", "[1]\n", "t.jsonl:1: expected an object"),
        ("t.json", '[\n{"a":1},\n{"a":1 "b":2}]', "t.json:3: not JSON: expecting ',' delimiter at column 8"),
        ("t.json", '[{"a":1}', "t.json:1: not JSON: expected ',' or ']', found the end"),
        ("t.json", '{"a":1}\n{"a":2}\n', r"name the file \.jsonl"),
        ("t.json", '[\n{"a":NaN}]', "t.json:2: NaN is not JSON"),
        ("t.json", '{"x":1,"rows":[\n{"a":1,"a":2}]}', "t.json:2: the key 'a' occurs twice"),
        ("t.json", '[{"a.b":1,"a":{"b":2}}]', "t.json:1: two values for column 'a.b'"),
        ("t.json", "[" * 100_000, "t.json:1: nested too deep"),
        ("t.json", '[{"a":"\\ud800"}]', "half a surrogate pair"),
        ("t.json", '[{"a":"\\u0000"}]', "holds a NUL character"),
        ("t.json", '{"a":[{"x":1}],"b":[{"y":2}]}', r"several lists of objects \(a, b\)"),
        ("t.json", '{"a":1}', "found an object without one"),
        ("t.json", "[]", "the list is empty"),
        ("t.json", "[{}]", "no row has a key; nothing"),
        ("t.json", "[\n1]", r"no row has a key \(.*t.json:2: expected an object\)"),
        ("t.json", '"text"', "expected a list of objects"),
        ("t.parquet", "text", "cannot be read as Parquet"),
    ],
)
def test_a_damaged_file_is_one_line_that_says_where(tmp_path, name, text, message):
    with pytest.raises(CorpusError, match=message) as caught:
        read(written(tmp_path, name, text))
    assert "\n" not in str(caught.value)


def test_one_of_several_lists_can_be_chosen(tmp_path):
    path = written(tmp_path, "t.json", '{"a":[{"x":1}],"b":[{"y":2}]}')
    assert read(path, ReadOptions(records="b")).columns == ("y",)


@pytest.mark.parametrize("name", plugins.names(FORMATS))
def test_every_format_refuses_noise_in_one_line(tmp_path, name):
    with pytest.raises(CorpusError, match=r"t\."):
        read(written(tmp_path, f"t.{name}", bytes(range(256)) * 4))
