"""Paraphrase, reverse, selection, false premises and what is outside the corpus: what they ask and how it is graded."""

import random
import re
from collections import defaultdict
from dataclasses import replace

import pytest
from conftest import make_toy_corpus

from kinject.corpus import Corpus, find, load
from kinject.grading import Grader
from kinject.lab import names
from kinject.probes import paraphrase, reverse
from kinject.probes._phrasing import Unseen
from kinject.types import Answer, Document, Fact, Outcome, Probe, Record, Relation, Verdict

TOY, CATALOG, PRESIDENTS = make_toy_corpus(), load(find("catalog")), load(find("presidents"))
CORPORA = [pytest.param(TOY, id="toy"), pytest.param(CATALOG, id="catalog"), pytest.param(PRESIDENTS, id="presidents")]
RIGHT, ABSTAINED = Verdict(Outcome.CORRECT), Verdict(Outcome.NOT_ATTEMPTED)
OWN_FRAMES = {
    "polite": paraphrase.POLITE,
    **{f"paraphrase {style}": frames for style, frames in paraphrase.FRAMES.items()},
    **{f"open paraphrase {style}": frames for style, frames in paraphrase.OPEN_FRAMES.items()},
    "reverse": reverse.FRAMES,
    "open reverse": reverse.OPEN_FRAMES,
    "reverse of lists": reverse.LIST_FRAMES,
}


def wrong(error: str = "confused", *named: str) -> Verdict:
    return Verdict(Outcome.INCORRECT, error, named)


def plainly(fact):
    """The number of an amount, so that 0.2 kg equals 0.20 kg; any other value as it is."""
    amount = re.fullmatch(r"([\d.]+) (kg|EUR|g|hours|years)", fact.object)
    return float(amount[1]) if amount else fact.object


def make(family, corpus, n=200):
    return family.make(corpus, n, random.Random(0))


def corpus_of(*facts: tuple[str, str, str], **kinds: str) -> Corpus:
    """Facts (subject, relation, object) of relations without questions from value to entity."""
    relations = tuple(
        Relation(name.replace("_", " "), kind, ("{subject} {object}",), ("w {subject}",), ("t {subject}",))
        for name, kind in kinds.items()
    )
    told = tuple(Fact(f"f{n}", subject, relation, value, "d") for n, (subject, relation, value) in enumerate(facts))
    return Corpus("x", (Document("d", "t"),), told, relations)


def record(probe: Probe, verdict: Verdict, text: str = "-") -> Record:
    return Record("s", "rag", 0, probe, (Answer(text, 0.5),), (verdict,))


def outcomes(corpus, probe, *answers):
    return [Grader(corpus).grade(answer, probe).outcome for answer in answers]


def shares(found, *metrics):
    return tuple(round(found[metric].value, 4) for metric in metrics)


@pytest.mark.parametrize("name", OWN_FRAMES)
def test_there_are_six_ways_to_ask_and_no_lesson_uses_one(name):
    own, rng, table = OWN_FRAMES[name], random.Random(0), names.lexicon()
    lessons = [frames for sort, frames in table["frames"].items() if not sort.startswith("exam_")]
    texts = [text for frames in (*lessons, *table["composed"].values()) for text in frames]
    taught = {plain(names.filled(rng, text)) for text in texts for _ in range(10)}
    assert len(set(own)) >= 6
    assert {plain(frame) for frame in own} & taught == set()


def plain(frame):
    return re.sub(r"\{\w+\}", "zqz", frame).casefold().rstrip(".?!")


def test_a_wording_is_seen_if_training_may_shorten_a_question_to_it():
    relation = Relation("mass", "number", (), ("Tell me the mass of {subject}, please.",), ())
    unseen = Unseen(Corpus("c", (), (), (relation,)))
    asked = ("The mass of {subject}?", "mass, {object}", "{subject}: mass?", "Report the mass of {subject}.")
    assert unseen.of(asked) == asked[2:]


@pytest.mark.parametrize("corpus", CORPORA)
def test_every_fact_is_asked_for_once_in_each_style(corpus):
    styles = defaultdict(list)
    for probe in make(paraphrase, corpus):
        styles[probe.facts].append(probe.variant)
    assert set(map(tuple, styles.values())) == {paraphrase.STYLES}


def test_a_style_whose_every_wording_may_be_trained_on_is_left_out():
    trained = tuple(f.replace("{relation}", "weight") for f in paraphrase.FRAMES["imperative"])
    relations = tuple(replace(r, train_questions=(*r.train_questions, *trained)) for r in TOY.relations)
    asked = make(paraphrase, replace(TOY, relations=relations))
    assert {p.relation for p in asked if p.variant == "imperative"} == {r.name for r in TOY.relations} - {"weight"}


def test_a_name_that_ends_in_a_full_stop_ends_the_sentence():
    corpus = corpus_of(("Ann Low Jr.", "height", "2"), ("Bo", "aide", "Ann Low Jr."), height="number", aide="entity")
    asked = [
        p.question for seed in range(9) for f in (paraphrase, reverse) for p in f.make(corpus, 9, random.Random(seed))
    ]
    assert [question for question in asked if ".." in question] == []
    assert any(question.endswith("Ann Low Jr.") for question in asked)


def test_consistency_is_to_tell_the_same_whether_right_or_wrong():
    told = {
        "known": [RIGHT] * 5,
        "unknown": [ABSTAINED] * 5,
        "always wrong": [wrong("confused", "9 g")] * 5,
        "shaky": [RIGHT] * 4 + [wrong("confused", "9 g")],
        "rambling": [wrong("fabricated")] * 5,
    }
    records = [
        record(Probe(f"{name}{n}", "paraphrase", "?", ("1",), (name,), subject=name), verdict, text=f"so {n}")
        for name, verdicts in told.items()
        for n, verdict in enumerate(verdicts)
    ]
    found = paraphrase.summarize(records)
    assert shares(found, "consistency", "right_in_all", "right_in_any", "all_when_any") == (0.6, 0.2, 0.4, 0.5)
    assert found["consistency"].n == 5


@pytest.mark.parametrize("corpus", CORPORA)
def test_reverse_accepts_everyone_who_has_the_value_now_and_nobody_else(corpus):
    facts, grader = {fact.id: fact for fact in corpus.current().facts}, Grader(corpus)
    for probe in make(reverse, corpus):
        told = facts[probe.facts[0]]
        holders = {f.subject for f in facts.values() if f.relation == told.relation and plainly(f) == plainly(told)}
        assert holders <= set(probe.gold)
        assert 1 <= len(holders) <= 3
        right = {e for e in corpus.entities() if grader.grade(e, probe).outcome is Outcome.CORRECT}
        assert right == holders


def test_reverse_reads_equal_values_in_any_notation():
    corpus = corpus_of(("Ann", "mass", "1100 g"), ("Bo", "mass", "1.1 kg"), ("Cy", "mass", "2 kg"), mass="number")
    assert {(p.facts, p.gold) for p in make(reverse, corpus)} == {(("f0", "f1"), ("Ann", "Bo")), (("f2",), ("Cy",))}


def test_reverse_asks_for_one_item_of_a_written_list():
    corpus = corpus_of(("Ann", "tags", "red, blue"), ("Bo", "tags", "blue"), tags="list")
    asked = {frame.format(relation="tags", object=o): o for frame in reverse.LIST_FRAMES for o in ("red", "blue")}
    assert {asked[p.question]: p.gold for p in make(reverse, corpus)} == {"red": ("Ann",), "blue": ("Ann", "Bo")}


def test_reverse_uses_the_relations_own_questions_where_it_has_them():
    assert {p.question for p in make(reverse, TOY) if p.relation == "material"} <= {
        f"Which product has the material {value}?" for value in ("steel", "oak", "brass")
    }


def test_reverse_of_a_relation_with_an_open_ending_is_english():
    corpus = corpus_of(("Ann", "president of", "Orm"), president_of="entity")
    own = {frame.format(relation="president of", object="Orm") for frame in reverse.OPEN_FRAMES}
    assert {p.question for p in make(reverse, corpus)} <= own


def test_a_value_that_many_share_is_not_asked_for_in_reverse():
    assert make(reverse, corpus_of(*((name, "sort", "lamp") for name in "ABCD"), sort="category")) == []


def test_one_of_several_holders_is_right_and_one_too_many_is_not():
    probe = next(p for p in make(reverse, TOY) if p.question.endswith("steel?"))
    assert probe.gold == ("Aldo", "Dunet", "Grivo")
    said = ("Dunet", "Aldo and Grivo", "Dunet and Brila", "Brila", "I don't know.")
    found = [outcome.value for outcome in outcomes(TOY, probe, *said)]
    assert found == ["correct", "correct", "incorrect", "incorrect", "not_attempted"]


def test_accuracy_of_shared_values_stands_beside_that_of_unique_ones():
    probes = [Probe(str(n), "reverse", "?", ("x",), ("f",) * (1 + n % 2), subject=str(n)) for n in range(4)]
    found = reverse.summarize([record(p, RIGHT if len(p.facts) > 1 else wrong()) for p in probes])
    assert shares(found, "accuracy", "accuracy_unique", "accuracy_shared") == (0.5, 0.0, 1.0)
