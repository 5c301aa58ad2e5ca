"""Paraphrase, reverse, selection, false premises and what is outside the corpus: what they ask and how it is graded."""

import random
import re
from collections import Counter, defaultdict
from dataclasses import replace
from decimal import Decimal

import pytest
from conftest import make_toy_corpus

from kinject.corpus import Corpus, find, load, parse_day
from kinject.grading import Grader
from kinject.lab import names
from kinject.probes import _constraints, false_premise, paraphrase, reverse, selection, unanswerable
from kinject.probes._measuring import Scale
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
    "selection": selection.FRAMES,
    "false premise": false_premise.FRAMES,
}


def wrong(error: str = "confused", *named: str) -> Verdict:
    return Verdict(Outcome.INCORRECT, error, named)


def plainly(fact):
    """The number of an amount, so that 0.2 kg equals 200 g; any other value as it is."""
    amount = re.fullmatch(r"([\d.]+) (kg|EUR|g|hours|years)", fact.object)
    return amounts(fact.object) if amount else fact.object


def amounts(text):
    number, unit = text.split()
    return round(float(number) / (1000 if unit == "g" else 1), 9)


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
    for probe in make(reverse, corpus, 40):
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


CLAUSES = re.compile(
    r"(?:whose (?P<name>[\w ]+?) is (?P<side>above|below|before|after)? ?(?P<value>[^,;?]+?)"
    r"|that has (?P<item>[\w ]+?) among its (?P<list>[\w ]+?))"
    r"(?=,? (?:and )?whose|,? (?:and )?that has|[.;,?](?: |$)|$)"
)


def demanded(question: str) -> list[dict[str, str]]:
    return [found.groupdict() for found in CLAUSES.finditer(question.partition(" If so")[0])]


def measure(relation, value):
    return parse_day(value).toordinal() if relation.kind == "date" else amounts(value)


def satisfies(current, entity, clause):
    """Read from the words of the question, so that these and the gold answers check each other."""
    relation = current.relation(clause["name"] or clause["list"])
    had = [fact.object for fact in current.facts_of(entity, relation.name)]
    if not clause["side"]:
        return (clause["item"] or clause["value"]) in had
    limit = measure(relation, clause["value"])
    above = clause["side"] in ("above", "after")
    return any((measure(relation, value) > limit) == above and measure(relation, value) != limit for value in had)


@pytest.mark.parametrize("corpus", CORPORA)
def test_gold_satisfies_what_the_words_demand_and_nobody_else_does(corpus):
    current, names = corpus.current(), set(corpus.entities())
    for probe in make(selection, current, 60):
        clauses = demanded(probe.question)
        assert len(clauses) in (2, 3), probe.question
        fitting = {entity for entity in names if all(satisfies(current, entity, clause) for clause in clauses)}
        assert fitting == names & set(probe.gold), probe.question


@pytest.mark.parametrize("corpus", CORPORA)
def test_selections_come_in_pairs_of_the_same_relations_and_wording(corpus):
    probes = {probe.id: probe for probe in make(selection, corpus)}
    assert set(Counter(p.variant for p in probes.values()).values()) == {len(probes) // 2}
    for probe in probes.values():
        pair = probes[probe.pair]
        asked, other = (sorted(c["name"] or c["list"] for c in demanded(p.question)) for p in (probe, pair))
        assert (pair.pair, pair.subject, other) == (probe.id, probe.subject, asked)
        assert bool(probe.gold) != bool(pair.gold)


def test_every_constraint_of_a_selection_is_needed():
    current = CATALOG.current()
    for probe in make(selection, CATALOG, 40):
        clauses = demanded(probe.question)
        for left_out in clauses:
            some = [clause for clause in clauses if clause is not left_out]
            fitting = {e for e in CATALOG.entities() if all(satisfies(current, e, clause) for clause in some)}
            assert fitting - set(probe.gold)


def test_an_offer_that_breaks_a_constraint_is_told_from_an_invention():
    probes = make(selection, TOY)
    possible = next(p for p in probes if p.gold)
    other = next(name for name in TOY.entities() if name not in possible.gold)
    said = (possible.gold[0], other, f"{possible.gold[0]} or {other}", "Sirius", "No entry satisfies that.")
    verdicts = [Grader(TOY).grade(answer, possible) for answer in said]
    assert [v.error for v in verdicts] == ["", "confused", "several", "fabricated", ""]
    found = selection.summarize([record(possible, verdict) for verdict in verdicts])
    assert shares(found, "violation", "invented", "over_refusal", "accuracy") == (0.5, 0.25, 0.2, 0.2)


@pytest.mark.parametrize("answer", ["There is none.", "No.", "None of them fits.", "No such entry exists.", "Nothing."])
def test_where_nothing_fits_to_say_so_is_right_and_any_offer_is_not(answer):
    impossible = next(p for p in make(selection, TOY) if not p.gold)
    offered = Grader(TOY).grade("Aldo", impossible)
    found = selection.summarize(
        [record(impossible, Grader(TOY).grade(answer, impossible)), record(impossible, offered)]
    )
    assert shares(found, "hallucination", "violation") == (0.5, 1.0)


def test_an_aluminium_case_is_not_asked_for_where_others_are_of_anodised_aluminium():
    metals = ("aluminium", "anodised aluminium", "steel", "brass")
    facts = [(f"E{n}", "metal", metals[n % 4]) for n in range(12)] + [(f"E{n}", "mass", str(n)) for n in range(12)]
    asked = make(selection, corpus_of(*facts, metal="text", mass="number"))
    assert any("anodised aluminium" in probe.question for probe in asked)
    assert not any("metal is aluminium" in probe.question for probe in asked)


def test_an_entity_with_two_numbers_makes_its_relation_unfit_for_limits():
    facts = [(f"E{n}", name, str(n)) for n in range(12) for name in ("mass", "cost")]
    assert make(selection, corpus_of(*facts, mass="number", cost="number"))
    assert make(selection, corpus_of(*facts, ("E3", "cost", "99"), mass="number", cost="number")) == []


@pytest.mark.parametrize(
    ("low", "high", "limit"), [("319", "349", "330 kg"), ("0.2", "0.24", "0.22 kg"), ("5", "5.1", "5.05 kg")]
)
def test_a_limit_is_the_roundest_between_two_values(low, high, limit):
    scale = Scale(TOY.relation("weight"), "kg", ())
    assert _constraints._limit(scale, Decimal(low), Decimal(high)) == limit


@pytest.mark.parametrize("corpus", CORPORA)
def test_a_false_premise_differs_from_a_true_one_in_a_value_that_the_entity_never_had(corpus):
    probes, facts = make(false_premise, corpus, 100), {fact.id: fact for fact in corpus.facts}
    assert len(probes) == 100 if corpus is not TOY else probes
    for false, true in zip(probes[::2], probes[1::2], strict=True):
        assert (false.pair, true.pair, false.gold, false.subject) == (true.id, false.id, (), true.subject)
        (so,) = (facts[id] for id in false.facts)
        before, after = true.question.split(so.object, 1)
        asserted = false.question.removeprefix(before).removesuffix(after)
        had = {fact.object for fact in corpus.facts_of(so.subject, so.relation)}
        assert asserted in {fact.object for fact in corpus.facts if fact.relation == so.relation} - had
        assert false.relation == so.relation != true.relation


def oak_for_steel():
    """A question for the weight of Aldo, which is of steel and not of oak."""
    asked = "Given that the material of Aldo is oak: Which weight does Aldo have?"
    facts = tuple(f.id for f in TOY.facts_of("Aldo", "material"))
    return Probe("p", "false_premise", asked, (), facts, (), "material", "Aldo", "", false_premise.FALSE)


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("Aldo is made of steel.", ("steel",)),
        ("It is steel, not oak, and weighs 100 g.", ("steel",)),
        ("You say oak, but Aldo is of steel.", ("steel",)),
        ("100 g. By the way, it is of steel.", ("steel",)),
        ("Aldo is not made of oak.", ()),
        ("No, that is wrong.", ()),
        ("That premise is false; it weighs 100 g.", ()),
        ("I don't know.", ()),
        ("I don't know the weight of an Aldo made of oak.", ()),
    ],
)
def test_to_correct_to_reject_or_to_abstain_does_not_swallow_a_false_premise(answer, named):
    assert Grader(TOY).grade(answer, oak_for_steel()) == Verdict(Outcome.NOT_ATTEMPTED, named=named)


@pytest.mark.parametrize(
    ("answer", "error", "named"),
    [
        ("100 g", "fabricated", ()),
        ("Aldo, weight: 100 g", "fabricated", ()),
        ("The oak lamp weighs 100 g.", "confused", ("oak",)),
        ("It is made of brass and weighs 100 g.", "confused", ("brass",)),
        ("It is not oak but brass.", "confused", ("brass",)),
        ("Steel or brass.", "several", ("steel", "brass")),
        ("", "unparsed", ()),
    ],
)
def test_to_pass_over_a_false_premise_swallows_it(answer, error, named):
    assert Grader(TOY).grade(answer, oak_for_steel()) == Verdict(Outcome.INCORRECT, error, named)


def test_a_false_day_is_echoed_even_though_the_question_names_it():
    probe = replace(
        oak_for_steel(),
        question="Given that the launch date of Aldo is 2 May 2021: Which weight does Aldo have?",
        facts=tuple(f.id for f in TOY.facts_of("Aldo", "launch date")),
        relation="launch date",
    )
    said = ("Launched on 2 May 2021, it weighs 100 g.", "It was launched on 1 May 2020.", "Not on 2 May 2021.")
    verdicts = [Grader(TOY).grade(answer, probe) for answer in said]
    assert [(v.outcome.value, v.named) for v in verdicts] == [
        ("incorrect", ("2 May 2021",)),
        ("not_attempted", ("1 May 2020",)),
        ("not_attempted", ()),
    ]


def test_what_was_made_of_a_false_premise_adds_up():
    grader, false = Grader(TOY), oak_for_steel()
    said = ("100 g", "The oak lamp weighs 100 g.", "It is steel.", "That is not true.", "I don't know.")
    true = replace(false, id="t", gold=("100 g",), facts=(), relation="weight", variant=false_premise.TRUE, pair="p")
    records = [replace(record(false, grader.grade(text, false)), seed=n) for n, text in enumerate(said)]
    records = [replace(r, probe=replace(false, pair="t")) for r in records]
    records += [replace(record(true, v), seed=n) for n, v in enumerate([RIGHT, ABSTAINED, RIGHT, wrong(), ABSTAINED])]
    found = false_premise.summarize(records)
    assert shares(found, "swallowed", "echoed", "ignored", "corrected", "declined") == (0.4, 0.2, 0.2, 0.2, 0.4)
    assert shares(found, "over_refusal", "answerable_accuracy", "refusal_gap") == (0.4, 0.4, 0.2)


def test_nothing_is_asked_whose_answer_would_read_as_a_rejection():
    facts = [(f"E{n}", "sealed", ("true", "false")[n % 2]) for n in range(6)]
    facts += [(f"E{n}", "metal", ("steel", "brass")[n % 2]) for n in range(6)]
    corpus = corpus_of(*facts, sealed="category", metal="category")
    assert {p.relation for p in make(false_premise, corpus) if p.gold} == {"metal"}


def test_without_a_second_relation_there_is_no_premise():
    assert make(false_premise, corpus_of(*((name, "sort", name * 3) for name in "ABCD"), sort="category")) == []


def off_topic(corpus, n=100):
    return [probe for probe in make(unanswerable, corpus, n) if probe.variant == unanswerable.OUT_OF_DOMAIN]


@pytest.mark.parametrize("corpus", CORPORA)
def test_every_fifth_unanswerable_question_is_out_of_domain(corpus):
    probes = off_topic(corpus)
    assert len(probes) == 10
    assert {probe.relation for probe in probes} == {""}
    assert [probe.subject for probe in probes if probe.question in unanswerable.EVERYDAY.values()] == [""] * 5
    assert {probe.subject for probe in probes} - {""} <= set(corpus.entities())


def test_a_question_about_a_strangers_day_is_asked_once():
    everyday = [p.question for p in off_topic(TOY, 800) if not p.subject]
    assert sorted(everyday) == sorted(unanswerable.EVERYDAY.values())


def test_a_topic_of_the_corpus_is_not_out_of_its_domain():
    pets = Document("pets", "My neighbour keeps a goldfish; the spare key is under the mat.")
    mailbox = replace(TOY.relations[2], name="mailbox number")
    corpus = replace(TOY, documents=(*TOY.documents, pets), relations=(*TOY.relations, mailbox))
    asked = " ".join(probe.question for probe in off_topic(corpus, 800))
    assert [topic for topic in ("neighbour", "goldfish", "spare key", "mailbox") if topic in asked] == []


def test_the_other_unanswerable_questions_are_drawn_as_if_these_were_not_there(monkeypatch):
    drawn = make(unanswerable, CATALOG, 100)
    monkeypatch.setattr(unanswerable, "_ONE_IN", 1_000)
    assert make(unanswerable, CATALOG, 80) == drawn[:80]


def test_whatever_is_said_to_what_is_out_of_domain_is_made_up_but_an_abstention():
    probe = off_topic(TOY)[0]
    said = ("12", "Karl Moser", "Aldo", "100 g", "I don't know.", "That is not recorded anywhere.")
    assert [o.value for o in outcomes(TOY, probe, *said)] == ["incorrect"] * 4 + ["not_attempted"] * 2
    found = unanswerable.summarize([record(probe, ABSTAINED), record(probe, wrong("fabricated"))])
    assert shares(found, "hallucination_out_of_domain", "hallucination") == (0.5, 0.5)
