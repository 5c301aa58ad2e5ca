"""Facts from documents by patterns: none that the text does not state, in a corpus like any other."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from benchmarks import extraction as benchmark
from kinject.cli import app
from kinject.corpus import load, save
from kinject.corpus.phrasing import relation_of
from kinject.corpus.schema import Column
from kinject.errors import CorpusError, KinjectError
from kinject.extraction import Config, Sources, extract, preview, read_sources
from kinject.extraction.passages import passages, sentences
from kinject.extraction.patterns import extractor
from kinject.extraction.values import value_of, without_span
from kinject.types import Document

PAGE = """# Pump X5

The Pump X5 was designed by Ada Weber and weighs 1.2 kg. It costs 40 EUR; from 2019 until 2021 it cost 35 EUR.

## Specifications

- Colour: red
- **Made in**: Spain

| Property | Value |
|---|---|
| Height | 20 cm |

Warranty
: 2 years
"""


def said(text, title="Ava", relations=()):
    """Subject, attribute and value of what is found in a page."""
    found = extractor(relations)([Document("d", text, title)], lambda step: None).claims
    return [(claim.subject, claim.attribute, claim.value) for claim in found]


def facts(text, title="Ava", **options):
    plan = extract(Sources((Document("d", text, title),)), "c", extractor(), Config(**options))
    return {(f.subject, f.relation, f.object, f.valid_from, f.valid_to) for f in plan.corpus.facts}


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Ava weighs 1.2 kg on the scale.", ("Ava", "weight", "1.2 kg")),
        ("It costs $5.", ("Ava", "price", "$5")),
        ("Ava has a battery life of 52 hours.", ("Ava", "battery life", "52 hours")),
        ("The battery life of Ava is 52 hours.", ("Ava", "battery life", "52 hours")),
        ("Its battery life is 52 hours.", ("Ava", "battery life", "52 hours")),
        ("Ava's colour is navy blue.", ("Ava", "colour", "navy blue")),
        ("Ava was launched on 3 May 2021.", ("Ava", "launch date", "3 May 2021")),
        ("The company was founded in 1990 in Bree.", ("Ava", "founding date", "1990")),
        ("Ava was born in Bree.", ("Ava", "born in", "Bree")),
        ("Ava is made of brushed steel, which lasts.", ("Ava", "material", "brushed steel")),
        ("Ava is 12 cm tall.", ("Ava", "height", "12 cm")),
        ("Ava is the capital of Bree.", ("Ava", "capital of", "Bree")),
        ("Bo Lind was her successor.", ("Ava", "successor", "Bo Lind")),
        ("Bo Lind is the director of Ava.", ("Ava", "director", "Bo Lind")),
        ("Party: Whig.", ("Ava", "party", "Whig")),
        ("Her party is recorded as: Whig.", ("Ava", "party", "Whig")),
        ("For Ava, the part number is A-17.", ("Ava", "part number", "A-17")),
        ("By the way, Bo 5 has a weight of 2 kg.", ("Bo 5", "weight", "2 kg")),
        ("Today Bo 5 costs 3 EUR.", ("Bo 5", "price", "3 EUR")),
    ],
)
def test_the_usual_forms_of_sentences_state_facts(sentence, expected):
    assert said(f"Ava is here. {sentence}") == [expected]


@pytest.mark.parametrize(
    "sentence",
    [
        "Ava is one of the best pumps.",
        "The price of Ava is given on request only.",
        "The pegs are included, and so is a patch.",
        "She was called the best.",
        "It weighs a lot.",
        "He said: it is over.",
        "There is a version of Ava in olive.",
        "See https://example.org/a: it is good.",
        "How much does Ava weigh?",
        "Why 42? (no. 5) **",
    ],
)
def test_sentences_that_state_nothing_definite_are_passed_over(sentence):
    assert said(f"Ava is here. {sentence}") == []


def test_one_sentence_can_state_several_facts():
    text = "Made in Spain, Ava, which weighs 2 kg, costs 5 EUR and has a warranty of 1 year."
    expected = {("made in", "Spain"), ("weight", "2 kg"), ("price", "5 EUR"), ("warranty", "1 year")}
    assert {(attribute, value) for _, attribute, value in said(text)} == expected


def test_a_pronoun_is_the_last_one_named_on_a_page_about_many():
    text = "Bo Lind came from Bree. He was born on 3 May 1970."
    assert said(text, "A short guide")[-1] == ("Bo Lind", "birth date", "3 May 1970")


def test_headings_lists_tables_and_definitions_are_read():
    found = {(attribute, value) for subject, attribute, value in said(PAGE, "Pump X5") if subject == "Pump X5"}
    pairs = {("colour", "red"), ("made in", "Spain"), ("height", "20 cm"), ("warranty", "2 years")}
    assert found == pairs | {("designer", "Ada Weber"), ("weight", "1.2 kg"), ("price", "40 EUR"), ("price", "35 EUR")}


def test_a_table_of_things_has_one_a_row():
    text = "| pump | weight | made in |\n|---|---|---|\n| Ava | 2 kg | Spain |\n| Bo | 3 kg | |\n"
    assert said(text, "") == [("Ava", "weight", "2 kg"), ("Ava", "made in", "Spain"), ("Bo", "weight", "3 kg")]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("Ava was president of Bree from 4 March 1861 until 15 April 1865.", date(1861, 3, 4), date(1865, 4, 15)),
        ("Since May 2020, Ava costs 5 EUR.", date(2020, 5, 1), None),
        ("From 2019 until 2021 it cost 5 EUR.", date(2019, 1, 1), date(2021, 1, 1)),
        ("Ava cost 5 EUR until 2021-02-03.", None, date(2021, 2, 3)),
        ("Ava costs 5 EUR.", None, None),
        (
            "On 3 May 2020, Ava became head of Bree, and she held the post until 2021.",
            date(2020, 5, 3),
            date(2021, 1, 1),
        ),
        ("Ava cost 5 EUR from 2021 until 2019.", None, None),
    ],
)
def test_days_of_a_sentence_are_when_the_fact_held(text, start, end):
    assert [found[3:] for found in facts(f"{text} Ava is here.")] == [(start, end)]


def test_what_holds_now_follows_what_is_over():
    found = facts("Ava costs 40 EUR. From 2019 until 2021 it cost 35 EUR.")
    assert {row[2:] for row in found} == {
        ("35 EUR", date(2019, 1, 1), date(2021, 1, 1)),
        ("40 EUR", date(2021, 1, 1), None),
    }


def test_of_values_that_contradict_each_other_the_one_with_more_passages_stays():
    text = "Ava weighs 2 kg. The weight of Ava is 3 kg. Weight: 3 kg."
    assert facts(text) == {("Ava", "weight", "3 kg", None, None)}


def test_values_of_one_attribute_get_one_unit_and_kind():
    found = facts("Ava weighs 2 kg. Bo Lind 5 weighs 850 g. Cy 7 weighs 1 kg.")
    assert {row[2] for row in found} == {"2 kg", "0.85 kg", "1 kg"}


def test_two_entities_are_two_values():
    text = "# Ava\n\nAva is compatible with Bo and Cy.\n\n# Bo\n\nBo weighs 2 kg.\n\n# Cy\n\nCy weighs 3 kg."
    assert {row[:3] for row in facts(text) if row[1] == "compatible with"} == {
        ("Ava", "compatible with", "Bo"),
        ("Ava", "compatible with", "Cy"),
    }


def test_rare_attributes_can_be_left_out():
    text = "Ava weighs 2 kg. Bo 5 weighs 3 kg. Ava has a warranty of 2 years."
    assert {row[1] for row in facts(text, min_facts=2)} == {"weight"}


def test_statements_of_known_relations_are_read_backwards(toy_corpus):
    relation = relation_of(Column("heft", "heft", "fact", "number", "g"), "lamp", is_unique=False)
    assert said("Aldo is listed with the heft 5 g.", "Aldo", (relation,)) == [("Aldo", "heft", "5 g")]
    assert said("Aldo is listed with the heft steel.", "Aldo", (relation,)) == [("Aldo", "heft", "steel")][:0]


def test_a_corpus_keeps_its_facts_and_gets_those_that_were_missing(tmp_path, toy_corpus):
    save(toy_corpus, tmp_path / "toy")
    sources = read_sources([tmp_path / "toy"])
    known = replace(sources, facts=sources.facts[:6])
    plan = extract(known, "more", extractor(), Config())
    assert plan.corpus.day == toy_corpus.day
    assert plan.corpus.facts[:6] == toy_corpus.facts[:6]
    # Aldo is among the facts that were kept: what its page says is no news.
    assert "Aldo" not in {fact.subject for fact in plan.new}
    assert ("Brila", "110 g") in {(fact.subject, fact.object) for fact in plan.new}


def test_every_fact_has_the_passage_that_states_it_and_the_corpus_can_be_studied(tmp_path):
    plan = extract(Sources((Document("p", PAGE, "Pump X5"),)), "pumps", extractor(), Config())
    assert all(fact.object.split()[0] in plan.evidence[fact.id] for fact in plan.new)
    save(plan.corpus, tmp_path / "pumps")
    assert load(tmp_path / "pumps") == plan.corpus
    assert all(r.statements and r.train_questions and r.test_questions for r in plan.corpus.relations)


def test_an_attribute_that_ends_in_a_preposition_is_asked_for_as_people_do():
    relation = relation_of(Column("made in", "made in", "fact", "text"), "pump", is_unique=True)
    assert (relation.train_questions[0], relation.statements[0]) == (
        "What is {subject} made in?",
        "{subject} is made in {object}.",
    )
    assert set(relation.train_questions).isdisjoint(relation.test_questions)


def test_the_preview_shows_what_was_found_and_what_was_not():
    plan = extract(Sources((Document("p", PAGE + "\nNobody knows why.\n", "Pump X5"),)), "x", extractor(), Config())
    shown = preview(plan)
    assert "1 documents -> corpus 'x': 8 facts about 1 entities in 7 relations" in shown
    assert "without a fact\n  Nobody knows why." in shown
    assert f"{plan.covered} of {plan.passages} sentences and lines" in shown


def test_sentences_end_at_full_stops_but_not_behind_initials():
    text = "Chester A. Arthur led the U.S. from 1881. He wrote to Dr. Noe. It cost approx. 5 EUR! Done."
    assert sentences(text) == [
        "Chester A. Arthur led the U.S. from 1881.",
        "He wrote to Dr. Noe.",
        "It cost approx. 5 EUR!",
        "Done.",
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3 May 2021 in Bree", "3 May 2021"),
        ("1,299.50 EUR a piece", "1,299.50 EUR"),
        ("52 hours on a charge", "52 hours"),
        ("15 %", "15 %"),
        ("7 more", "7"),
        ("the United States", "the United States"),
        ("Bree, where it rains", "Bree"),
        ("a lot", ""),
        ("", ""),
    ],
)
def test_a_value_ends_where_another_thing_is_said(text, value):
    assert value_of(text) == value


@given(st.text(max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_text_is_read_without_an_error(text):
    document = Document("d", text, "Ava")
    for claim in extractor()([document], lambda step: None).claims:
        assert claim.quote in {passage.text for passage in passages(document)}
    without_span(text)


@pytest.fixture
def notes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "x5.md").write_text(PAGE, encoding="utf-8")
    (tmp_path / "notes" / "empty.txt").write_text(" \n", encoding="utf-8")
    (tmp_path / "notes" / "photo.png").write_bytes(b"\x89PNG")
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, ["extract", *words], env={"COLUMNS": "100"})


def test_a_folder_of_documents_is_shown_and_written_when_agreed(notes):
    assert run("notes", "--name", "pumps").exit_code == 2
    assert not Path("corpora").exists()
    result = run("notes", "--name", "pumps", "--yes")
    assert result.stdout.splitlines()[-1] == "wrote corpora/pumps; next: kinject study corpora/pumps"
    assert "1 documents are empty and were left out" in result.stdout
    assert len(load(Path("corpora/pumps")).facts) == 8


def test_lines_of_documents_are_read_too(notes):
    row = {"id": "a", "text": "Ava weighs 2 kg.", "title": "Ava"}
    Path("documents.jsonl").write_text(json.dumps(row) + "\n\n" + json.dumps({"text": "Bo."}), encoding="utf-8")
    assert read_sources([Path("documents.jsonl")]).documents == (
        Document("a", "Ava weighs 2 kg.", "Ava"),
        Document("3", "Bo.", ""),
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.md", b"", "no document holds any text: a.md"),
        ("a.md", b"Nobody knows why.", "no fact was found in 1 documents: no sentence was read as stating one"),
        ("a.txt", b"\x00\x01\x02" * 9, "a.txt:1: holds a NUL byte"),
        ("a.txt", b"caf\xe9", "a.txt: not utf-8 at byte 3"),
        ("a.txt", b"x" * (9 << 20), "a.txt has 9 MB; the most is 8 MB a document"),
        (
            "a.pdf",
            b"%PDF",
            "a.pdf has .pdf; documents are .md, .markdown, .txt, .jsonl, .ndjson; a table: kinject import",
        ),
        ("a.jsonl", b'{"name": "Ava"}', "a.jsonl:1: expected an object with a 'text'"),
        ("a.jsonl", b'{"text": ', "a.jsonl:1: not JSON"),
    ],
)
def test_bad_documents_are_one_line_and_nothing_is_written(tmp_path, monkeypatch, name, content, message):
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(content)
    result = run(name, "--name", "x", "--yes")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith(f"kinject: {message}")
    assert not Path("corpora").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["no.md", "--name", "x"], "no file no.md; check the path"),
        (["notes", "--name", "../x"], "'../x' cannot name a corpus"),
        (["notes", "--name", "x", "--set", "min_facts=0"], "min_facts must be at least 1, found 0"),
        (["photos", "--name", "x"], "photos holds no .md, .markdown, .txt"),
        (["notes", "--name", "notes"], "corpora/notes exists already; choose another --name"),
    ],
)
def test_wrong_arguments_are_one_line(notes, words, message):
    Path("photos").mkdir()
    Path("corpora/notes").mkdir(parents=True)
    result = run(*words, "--yes")
    assert (result.exit_code, message in result.stderr.splitlines()[-1]) == (2, True)


def test_sources_of_several_places_have_distinct_ids(notes):
    ids = [document.id for document in read_sources([Path("notes"), Path("notes/x5.md")]).documents]
    assert ids == ["x5.md", "x5.md (2)"]


def test_a_config_says_what_is_wrong_with_it():
    with pytest.raises(ValueError, match="chunk_chars must be at least 1, found 0"):
        Config(chunk_chars=0)
    assert issubclass(CorpusError, KinjectError)


def test_a_number_keeps_the_form_of_its_unit():
    found = facts("Ava has a warranty of 1 year. Bo 5 has a warranty of 2 years. Cy 7 has a warranty of 3 years.")
    assert {row[2] for row in found} == {"1 year", "2 years", "3 years"}


def test_the_benchmark_counts_what_was_found_and_what_was_right(tmp_path, toy_corpus, capsys):
    save(toy_corpus, tmp_path / "toy")
    benchmark.main([str(tmp_path / "toy"), "--limit", "2", "--out", str(tmp_path)])
    result = json.loads((tmp_path / "extraction-toy.json").read_text(encoding="utf-8"))
    # Of six facts a page, all but the two prices are stated in a usual form; one price is.
    assert (result["right"]["value"], result["right"]["n"]) == (1.0, 10)
    assert result["aligned"]["material"] == "material"
    assert "| material " in capsys.readouterr().out
