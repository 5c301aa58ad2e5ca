"""What the shipped corpora promise of themselves."""

import os
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from kinject.corpus import Corpus, find, load, parse_day
from kinject.types import Fact, Relation

NAMES = ("catalog", "presidents")


@cache
def shipped(name: str) -> Corpus:
    return load(find(name))


@pytest.fixture(params=NAMES)
def corpus(request: pytest.FixtureRequest) -> Corpus:
    return shipped(request.param)


@pytest.mark.parametrize("name", NAMES)
def test_build_reproduces_the_files_byte_for_byte(name: str, tmp_path: Path):
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, find(name) / "build.py", tmp_path], check=True, env=environment)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {file: (find(name) / file).read_bytes() for file in made}
    assert len(made) == 4


def test_every_fact_is_stated_in_its_document(corpus: Corpus):
    texts = {document.id: document.text for document in corpus.documents}
    missing = [f for f in corpus.facts if not _states(texts[f.document_id], f.object, f.subject)]
    assert missing == []


def _states(text: str, *names: str) -> bool:
    return all(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in names)


def test_relations_can_be_asked_in_many_ways(corpus: Corpus):
    for r in corpus.relations:
        assert (len(r.statements) >= 6, len(r.train_questions) >= 6, len(r.test_questions) >= 4) == (True, True, True)
        assert len(r.inverse_questions) >= 2
        assert any(r.name in question for question in r.train_questions)


def test_test_questions_share_no_three_words_with_training_questions(corpus: Corpus):
    shared = [t for r in corpus.relations for t in r.test_questions if _trigrams(t) & _trained(r)]
    assert shared == []


def _trained(relation: Relation) -> set[tuple[str, ...]]:
    return set().union(*map(_trigrams, relation.train_questions))


def _trigrams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return set(zip(words, words[1:], words[2:], strict=False))


def test_dated_relations_have_dated_phrasings_of_each_split(corpus: Corpus):
    for name in {fact.relation for fact in corpus.facts if fact.valid_from}:
        r = corpus.relation(name)
        for templates in (r.statements, r.train_questions, r.test_questions, r.inverse_questions):
            assert any("{date}" in template for template in templates)


def test_data_card_counts_the_facts(corpus: Corpus):
    card = (find(corpus.name) / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w ]+) \| [^|]+ \| (\d+) \|", card, re.MULTILINE)
    assert {name: int(n) for name, n in rows} == Counter(fact.relation for fact in corpus.facts)


def test_catalog_has_every_kind_of_relation_and_enough_products():
    catalog = shipped("catalog")
    kinds = {"number", "date", "category", "text", "list", "identifier", "entity"}
    assert {relation.kind for relation in catalog.relations} == kinds
    assert len([e for e in catalog.entities() if catalog.facts_of(e, "launch date")]) >= 150


def test_catalog_pages_have_70_to_150_words():
    catalog = shipped("catalog")
    products = {fact.document_id for fact in catalog.facts if fact.relation == "launch date"}
    lengths = [len(catalog.document(id).text.split()) for id in products]
    assert 70 <= min(lengths) <= max(lengths) <= 150


def test_catalog_prices_follow_each_other_without_a_gap():
    catalog = shipped("catalog")
    histories = [catalog.facts_of(e, "price") for e in catalog.entities()]
    steps = [pair for history in histories for pair in pairwise(history)]
    assert len(steps) > 100
    assert all(old.valid_to == new.valid_from and old.object != new.object for old, new in steps)


def test_catalog_states_some_facts_only_in_passing():
    catalog = shipped("catalog")
    elsewhere = [f for f in catalog.facts if catalog.document(f.document_id).title != f.subject]
    assert len(elsewhere) >= 100
    assert all(f.object not in _own_page_claims(catalog, f) for f in elsewhere if f.relation == "designer")


def _own_page_claims(catalog: Corpus, fact: Fact) -> str:
    return next(d.text for d in catalog.documents if d.title == fact.subject)


def test_catalog_mentions_popular_products_far_more_often():
    catalog = shipped("catalog")
    products = [e for e in catalog.entities() if catalog.facts_of(e, "launch date")]
    mentions = sorted((sum(_states(d.text, p) for d in catalog.documents) for p in products), reverse=True)
    assert mentions[0] >= 10 * mentions[-1] == 10


def test_catalog_leads_from_product_to_designer_to_city():
    catalog = shipped("catalog")
    designers = {f.object for f in catalog.facts if f.relation == "designer"}
    assert len([d for d in designers if catalog.facts_of(d, "home city")]) >= 20
    products = {f.object for f in catalog.facts if f.relation == "compatible with"}
    assert all(catalog.facts_of(p, "launch date") for p in products)


def _president(day: str) -> list[str]:
    facts = shipped("presidents").as_of(parse_day(day)).facts
    return [fact.subject for fact in facts if fact.relation == "president of"]


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("1861", "Abraham Lincoln"),
        ("3 March 1861", "James Buchanan"),
        ("15 April 1865", "Andrew Johnson"),
        ("1890", "Benjamin Harrison"),
        ("1895", "Grover Cleveland"),
        ("1944", "Franklin D. Roosevelt"),
        ("1 November 2026", "Donald Trump"),
    ],
)
def test_president_on_a_day_is_found_from_the_range(day: str, name: str):
    assert _president(day) == [name]


def test_terms_follow_each_other_from_1789_on():
    terms = [f for f in shipped("presidents").facts if f.relation == "president of"]
    terms.sort(key=lambda fact: str(fact.valid_from))
    assert [str(f.valid_to) for f in terms] == [*(str(f.valid_from) for f in terms[1:]), "None"]
    assert len(terms) == 47


def test_no_page_names_a_year_inside_a_term():
    presidents = shipped("presidents")
    for fact in (f for f in presidents.facts if f.relation == "president of"):
        assert fact.valid_from
        end = fact.valid_to.year if fact.valid_to else 2027
        inner = map(str, range(fact.valid_from.year + 1, end))
        assert not any(year in presidents.document(fact.document_id).text for year in inner)
