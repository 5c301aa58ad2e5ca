"""Probes that take several facts to answer: their gold, their wording, and how answers to them are graded."""

import random
import re
from collections import Counter
from decimal import Decimal

import pytest
from conftest import make_toy_corpus
from langchain_core.tools import BaseTool

from kinject.corpus import Corpus, find, load
from kinject.grading import Grader
from kinject.lab import names
from kinject.probes import aggregate, compare, multihop
from kinject.probes._measuring import Scale
from kinject.systems.kg.graph import Graph
from kinject.systems.kg.tools import make_tools
from kinject.types import Document, Fact, Outcome, Relation

TOY, CATALOG, PRESIDENTS = make_toy_corpus(), load(find("catalog")), load(find("presidents"))
CORPORA = [pytest.param(TOY, id="toy"), pytest.param(CATALOG, id="catalog"), pytest.param(PRESIDENTS, id="presidents")]
OWN_FRAMES = {
    "links": multihop.PHRASES,
    "what": multihop.OPEN_PHRASES,
    "among": aggregate.AMONG,
    **{f"aggregate {name}": frames for name, frames in aggregate.FRAMES.items()},
    **{f"compare {name}": frames for name, frames in compare.FRAMES.items()},
}


def make(family, corpus, n=200):
    return family.make(corpus, n, random.Random(0))


def by_id(corpus):
    return {fact.id: fact for fact in corpus.facts}


def tools(corpus) -> dict[str, BaseTool]:
    return {tool.name: tool for tool in make_tools(Graph(corpus), "all")}


@pytest.mark.parametrize("family", [multihop, aggregate, compare])
def test_a_corpus_without_entities_and_numbers_has_nothing_to_ask(family):
    relation = Relation("slogan", "text", ("{subject} {object}",), ("w {subject}",), ("t {subject}",))
    facts = tuple(Fact(name, name, "slogan", f"says {name}", "d") for name in "ABC")
    assert make(family, Corpus("x", (Document("d", "t"),), facts, (relation,))) == []


@pytest.mark.parametrize("name", OWN_FRAMES)
def test_there_are_six_ways_to_ask_and_no_lesson_uses_one(name):
    own, rng, table = OWN_FRAMES[name], random.Random(0), names.lexicon()
    lessons = [frames for sort, frames in table["frames"].items() if not sort.startswith("exam_")]
    texts = [text for frames in (*lessons, *table["composed"].values()) for text in frames]
    taught = {plain(names.filled(rng, text)) for text in texts for _ in range(10)}
    assert len(own) >= 6
    assert {plain(frame) for frame in own} & taught == set()


def plain(frame):
    return re.sub(r"\{\w+\}", "zqz", frame).casefold().rstrip(".?!")


@pytest.mark.parametrize("corpus", CORPORA)
def test_hops_lead_from_the_entity_that_is_named_to_the_gold_answer(corpus):
    facts = by_id(corpus)
    for probe in make(multihop, corpus):
        hops = [facts[id] for id in probe.facts]
        assert [hop.subject for hop in hops] == [probe.subject, *(hop.object for hop in hops[:-1])]
        assert (probe.variant, probe.gold[0], probe.relation) == (str(len(hops)), hops[-1].object, hops[-1].relation)
        assert len({probe.subject, *(hop.object for hop in hops)}) == len(hops) + 1
        assert not any(hop.object in probe.question for hop in hops[:-1])


@pytest.mark.parametrize("corpus", CORPORA)
def test_following_the_relations_with_the_tools_ends_at_the_gold_answer(corpus):
    facts, path = by_id(corpus), tools(corpus)["path"]
    for probe in make(multihop, corpus):
        told = path.invoke({"entity": probe.subject, "relations": [facts[id].relation for id in probe.facts]})
        assert told.splitlines()[-1].split(" | ")[2] == probe.gold[0]


@pytest.mark.parametrize("corpus", CORPORA)
def test_two_hops_and_three_are_asked_alike(corpus):
    counts = Counter(probe.variant for probe in make(multihop, corpus, 40))
    assert min(counts["2"], counts["3"]) >= 12


def test_a_description_stands_at_the_end_of_a_description():
    for probe in make(multihop, CATALOG):
        assert "compatible with to be" not in probe.question
        assert "compatible with is compatible" not in probe.question
        assert "compatible with's" not in probe.question


def test_nobody_is_asked_for_those_with_something_as_compatible_with():
    assert [p for p in make(aggregate, CATALOG, 2_000) if "compatible with" in p.question] == []


def test_a_relation_with_an_open_ending_is_not_called_the_relation_of():
    asked = [p.question for p in make(multihop, CATALOG) if by_id(CATALOG)[p.facts[0]].relation == "compatible with"]
    assert asked
    assert not any("the compatible with" in question or "'s compatible" in question for question in asked)


@pytest.mark.parametrize("corpus", CORPORA)
def test_the_tools_compute_the_gold_figures(corpus):
    facts, call = by_id(corpus), tools(corpus)["aggregate"]
    for probe in make(aggregate, corpus):
        arguments = {"function": probe.variant, "relation": probe.relation}
        group = facts[probe.facts[-1]]
        if probe.variant == "count" or group.relation != probe.relation:
            arguments |= {"where": group.relation, "value": group.object}
        told = call.invoke(arguments).splitlines()
        column = 0 if probe.variant in ("max", "min") else 2
        assert [line.split(" | ")[column] for line in told] == [probe.gold[0]], (probe, told)


@pytest.mark.parametrize("corpus", CORPORA)
def test_the_tools_compare_to_the_gold_entity(corpus):
    facts, call = by_id(corpus), tools(corpus)["compare"]
    for probe in make(compare, corpus):
        one, other = (facts[id].subject for id in probe.facts)
        function = "max" if probe.variant in ("more", "later") else "min"
        told = call.invoke({"function": function, "relation": probe.relation, "first": one, "second": other})
        assert told.split(" | ")[0] == probe.gold[0]
        assert not told.endswith("equal")


def test_figures_are_asked_for_in_every_way():
    assert Counter(probe.variant for probe in make(aggregate, CATALOG, 50)) == dict.fromkeys(aggregate.VARIANTS, 10)
    assert set(Counter(probe.variant for probe in make(compare, CATALOG, 50))) == set(compare.VARIANTS)


def test_what_is_tied_is_not_asked_for():
    relation = Relation("weight", "number", ("{subject} {object}",), ("w {subject}",), ("t {subject}",), unit="kg")
    facts = tuple(Fact(name, name, "weight", value, "d") for name, value in (("A", "1 kg"), ("B", "1000 g")))
    corpus = Corpus("x", (Document("d", "t"),), facts, (relation,))
    assert make(aggregate, corpus) == make(compare, corpus) == []


@pytest.mark.parametrize(
    ("number", "decimals", "written"),
    [("3.41000", 4, "3.41 kg"), ("100", 2, "100 kg"), ("0.0833333", 4, "0.08333 kg"), ("-0.5", 2, "-0.5 kg")],
)
def test_a_figure_is_written_as_the_tools_write_it(number, decimals, written):
    scale = Scale(TOY.relation("weight"), "kg", ())
    assert scale.written(Decimal(number), decimals) == written


def verdicts(corpus, probe, *answers):
    return [Grader(corpus).grade(answer, probe).outcome is Outcome.CORRECT for answer in answers]


def test_a_count_is_graded_as_a_number_of_things():
    probe = next(p for p in make(aggregate, TOY) if p.variant == "count" and "steel" in p.question)
    assert probe.gold == ("3",)
    right = ("3", "3 entries", "There are 3 with steel.", "steel: 3")
    assert verdicts(TOY, probe, *right, "4", "steel", "3 or 4", "I don't know.") == [True] * 4 + [False] * 4


def test_a_count_of_a_number_is_not_that_number():
    probe = next(p for p in make(aggregate, CATALOG, 400) if p.variant == "count" and p.relation == "warranty")
    (number,) = probe.gold
    said = (f"{number} products have a warranty of {probe.subject}.", f"They have a warranty of {probe.subject}.")
    assert verdicts(CATALOG, probe, *said) == [True, False]


def test_the_one_that_is_less_may_be_named_as_the_measure():
    probe = next(p for p in make(compare, TOY) if p.variant == "more")
    name = probe.subject
    other = next(f.subject for f in TOY.facts if f.id in probe.facts and f.subject != name)
    right = (name, f"{name} has more than {other}.", f"{name} (170 g) is ahead of it, not {other}.")
    wrong = (other, f"{name} and {other}", f"{other} has more than {name}.")
    assert verdicts(TOY, probe, *right, *wrong) == [True] * 3 + [False] * 3


def test_the_other_one_is_confused_and_never_stale():
    grader, facts = Grader(CATALOG), by_id(CATALOG)
    for probe in make(compare, CATALOG, 60):
        assert grader.grade(facts[probe.facts[1]].subject, probe).error == "confused"


def test_the_entities_on_the_way_may_be_named():
    probe = next(p for p in make(multihop, TOY) if p.relation == "companion" and p.variant == "2")
    middle = by_id(TOY)[probe.facts[0]].object
    said = (f"{probe.subject} leads to {middle}, whose companion is {probe.gold[0]}.", middle, probe.subject)
    assert verdicts(TOY, probe, *said) == [True, False, False]
