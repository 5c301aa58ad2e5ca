"""Corpora leave as standard graphs and come back the same; graphs of any other origin are imported as tables are."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import RDF, Graph, Literal, URIRef
from typer.testing import CliRunner

from kinject.cli import app
from kinject.corpus import find, load
from kinject.corpus.graphs.exporting import export, read_back
from kinject.corpus.graphs.stated import completed
from kinject.corpus.graphs.vocabulary import decoded, encoded, literal
from kinject.corpus.importing import ImportOptions, corpus_of, read_table
from kinject.errors import CorpusError, KinjectError, OptionError
from kinject.intake import planned, write

EXTENSIONS = ("ttl", "jsonld", "graphml")
PEOPLE = """
@prefix foaf: <http://xmlns.com/foaf/0.1/> . @prefix schema: <https://schema.org/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<#ada> a foaf:Person ; foaf:name "Ada"@en, "Adà"@it ; foaf:knows <#cy> ; schema:birthDate "1815-12-10"^^xsd:date .
<#cy> a foaf:Person ; foaf:name "Cy" ; foaf:knows <#ada>, <#dee> ; schema:jobTitle "smith" .
<#dee> a foaf:Person ; schema:jobTitle "smith" ; schema:address [ schema:city "Bree" ; schema:no (3 1 2) ] .
"""
DATED = """
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> . @prefix k: <urn:kinject:terms:> .
<#1> a rdf:Statement ; rdf:subject <#Pump> ; rdf:predicate <#price> ; rdf:object "5 EUR" ; k:validTo "2021-01-01" .
<#2> a rdf:Statement ; rdf:subject <#Pump> ; rdf:predicate <#price> ; rdf:object "6 EUR" ; k:validFrom "2021-01-01" .
"""
NODES = """<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="n" for="node" attr.name="label" attr.type="string"/><key id="w" for="node" attr.name="kg" attr.type="double"/>
<key id="e" for="edge" attr.name="label" attr.type="string"/><key id="s" for="edge" attr.name="since" attr.type="int"/>
<graph edgedefault="directed">
<node id="1"><data key="n">Ava</data><data key="w">1.5</data></node><node id="2"><data key="n">Bo</data></node>
<edge source="1" target="2"><data key="e">fits</data><data key="s">3</data></edge><edge source="2" target="1"/>
</graph></graphml>"""


def written(folder, name, text):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / name


def imported(path):
    return corpus_of(planned(path, path.parent / "corpora" / "back", "back", "", ImportOptions()))


def known(fact):
    """A fact but for the order of its aliases, which RDF does not keep."""
    return replace(fact, aliases=tuple(sorted(fact.aliases)))


def cells(path):
    return [dict(row.cells) for row in read_table(path).rows]


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("name", ["toy", "presidents"])
def test_a_corpus_comes_back_with_days_units_aliases_and_document_ids(tmp_path, toy_corpus, name, extension):
    corpus = toy_corpus if name == "toy" else load(find(name))
    export(corpus, tmp_path / f"c.{extension}")
    back = imported(tmp_path / f"c.{extension}")
    assert {known(fact) for fact in back.facts} == {known(fact) for fact in corpus.facts}
    assert {(r.name, r.kind, r.unit) for r in back.relations} == {(r.name, r.kind, r.unit) for r in corpus.relations}
    assert (back.day, back.description) == (corpus.day, corpus.description)


@pytest.mark.parametrize("extension", ["ttl", "jsonld"])
def test_rdf_keeps_phrasings_and_documents_too(tmp_path, toy_corpus, extension):
    export(toy_corpus, tmp_path / f"c.{extension}")
    back = imported(tmp_path / f"c.{extension}")
    assert set(back.documents) == set(toy_corpus.documents)
    assert [set(r.test_questions) for r in sorted(toy_corpus.relations, key=lambda r: r.name)] == [
        set(r.test_questions) for r in back.relations
    ]


def test_pages_made_of_dated_facts_say_when_they_held(tmp_path, toy_corpus):
    export(toy_corpus, tmp_path / "c.graphml")
    text = imported(tmp_path / "c.graphml").document("d0").text
    assert "From 1 January 2022 until 1 January 2024 this held: " in text
    assert "Since 1 January 2024: " in text


def test_only_what_holds_now_is_a_plain_triple_and_numbers_and_days_are_typed(tmp_path, toy_corpus):
    export(toy_corpus, tmp_path / "c.ttl", "https://example.org/")
    graph = Graph().parse(tmp_path / "c.ttl")
    aldo, price, launch = (
        URIRef(f"https://example.org/{end}") for end in ("entity/Aldo", "relation/price", "relation/launch%20date")
    )
    assert [value.n3(graph.namespace_manager) for value in graph.objects(aldo, price)] == ['"20.50"^^xsd:decimal']
    assert [value.toPython() for value in graph.objects(aldo, launch)] == [date(2020, 5, 1)]
    assert len(set(graph.subjects(RDF.type, RDF.Statement))) == len(toy_corpus.facts)


@pytest.mark.parametrize(
    ("text", "kind", "unit", "expected"),
    [
        ("0.20 kg", "number", "kg", "0.20"),
        ("1 year", "number", "years", "1"),
        ("850 g", "number", "kg", "850 g"),
        ("about 5", "number", "kg", "about 5"),
        ("3 May 2024", "date", "", "2024-05-03"),
        ("1990", "date", "", "1990"),
        ("12", "text", "", "12"),
    ],
)
def test_a_value_is_typed_only_where_its_type_says_the_same(text, kind, unit, expected):
    assert str(literal(text, kind, unit)) == expected
    assert literal(text, "text", "") == Literal(text)


@given(st.text(min_size=1))
@settings(max_examples=60, deadline=None)
def test_every_name_has_an_iri_that_gives_it_back(name):
    name = "".join(c for c in name if not "\ud800" <= c <= "\udfff") or "x"
    assert decoded(f"urn:kinject:c:entity/{encoded(name)}") == name
    assert encoded(name).isascii()


def test_names_and_values_of_any_script_survive(tmp_path, toy_corpus):
    odd = 'Ä/"b" <c>: {d}\n%20 \N{SNOWMAN}'
    facts = tuple(replace(f, subject=odd if f.subject == "Aldo" else f.subject) for f in toy_corpus.facts)
    for extension in EXTENSIONS:
        export(replace(toy_corpus, facts=facts), tmp_path / f"c.{extension}")
        assert set(read_back(tmp_path / f"c.{extension}").facts) == set(facts)


def test_what_a_format_cannot_hold_is_not_written(tmp_path, toy_corpus):
    facts = (replace(toy_corpus.facts[0], subject="bell\x07"), *toy_corpus.facts[1:])
    with pytest.raises(CorpusError, match=r"c\.graphml"):
        export(replace(toy_corpus, facts=facts), tmp_path / "c.graphml")
    assert list(tmp_path.iterdir()) == []


def test_people_of_another_vocabulary_are_a_table(tmp_path):
    table = read_table(written(tmp_path, "p.ttl", PEOPLE))
    assert [dict(row.cells) for row in table.rows] == [
        {"name": "Ada", "type": "Person", "knows": "Cy", "birthDate": "1815-12-10"},
        {"name": "Cy", "type": "Person", "knows": ("Ada", "dee"), "jobTitle": "smith"},
        {
            "name": "dee",
            "type": "Person",
            "jobTitle": "smith",
            "address.city": "Bree",
            "address.no": ("3", "1", "2"),
        },
    ]
    assert table.notes == {"name": "texts in another language than 'en' are left out"}


def test_a_foreign_graph_is_imported_without_naming_a_column(tmp_path):
    facts = imported(written(tmp_path, "p.ttl", PEOPLE)).facts
    assert [(f.subject, f.object) for f in facts if f.relation == "birth date"] == [("Ada", "10 December 1815")]


def test_reified_statements_with_days_are_facts_with_days(tmp_path):
    facts = imported(written(tmp_path, "d.ttl", DATED)).facts
    day = date(2021, 1, 1)
    found = [(f.subject, f.relation, f.object, f.valid_from, f.valid_to) for f in facts]
    assert found == [("Pump", "price", "5 EUR", None, day), ("Pump", "price", "6 EUR", day, None)]


def test_products_of_schema_org_are_read_without_its_context(tmp_path):
    product = {"@type": "Product", "name": "Ava", "offers": {"@type": "Offer", "price": 2.50}}
    text = json.dumps({"@context": "https://schema.org/", **product}).replace("2.5", "2.50")
    path = written(tmp_path, "s.jsonld", text)
    assert cells(path) == [{"name": "Ava", "type": "Product", "offers.type": "Offer", "offers.price": "2.50"}]


def test_nodes_have_attributes_and_edges_as_columns(tmp_path):
    table = read_table(written(tmp_path, "g.graphml", NODES))
    expected = [{"name": "Ava", "kg": "1.5", "fits": "Bo"}, {"name": "Bo", "linked to": "Ava"}]
    assert [dict(row.cells) for row in table.rows] == expected
    assert table.notes == {"": "what edges say but their kind is left out: since"}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.ttl", "@prefix a: <b> .\na:x a:y 1 .\na:x a:z \n", r"t\.ttl:3: not Turtle: objectList expected"),
        ("t.ttl", "a:x a:y 3 .", r't\.ttl:1: not Turtle: Prefix "a:" not bound'),
        ("t.ttl", "# nothing\n", "no triples"),
        ("t.ttl", "<a> <b> " + "[ <c> " * 5000 + "1" + "]" * 5000 + " .", "nested too deep"),
        ("t.ttl", "<a> a <b> .\n" + "\0", "NUL"),
        ("t.ttl", DATED.replace("2021-01-01", "2021-13-01"), "has the day '2021-13-01'"),
        ("t.ttl", DATED.replace("rdf:subject <#Pump> ;", ""), "has no rdf:subject"),
        ("t.jsonld", '{"@context":"https://x.org/c","a":1}', "'https://x.org/c' lies elsewhere and is not fetched"),
        ("t.jsonld", '{"@context":{"@import":"file:///c"}}', "'file:///c' lies elsewhere"),
        ("t.jsonld", '{"@context":{"p":{"@id":"x:p","@context":["x:c"]}},"p":{}}', "'x:c' lies elsewhere"),
        ("t.jsonld", '{"@context":{"name":\n 5 x}', r"t\.jsonld:2: not JSON"),
        ("t.jsonld", "[1, 2]", "no triples"),
        ("t.graphml", "<graphml>\n</graph>", r"t\.graphml:2: not XML: mismatched tag"),
        ("t.graphml", "<x/>", "cannot be read as GraphML"),
        ("t.graphml", '\n<!DOCTYPE g [<!ENTITY a "b">]><graphml/>', r"t\.graphml:2: declares a document type"),
        ("t.graphml", '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph/></graphml>', "GraphML|no nodes"),
    ],
)
def test_a_damaged_graph_is_one_line_that_says_where(tmp_path, name, text, message):
    with pytest.raises(KinjectError, match=message) as caught:
        imported(written(tmp_path, name, text))
    assert "\n" not in str(caught.value)


def test_a_graph_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("kinject.corpus.graphs.parsing.MAX_TRIPLES", 3)
    with pytest.raises(CorpusError, match="holds 21 triples; the most is 3"):
        read_table(written(tmp_path, "p.ttl", PEOPLE))
    monkeypatch.setattr("kinject.corpus.graphs.parsing.MAX_BYTES", 10)
    with pytest.raises(CorpusError, match="at most 0 MB can be read"):
        read_table(tmp_path / "p.ttl")


def test_a_graph_that_says_what_its_facts_are_takes_no_options(tmp_path):
    with pytest.raises(OptionError, match="leave out --entity"):
        planned(written(tmp_path, "d.ttl", DATED), tmp_path / "c", "back", "name", ImportOptions())


def test_an_imported_graph_can_be_imported_again(tmp_path):
    path, folder = written(tmp_path, "d.ttl", DATED), tmp_path / "back"
    for _ in range(2):
        write(planned(path, folder, "back", "", ImportOptions()), folder)
    assert len(load(folder).facts) == 2


def test_a_graph_without_pages_is_told_by_subject(tmp_path):
    stated = read_back(written(tmp_path, "d.ttl", DATED))
    assert [(d.id, d.title) for d in completed(stated, "c").documents] == [("about Pump", "Pump")]


def test_export_on_the_command_line_promises_no_more_than_facts_and_replaces_nothing_unasked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(app, ["export", "presidents", "p.ttl"])
    assert said.stdout == "wrote p.ttl: 274 facts, which read back the same\n"
    again = CliRunner().invoke(app, ["export", "presidents", "p.ttl"])
    assert (again.exit_code, "p.ttl exists" in again.stderr) == (2, True)


@pytest.mark.parametrize(
    ("file", "base", "message"),
    [
        ("c.rdf", "", r"c\.rdf has \.rdf; a corpus is exported as \.ttl, \.jsonld, \.graphml"),
        ("no/c.ttl", "", "no folder no; make it first"),
        ("c.ttl", "example.org", "is no IRI that ends"),
        ("c.ttl", "http://a b/", "is no IRI that ends"),
    ],
)
def test_a_bad_export_is_one_line_and_writes_nothing(tmp_path, monkeypatch, toy_corpus, file, base, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KinjectError, match=message):
        export(toy_corpus, Path(file), base)
    assert list(tmp_path.iterdir()) == []
