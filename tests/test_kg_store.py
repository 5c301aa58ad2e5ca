"""One graph in two ways of keeping facts, and a corpus as a faulty extraction would leave it."""

from dataclasses import replace
from datetime import date

import pytest
from conftest import make_toy_corpus
from hypothesis import given
from hypothesis import strategies as st

from kinject.corpus import Corpus, find, load
from kinject.systems.kg.graph import Graph
from kinject.systems.kg.knobs import degraded
from kinject.types import Document, Fact, Relation

CATALOG = load(find("catalog"))
DAYS = (None, date(2023, 1, 1))
NAMES = ("Ann", "ANN", "Bob", "Cleo Marx", "Cleo Mark", "Dunetta", "3 kg", "")
RELATIONS = tuple(
    Relation(name, kind, ("{subject} {object}",), ("w {subject}",), ("t {subject}",), unit=unit)
    for name, kind, unit in (("mentor", "entity", ""), ("weight", "number", "kg"), ("colours", "list", ""))
)
names, relations = st.sampled_from(NAMES), st.sampled_from([relation.name for relation in RELATIONS])
rows = st.tuples(names.filter(bool), relations, names.filter(bool), st.sampled_from(((), ("Ann",), ("red, blue",))))


def both(corpus):
    graphs = Graph(corpus), Graph(corpus, compact_above=0)
    assert [graph.compact for graph in graphs] == [False, True]
    return graphs


def seen(graph, name, other, relation):
    """All that a graph tells of two names."""
    on_days = [
        (graph.facts(name, relation, day), graph.of_relation(relation, day), graph.with_value(relation, other, day))
        for day in DAYS
    ]
    there = graph.names.resolve(name), graph.around(name), graph.history(name, relation)
    return on_days, there, graph.goes_both_ways(relation), sorted(graph.neighbourhood(name, 2).edges(keys=True))


@given(st.lists(rows, min_size=1, max_size=12), names, names, relations)
def test_both_ways_of_keeping_facts_tell_the_same(said, name, other, relation):
    facts = tuple(
        Fact(str(n), subject, held, value, "d", aliases, None, DAYS[n % 2])
        for n, (subject, held, value, aliases) in enumerate(said)
    )
    plain, compact = both(Corpus("x", (Document("d", "t"),), facts, RELATIONS))
    assert seen(plain, name, other, relation) == seen(compact, name, other, relation)


def test_both_ways_tell_the_same_of_a_whole_catalog():
    plain, compact = both(CATALOG)
    for fact in CATALOG.facts:
        of = (fact.subject, fact.object, fact.relation)
        assert seen(plain, *of)[1] == seen(compact, *of)[1]
        assert plain.with_value(fact.relation, fact.object) == compact.with_value(fact.relation, fact.object)


def test_a_neighbourhood_is_the_entities_within_so_many_facts():
    view = Graph(make_toy_corpus()).neighbourhood("Aldo", 1)
    assert sorted(view.edges()) == [("Aldo", "Brila"), ("Hessa", "Aldo")]
    assert sorted(Graph(make_toy_corpus()).neighbourhood("Aldo", 5, most_facts=1)) == ["Aldo", "Brila", "Hessa"]


def test_more_dropout_only_removes_more():
    lost = [
        {fact.id for fact in CATALOG.facts} - {fact.id for fact in degraded(CATALOG, share, 0.0, 7).facts}
        for share in (0.0, 0.1, 0.3, 1.0)
    ]
    assert lost[0] == set() < lost[1] < lost[2] < lost[3] == {fact.id for fact in CATALOG.facts}
    assert 0.07 < len(lost[1]) / len(CATALOG.facts) < 0.13


def test_another_seed_loses_other_facts():
    one, same, other = (degraded(CATALOG, 0.3, 0.1, seed) for seed in (1, 1, 2))
    assert one == same != other


def test_noise_replaces_an_object_by_another_of_its_relation():
    noisy = {fact.id: fact for fact in degraded(CATALOG, 0.0, 0.2, 0).facts}
    changed = [(fact, noisy[fact.id]) for fact in CATALOG.facts if noisy[fact.id] != fact]
    known = {(fact.relation, fact.object) for fact in CATALOG.facts}
    assert 0.17 < len(changed) / len(CATALOG.facts) < 0.23
    assert all(replace(new, object=old.object, aliases=old.aliases) == old for old, new in changed)
    assert all(new.object != old.object and (new.relation, new.object) in known for old, new in changed)


def test_what_is_misread_does_not_depend_on_what_is_lost():
    whole = {fact.id: fact for fact in degraded(CATALOG, 0.0, 0.2, 0).facts}
    assert all(whole[fact.id] == fact for fact in degraded(CATALOG, 0.5, 0.2, 0).facts)


@pytest.mark.parametrize(("dropout", "noise"), [(0.0, 1.0), (1.0, 1.0)])
def test_the_only_value_of_a_relation_cannot_be_misread(dropout, noise):
    fact = Fact("0", "Ann", "weight", "3 kg", "d")
    corpus = Corpus("x", (Document("d", "t"),), (fact,), RELATIONS)
    assert degraded(corpus, dropout, noise, 0).facts == ((fact,) if dropout < 1 else ())
