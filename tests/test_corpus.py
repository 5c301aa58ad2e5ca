"""What a corpus promises: clear refusals, half-open ranges, whole files."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from kinject.corpus import Corpus, find, format_day, load, parse_day, questions, save
from kinject.errors import CorpusError, UnknownNameError
from kinject.types import Document, Fact, Relation

PRICE = Relation("price", "number", ("{subject} costs {object}.",), ("Price of {subject}?",), ("Cost of {subject}?",))
OLD = Fact("f1", "Aldo", "price", "3 EUR", "d", valid_from=date(2020, 1, 1), valid_to=date(2021, 1, 1))
NEW = Fact("f2", "Aldo", "price", "4 EUR", "d", valid_from=date(2021, 1, 1))
LAMP = Corpus("lamps", (Document("d", "Aldo was 3 EUR, now 4 EUR."),), (OLD, NEW), (PRICE,), date(2026, 11, 1))


def test_fact_ends_before_its_last_day():
    assert LAMP.as_of(date(2020, 12, 31)).facts == (OLD,)
    assert LAMP.as_of(date(2021, 1, 1)).facts == (NEW,)
    assert LAMP.as_of(date(2019, 12, 31)).facts == ()


def test_now_is_the_day_of_the_corpus_or_else_what_has_no_end():
    assert LAMP.current().facts == (NEW,)
    assert replace(LAMP, day=date(2020, 6, 1)).current().facts == (OLD,)
    assert replace(LAMP, day=None).current().facts == (NEW,)


def test_lookups_find_by_name_and_keep_the_order():
    other = replace(NEW, id="f3", subject="Brila")
    corpus = replace(LAMP, facts=(OLD, other, NEW))
    assert corpus.entities() == ("Aldo", "Brila")
    assert corpus.facts_of("Aldo", "price") == (OLD, NEW)
    assert corpus.facts_of("Nobody") == ()
    assert (corpus.relation("price"), corpus.document("d")) == (PRICE, LAMP.documents[0])


def test_unknown_relation_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match="no relation 'colour' in corpus 'lamps'; choose one of: price"):
        LAMP.relation("colour")
    with pytest.raises(UnknownNameError, match="no document 'x' among the 1 of corpus 'lamps'"):
        LAMP.document("x")


def test_fingerprint_changes_with_content_and_not_with_the_name():
    assert LAMP.fingerprint() == replace(LAMP, name="other", description="words").fingerprint()
    changed = (replace(LAMP, facts=(NEW,)), replace(LAMP, day=None), replace(LAMP, documents=(Document("d", "x"),)))
    assert len({LAMP.fingerprint(), *(corpus.fingerprint() for corpus in changed)}) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"facts": (replace(NEW, relation="mass"),)}, "fact 'f2' has the unknown relation 'mass'; known: price"),
        ({"facts": (replace(NEW, document_id="e"),)}, "fact 'f2' points to document 'e', which does not exist"),
        ({"facts": (NEW, NEW)}, "fact id 'f2' occurs 2 times"),
        ({"documents": (*LAMP.documents, *LAMP.documents)}, "document id 'd' occurs 2 times"),
        ({"relations": (PRICE, PRICE)}, "relation 'price' occurs 2 times"),
        ({"relations": (replace(PRICE, name=""),), "facts": ()}, "empty relation"),
    ],
)
def test_dangling_references_are_refused_at_once(change: dict, message: str):
    with pytest.raises(CorpusError, match=message):
        replace(LAMP, **change)


@pytest.mark.parametrize(
    ("fact", "message"),
    [
        (replace(NEW, object=" "), "fact 'f2' has an empty object"),
        (replace(NEW, subject=""), "fact 'f2' has an empty subject"),
        (replace(NEW, valid_to=date(2021, 1, 1)), "fact 'f2' never holds: 2021-01-01 to 2021-01-01 is empty"),
        (replace(NEW, valid_from=date(2020, 12, 31)), "facts 'f1' .* and 'f2' .* both give the price of 'Aldo'"),
        (replace(NEW, valid_from=None), "facts 'f2' .* and 'f1' .* both give the price"),
    ],
)
def test_facts_that_cannot_be_are_refused(fact: Fact, message: str):
    with pytest.raises(CorpusError, match=message):
        replace(LAMP, facts=(OLD, fact)).check()


def test_several_values_at_once_are_for_lists_and_entities():
    both = (replace(OLD, valid_to=None), NEW)
    replace(LAMP, relations=(replace(PRICE, kind="list"),), facts=both).check()
    with pytest.raises(CorpusError, match="both give the price"):
        replace(LAMP, relations=(replace(PRICE, kind="category"),), facts=both).check()
    twice = (both[0], replace(NEW, object="3 EUR"))
    with pytest.raises(CorpusError, match="both give the price"):
        replace(LAMP, relations=(replace(PRICE, kind="list"),), facts=twice).check()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"statements": ("{subject} is dear.",)}, r"statements: '{subject} is dear.' lacks {object}"),
        ({"train_questions": ("How much?",)}, r"train_questions: 'How much\?' lacks {subject}"),
        ({"test_questions": ("Is {subject} {object}?",)}, r"holds {object}; it may hold {date}, {subject}"),
        ({"inverse_questions": ("Who costs {price}?",)}, "lacks {object}"),
        ({"train_questions": ("Cost of {subject} on {date}?",)}, "no train_questions without a date"),
        ({"statements": ()}, "no statements without a date"),
        ({"test_questions": ("PRICE of {subject}!",)}, "which relation 'price' trains on; reword one"),
        ({"kind": "colour"}, "unknown kind 'colour'; known: number, date"),
    ],
)
def test_bad_templates_are_refused(change: dict, message: str):
    with pytest.raises(CorpusError, match=message):
        replace(LAMP, relations=(replace(PRICE, **change),)).check()


def test_corpus_without_facts_is_refused_on_save(tmp_path: Path):
    with pytest.raises(CorpusError, match="no facts"):
        save(replace(LAMP, facts=()), tmp_path / "empty")
    assert list(tmp_path.iterdir()) == []


def test_dated_questions_are_made_where_there_are_none():
    dated = replace(PRICE, train_questions=("Price of {subject}?", "Price of {subject} on {date}?"))
    assert questions(dated) == ("Price of {subject}?",)
    assert questions(dated, dated=True) == ("Price of {subject} on {date}?",)
    assert questions(dated, "test", dated=True) == ("As of {date}: Cost of {subject}?",)
    assert questions(dated, "inverse") == ()


def test_saved_corpus_is_the_same_when_loaded(tmp_path: Path, toy_corpus: Corpus):
    for corpus in (toy_corpus, replace(LAMP, day=None, description='with "quotes" and €')):
        save(corpus, tmp_path / "deep" / "one")
        assert load(tmp_path / "deep" / "one") == corpus
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["one"]


def test_file_is_not_overwritten_by_a_corpus(tmp_path: Path):
    (tmp_path / "lamps.csv").write_text("name", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"lamps.csv is a file; a corpus is saved as a folder"):
        save(LAMP, tmp_path / "lamps.csv")


def test_saving_again_leaves_other_files_alone(tmp_path: Path):
    (tmp_path / "README.md").write_text("mine", encoding="utf-8")
    save(LAMP, tmp_path)
    names = ["README.md", "corpus.toml", "documents.jsonl", "facts.jsonl", "relations.jsonl"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_save_that_is_cut_off_leaves_no_mixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    save(LAMP, tmp_path)
    monkeypatch.setattr(Path, "replace", _full_disk)
    with pytest.raises(OSError, match="disk full"):
        save(replace(LAMP, facts=(NEW,)), tmp_path)
    with pytest.raises(CorpusError, match=r"no corpus.toml in"):
        load(tmp_path)


def _full_disk(self: Path, target: Path) -> Path:
    raise OSError("disk full")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"facts.jsonl:3: not JSON: .* at column 2"),
        ("[1]", r"facts.jsonl:3: the line: "),
        ('{"id": "x"}', "facts.jsonl:3: subject: "),
        ('{"colour": "red"}', "facts.jsonl:3: unknown field 'colour'"),
        (json.dumps({"id": "x", "valid_from": "soon"}), "facts.jsonl:3: "),
    ],
)
def test_bad_line_is_named_by_file_and_number(tmp_path: Path, line: str, message: str):
    save(LAMP, tmp_path)
    with (tmp_path / "facts.jsonl").open("a", encoding="utf-8") as file:
        file.write(line)
    with pytest.raises(CorpusError, match=message):
        load(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"name = ", "corpus.toml: "), (b"name = 3", "corpus.toml: name: "), (b'name = "\xff"', "not utf-8 at byte 8")],
)
def test_bad_header_is_named(tmp_path: Path, content: bytes, message: str):
    save(LAMP, tmp_path)
    (tmp_path / "corpus.toml").write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        load(tmp_path)


def test_find_takes_a_folder_or_a_shipped_name(tmp_path: Path):
    save(LAMP, tmp_path / "mine")
    assert find(str(tmp_path / "mine")) == tmp_path / "mine"
    assert load(find("catalog")).name == load(find("corpora/catalog/")).name == "catalog"
    with pytest.raises(UnknownNameError, match=r"no corpus 'catalogue' \(did you mean 'catalog'\?\)"):
        find("catalogue")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-05-03", date(2024, 5, 3)),
        ("3 May 2024", date(2024, 5, 3)),
        ("May 3, 2024", date(2024, 5, 3)),
        (" 3rd of sept 1999 ", date(1999, 9, 3)),
        ("March 1861", date(1861, 3, 15)),
        ("1861-03", date(1861, 3, 15)),
        ("1861", date(1861, 7, 1)),
    ],
)
def test_days_are_read_as_people_write_them(text: str, day: date):
    assert parse_day(text) == day


@pytest.mark.parametrize("text", ["yesterday", "30 February 2020", "", "3/4/2020", "0000", "2020-13"])
def test_what_is_no_day_is_refused(text: str):
    with pytest.raises(CorpusError, match="day"):
        parse_day(text)


def test_written_day_is_read_back():
    assert format_day(date(2024, 5, 3)) == "3 May 2024"
    assert parse_day(format_day(date(2024, 12, 31))) == date(2024, 12, 31)
