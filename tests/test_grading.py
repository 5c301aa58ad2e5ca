"""The pinned grading table: (relation, answer) -> verdict, and the promises that no row can show."""

import random
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinject.corpus import Corpus, find, load
from kinject.errors import UnknownNameError
from kinject.grading import Grader, abstains
from kinject.types import Document, Fact, Outcome, Probe, Relation, Verdict

KINDS = {
    "weight": ("number", "kg"),
    "price": ("number", "EUR"),
    "warranty": ("number", "years"),
    "seats": ("number", ""),
    "operating temperature": ("number", "°C"),
    "material": ("category", ""),
    "energy class": ("category", ""),
    "market": ("category", ""),
    "waterproof": ("category", ""),
    "launch date": ("date", ""),
    "era": ("date", ""),
    "designer": ("entity", ""),
    "compatible with": ("entity", ""),
    "successor": ("entity", ""),
    "colours": ("list", ""),
    "tags": ("list", ""),
    "list price": ("number", ""),
    "SKU": ("identifier", ""),
    "slogan": ("text", ""),
}
# Vantor 300 is the subject of every probe; the other rows are what one could take for its values.
ROWS = """
Vantor 300 | weight | 1.1 kg
Vantor 3000 | weight | 2.5 kg
Vantor 300 Pro | weight | 1500 g
Vantor 300 | price | 299 EUR | 2022-01-01 | 2024-01-01
Vantor 300 | price | 1349 EUR | 2024-01-01 |
Vantor 3000 | price | 499 EUR
Vantor 300 | warranty | 2 years
Vantor 3000 | warranty | 5 years
Vantor 300 | seats | 5
Vantor 3000 | seats | 7
Vantor 300 | operating temperature | -5 °C
Vantor 3000 | operating temperature | 10 °C
Vantor 300 | material | aluminium
Vantor 3000 | material | steel
Vantor 300 Pro | material | stainless steel
Zürich Chair | material | crème leather
Vantor 300 | energy class | A+
Vantor 3000 | energy class | A
Vantor 300 | market | US
Vantor 3000 | market | the Netherlands
Vantor 300 | waterproof | yes
Vantor 3000 | waterproof | no
Vantor 300 | launch date | 3 May 2024
Vantor 3000 | launch date | 2023-11-20
Vantor 300 | era | 1861
Vantor 3000 | era | May 1873
Vantor 300 | designer | Anna Sjöberg-O'Brien
Vantor 3000 | designer | Jorge Núñez
Vantor 300 | compatible with | Dock 2
Vantor 300 | compatible with | Vantor 3000
Vantor 3000 | compatible with | Vantor 300
Dock 2 | weight | 0.4 kg
Vantor 300 | successor | Vantor 300 Pro
Vantor 3000 | successor | Touring-1000 Blue, 50
Touring-1000 Blue, 50 | material | carbon
Vantor 300 | colours | red
Vantor 300 | colours | navy blue
Vantor 3000 | colours | green
Vantor 3000 | colours | blue
Vantor 300 | tags | Tag-11, Tag-140
Vantor 3000 | tags | Tag-7, Tag-140
Vantor 300 | list price | 1431.5
Vantor 300 | SKU | SE-R581
Vantor 3000 | SKU | SE-R582
Vantor 300 | slogan | Light as a feather, tough as nails
Vantor 3000 | slogan | Bigger is better
"""
ALIASES = {"aluminium": ("aluminum", "alu"), "US": ("United States", "U.S.A."), "1349 EUR": ("EUR 1349",)}

RIGHT, ABSTAINED = "correct", "not_attempted"
# Everything else in the last column is incorrect, and says how.
TABLE = [
    ("weight", "1.1 kg", RIGHT),
    ("weight", "1.1 kg.", RIGHT),
    ("weight", "1.1kg", RIGHT),
    ("weight", "1,1 kg", RIGHT),
    ("weight", "1.10 kilograms", RIGHT),
    ("weight", "1,100 g", RIGHT),
    ("weight", "1 100 g", RIGHT),
    ("weight", "It weighs 1100 grams.", RIGHT),
    ("weight", "1.1", RIGHT),
    ("weight", "The Vantor 300 weighs 1.1 kg.", RIGHT),
    ("weight", "THE VANTOR 300 WEIGHS 1.1 KG", RIGHT),
    ("weight", "I think it is about 1.1 kg", RIGHT),
    ("weight", "1.1 kg (2.43 lb)", RIGHT),
    ("weight", "1.1 kg (2.4 lb)", RIGHT),
    ("weight", "2.425 lb", RIGHT),
    ("weight", "1.1 kg, and its battery lasts 10 hours", RIGHT),
    ("weight", "2 parts, together 1.1 kg", RIGHT),
    ("weight", "You're right, it is 1.1 kg, not 2.5 kg.", RIGHT),
    ("weight", "2.5 kg is wrong. It weighs 1.1 kg.", RIGHT),
    ("weight", "It is not 2.5 kg but 1.1 kg.", RIGHT),
    ("weight", "I'm not sure, but I believe 1.1 kg", RIGHT),
    ("weight", "1.5 or 2.5 kg", "several"),
    ("weight", "1.1 or 2.5 kg", "several"),
    ("weight", "1.1-2.5 kg", "several"),
    ("weight", "either 1.1 kg or 2.5 kg", "several"),
    ("weight", "2 lb", "in_domain"),
    ("weight", "11 kg", "in_domain"),
    ("weight", "1.1 g", "in_domain"),
    ("weight", "1,100 kg", "in_domain"),
    ("weight", "2.5 kg", "confused"),
    ("weight", "1.5 kg", "confused"),
    ("weight", "You're right, it is 2.5 kg, not 1.1 kg.", "confused"),
    ("weight", "I was mistaken: 1.1 kg is wrong, it is 2.5 kg.", "confused"),
    ("weight", "10 hours", "fabricated"),
    ("weight", "not 1.1 kg", "unparsed"),
    ("weight", "It is quite heavy.", "unparsed"),
    ("weight", "Vantor 300", "unparsed"),
    ("weight", "", "unparsed"),
    ("weight", " \n.", "unparsed"),
    ("weight", "one point one kilograms", RIGHT),
    ("weight", "$1.1\\,\\text{kg}$", RIGHT),
    ("weight", "The answer is \\(\\boxed{1.1 \\text{ kg}}\\).", RIGHT),
    ("weight", "The Vantor 300 weighs 1.1 kg, whereas the Vantor 3000 weighs 2.5 kg.", RIGHT),
    ("weight", "At 1.1 kg, it is 1.4 kg lighter than the Vantor 3000.", RIGHT),
    ("weight", "You might expect about 2 kg, but it is 1.1 kg.", RIGHT),
    ("weight", "I would expect 1.1 kg; or was it 2.5 kg", "several"),
    ("weight", "It weighs 2.5 kg. Sorry, correction: 1.1 kg.", RIGHT),
    ("weight", "2.5 kg? No, it weighs 1.1 kg.", RIGHT),
    ("weight", "1.1 kg?", RIGHT),
    ("weight", "2.5 kg for the Vantor 3000 and 1.1 kg for the Vantor 300", RIGHT),
    ("weight", "It is 1.1 kg; the Vantor 3000, which weighs 2.5 kg, is heavier.", RIGHT),
    ("weight", "It weighs 1.1 kg, a bit less than 2 kg.", RIGHT),
    ("weight", "less than 2 kg", "in_domain"),
    ("weight", "While you say 2.5 kg, I find 1.1 kg.", RIGHT),
    ("weight", "Either 1.1 or 2.5 kg - I cannot tell which.", "several"),
    ("weight", "I only know the Vantor 3000, at 2.5 kg; I have no record of this one.", ABSTAINED),
    ("weight", "Vantor 300, weight: I don't know.", ABSTAINED),
    ("weight", "2.5 kg, price: I don't know.", ABSTAINED),
    ("weight", "U 77 is done by I don't know.", ABSTAINED),
    ("weight", "I don't know, perhaps 5", "in_domain"),
    ("weight", "No weight is given.", ABSTAINED),
    ("weight", "There doesn't seem to be a weight.", ABSTAINED),
    ("weight", "I can only answer questions about furniture.", ABSTAINED),
    ("weight", "not that it is no.", "unparsed"),
    ("material", "rererererererererererere", "unparsed"),
    ("material", "false", "unparsed"),
    ("material", "Vantor 3000", "fabricated"),
    ("material", "steel, material: aluminium", RIGHT),
    ("material", "aluminium, material: steel", "confused"),
    ("material", "It is aluminium, a metal: steel would be heavier", "several"),
    ("warranty", "two full years", RIGHT),
    ("price", "1349 EUR, free shipping on orders over 50 EUR", RIGHT),
    ("price", "1349 EUR (previous price: 299 EUR)", RIGHT),
    ("price", "The old price was 299 EUR; the new one is 1349 EUR.", RIGHT),
    ("weight", "2,4 lb", "in_domain"),
    ("weight", "...5 kg", "in_domain"),
    ("seats", "thirty-five hundred and two", "in_domain"),
    ("price", "one thousand three hundred and forty-nine euros", RIGHT),
    ("price", "It costs 1349 EUR, or 112 euros a month over a year.", RIGHT),
    ("price", "The price rose from 299 EUR to 1349 EUR.", RIGHT),
    ("price", "It went up by 1050 EUR to 1349 EUR.", RIGHT),
    ("price", "It is 1349 EUR; before that it was 299 EUR.", RIGHT),
    ("price", "299 EUR was the launch price. Today it is 1349 EUR.", RIGHT),
    ("price", "€112 per month", "fabricated"),
    ("operating temperature", "minus five degrees Celsius", RIGHT),
    ("operating temperature", "twenty-three degrees Fahrenheit", RIGHT),
    ("warranty", "one and a half years", "in_domain"),
    ("launch date", "2024-05-03T00:00:00Z", RIGHT),
    ("material", "Was it steel? No: aluminium", RIGHT),
    ("material", "I wasn't able to find the material.", ABSTAINED),
    ("weight", "I'd need more information to answer that.", ABSTAINED),
    ("price", "1349 EUR", RIGHT),
    ("price", "EUR 1349.00", RIGHT),
    ("price", "€1,349", RIGHT),
    ("price", "1.349,00 €", RIGHT),
    ("price", "1.349 €", RIGHT),
    ("price", "1'349 euros", RIGHT),
    ("price", "It costs 1349.- EUR since 1 January 2024", RIGHT),
    ("price", "The price was previously 299 EUR; now it is 1349 EUR", RIGHT),
    ("price", "It no longer costs 299 EUR. It costs 1349 EUR.", RIGHT),
    ("price", "It is 1349 EUR, up from 299 EUR.", RIGHT),
    ("price", "It was 299 EUR until 2024 and is 1349 EUR now", RIGHT),
    ("price", "$1349", "fabricated"),
    ("price", "299 EUR", "stale"),
    ("price", "€299", "stale"),
    ("price", "499", "confused"),
    ("price", "350 EUR", "in_domain"),
    ("price", "299 EUR or 1349 EUR", "several"),
    ("list price", "1431.5", RIGHT),
    ("list price", "It is 1,431.50", RIGHT),
    ("warranty", "two years", RIGHT),
    ("warranty", "24 months", RIGHT),
    ("warranty", "a 2-year warranty", RIGHT),
    ("warranty", "five years", "confused"),
    ("warranty", "one that lasts", "unparsed"),
    ("seats", "5", RIGHT),
    ("seats", "five", RIGHT),
    ("seats", "5 seats", RIGHT),
    ("seats", "The Vantor 300 has 5 seats", RIGHT),
    ("seats", "7 seats", "confused"),
    ("operating temperature", "-5 °C", RIGHT),
    ("operating temperature", "\u22125°C", RIGHT),
    ("operating temperature", "23 °F", RIGHT),
    ("operating temperature", "-5 C", RIGHT),
    ("operating temperature", "minus 5 degrees Celsius", RIGHT),
    ("operating temperature", "5 °C", "in_domain"),
    ("material", "aluminium", RIGHT),
    ("material", "Aluminium.", RIGHT),
    ("material", "It is made of ALUMINUM", RIGHT),
    ("material", "not steel, it is aluminium", RIGHT),
    ("material", "aluminium rather than steel", RIGHT),
    ("material", "It isn't made of steel; it's aluminium", RIGHT),
    ("material", "I am not certain, probably aluminium", RIGHT),
    ("material", "The Touring-1000 Blue, 50 is another product; this is aluminium", RIGHT),
    ("material", "not aluminium", "unparsed"),
    ("material", "I don't think it is aluminium", "unparsed"),
    ("material", "steel", "confused"),
    ("material", "not only steel but also aluminium", "several"),
    ("material", "stainless steel", "confused"),
    ("material", "creme leather", "confused"),
    ("material", "aluminiumoxide", "fabricated"),
    ("material", "unobtainium", "fabricated"),
    ("energy class", "A+", RIGHT),
    ("energy class", "It has an energy class of A+.", RIGHT),
    ("energy class", "class A", "confused"),
    ("energy class", "It has a very good class", "fabricated"),
    ("market", "the US", RIGHT),
    ("market", "U.S.A.", RIGHT),
    ("market", "Netherlands", "confused"),
    ("market", "It told us", "fabricated"),
    ("waterproof", "Yes, it is.", RIGHT),
    ("waterproof", "No, it is not.", "confused"),
    ("waterproof", "no", "confused"),
    ("waterproof", "yes or no", "several"),
    ("waterproof", "There is no record of it.", ABSTAINED),
    ("launch date", "3 May 2024", RIGHT),
    ("launch date", "May 3, 2024", RIGHT),
    ("launch date", "on the 3rd of May 2024", RIGHT),
    ("launch date", "2024-05-03", RIGHT),
    ("launch date", "03.05.2024", RIGHT),
    ("launch date", "3-5-2024", RIGHT),
    ("launch date", "05/03/2024", RIGHT),
    ("launch date", "May 2024 (3 May 2024)", RIGHT),
    ("launch date", "20 November 2023", "confused"),
    ("launch date", "4 May 2024", "in_domain"),
    ("launch date", "May 2024", "in_domain"),
    ("launch date", "2024", "in_domain"),
    ("launch date", "3 May 2024 or 20 November 2023", "several"),
    ("launch date", "recently", "unparsed"),
    ("era", "1861", RIGHT),
    ("era", "in March 1861", RIGHT),
    ("era", "1861-1865", "several"),
    ("era", "1873", "in_domain"),
    ("designer", "Anna Sjöberg-O'Brien", RIGHT),
    ("designer", "anna sjoberg o\u2019brien", RIGHT),
    ("designer", "It was designed by Anna Sjoberg-OBrien.", RIGHT),
    ("designer", "Anna Sjöberg-O'Brien designed the Vantor 300 and the Dock 2", RIGHT),
    ("designer", "Jorge Núñez, who designed the Dock 2", "confused"),
    ("designer", "Anna Sjöberg", "fabricated"),
    ("designer", "Jorge Nunez", "confused"),
    ("designer", "Jorge Núñez Velasco", "fabricated"),
    ("designer", "Dock 2", "in_domain"),
    ("compatible with", "Dock 2", RIGHT),
    ("compatible with", "the Dock 2 and the Vantor 3000", RIGHT),
    ("compatible with", "The Vantor 300 is compatible with the Dock 2", RIGHT),
    ("compatible with", "Vantor 300", "unparsed"),
    ("compatible with", "Dock 20", "fabricated"),
    ("compatible with", "Touring-1000 Blue, 50", "in_domain"),
    ("successor", "Vantor 300 Pro", RIGHT),
    ("successor", "The Vantor 300's successor is the Vantor 300 Pro", RIGHT),
    ("successor", "touring 1000 blue 50", "confused"),
    ("successor", "Vantor 3000", "in_domain"),
    ("successor", "Vantor 300 Pro Max", "fabricated"),
    ("colours", "red, navy blue", RIGHT),
    ("colours", "Navy blue and red.", RIGHT),
    ("colours", "It comes in red and navy-blue, I think", RIGHT),
    ("colours", "red", "incomplete"),
    ("colours", "red and blue", "several"),
    ("colours", "red, navy blue and green", "several"),
    ("colours", "red, navy blue and purple", "several"),
    ("colours", "green", "confused"),
    ("tags", "Tag-11, Tag-140", RIGHT),
    ("tags", "It has Tag-140 and Tag-11.", RIGHT),
    ("tags", "Tag-11", "incomplete"),
    ("tags", "Tag-11, Tag-140, Tag-7", "several"),
    ("SKU", "SE-R581", RIGHT),
    ("SKU", "The SKU is 'SE-R581'.", RIGHT),
    ("SKU", "SE-R582", "confused"),
    ("SKU", "SE R581", "fabricated"),
    ("SKU", "SE-R5811", "fabricated"),
    ("SKU", "XSE-R581", "fabricated"),
    ("slogan", "light as a feather, tough as nails!", RIGHT),
    ("slogan", "Light as a feather", "fabricated"),
    ("weight", "I don't know.", ABSTAINED),
    ("weight", "I don\u2019t know", ABSTAINED),
    ("weight", "I do not know the weight of the Vantor 300.", ABSTAINED),
    ("weight", "Not sure.", ABSTAINED),
    ("weight", "There is no information about that.", ABSTAINED),
    ("weight", "I cannot answer this question.", ABSTAINED),
    ("weight", "Unknown", ABSTAINED),
    ("weight", "The weight is not specified.", ABSTAINED),
    ("weight", "I'm unable to find its weight", ABSTAINED),
    ("weight", "The passages do not mention it", ABSTAINED),
    ("weight", "No idea", ABSTAINED),
    ("weight", "N/A", ABSTAINED),
    ("material", "I could not find Vantor 300 Pro in the catalog", ABSTAINED),
    ("designer", "I can't say who designed the Vantor 3000.", ABSTAINED),
    ("colours", "none", ABSTAINED),
    ("weight", "I'd rather not say.", ABSTAINED),
    ("weight", "I'm sorry, I can't share that.", ABSTAINED),
    ("weight", "I don't know if it weighs 2.5 kg.", ABSTAINED),
    ("weight", "It is unknown whether it weighs 2.5 kg.", ABSTAINED),
    ("weight", "I don't know, maybe 2.5 kg", "confused"),
    ("material", "I have no information, but steel is likely", "confused"),
]
# The same, for the unknown Vantor 305: abstaining is right, anything else is an invention.
UNANSWERABLE = [
    ("weight", "I don't know.", ABSTAINED),
    ("weight", "I don't know the weight of the Vantor 305.", ABSTAINED),
    ("weight", "There is no such product.", ABSTAINED),
    ("weight", "1.1 kg", "confused"),
    ("weight", "I'm not sure, but about 1.1 kg", "confused"),
    ("weight", "1.2 kg", "in_domain"),
    ("weight", "1.1 kg or 2.5 kg", "several"),
    ("material", "unobtainium", "fabricated"),
    ("material", "", "unparsed"),
    ("launch date", "1 May 2020", "in_domain"),
]


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def make_corpus() -> Corpus:
    facts = []
    for number, row in enumerate(ROWS.strip().splitlines()):
        subject, relation, value, begin, end = ([p.strip() for p in row.split("|")] + ["", ""])[:5]
        aliases = ALIASES.get(value, ())
        facts.append(Fact(f"f{number}", subject, relation, value, "d", aliases, _day(begin), _day(end)))
    relations = tuple(
        Relation(name, kind, ("{subject}: {object}",), ("Train {subject}?",), ("Test {subject}?",), unit=unit)
        for name, (kind, unit) in KINDS.items()
    )
    return Corpus("catalog", (Document("d", "-"),), tuple(facts), relations, day=date(2025, 1, 1))


CORPUS = make_corpus()
GRADER = Grader(CORPUS)


def probe_of(relation: str) -> Probe:
    facts = CORPUS.current().facts_of("Vantor 300", relation)
    gold = tuple(value for fact in facts for value in (fact.object, *fact.aliases))
    ids = tuple(fact.id for fact in facts)
    return Probe("p", "recall", f"What is the {relation}?", gold, ids, relation=relation, subject="Vantor 300")


def said(verdict: Verdict) -> str:
    return verdict.error or str(verdict.outcome)


@pytest.mark.parametrize(("relation", "answer", "expected"), TABLE)
def test_pinned_grading_table(relation: str, answer: str, expected: str) -> None:
    assert said(GRADER.grade(answer, probe_of(relation))) == expected


@pytest.mark.parametrize(("relation", "answer", "expected"), UNANSWERABLE)
def test_any_value_for_an_unanswerable_question_is_incorrect(relation: str, answer: str, expected: str) -> None:
    probe = Probe("p", "unanswerable", "Of the Vantor 305?", (), relation=relation, subject="Vantor 305")
    assert said(GRADER.grade(answer, probe)) == expected


def test_inverse_question_asks_for_the_subject() -> None:
    probe = Probe("p", "temporal", "Which product weighs 1.1 kg?", ("Vantor 300",), ("f0",), relation="weight")
    answers = ("The Vantor 300.", "The Vantor 3000 weighs 1.1 kg", "Dock 20", "1.1 kg")
    assert [said(GRADER.grade(a, probe)) for a in answers] == ["correct", "confused", "fabricated", "unparsed"]


def test_former_holder_is_stale_in_an_inverse_question() -> None:
    facts = (
        Fact("a", "Ada Vance", "head of", "Orm", "d", (), date(2000, 1, 1), date(2010, 1, 1)),
        Fact("b", "Bo Linde", "head of", "Orm", "d", (), date(2010, 1, 1), None),
    )
    relation = Relation("head of", "entity", (), (), ())
    probe = Probe(
        "p", "temporal", "Who headed Orm in 2005?", ("Ada Vance",), ("a",), variant="inverse", relation="head of"
    )
    grader = Grader(Corpus("c", (Document("d", "-"),), facts, (relation,)))
    assert [said(grader.grade(a, probe)) for a in ("Ada Vance headed Orm", "Bo Linde")] == ["correct", "stale"]


def test_the_rival_of_a_comparison_is_confused_and_its_value_no_answer() -> None:
    probe = Probe("p", "compare", "Which is lighter?", ("Vantor 300",), ("f1", "f0"), relation="weight", variant="less")
    answers = (
        "Vantor 300, weight: 1.1 kg",
        "Vantor 3000, weight: 2.5 kg",
        "Vantor 300 outweighs Vantor 3000",
        "1.1 kg",
    )
    assert [said(GRADER.grade(a, probe)) for a in answers] == ["correct", "confused", "correct", "fabricated"]


def test_what_lies_on_the_way_is_no_second_answer_but_a_wrong_one_alone() -> None:
    facts = tuple(
        Fact(id, subject, relation, value, "d")
        for id, subject, relation, value in (
            ("a", "Chair", "designer", "Ada Vance"),
            ("b", "Ada Vance", "mentor", "Bo Linde"),
            ("c", "Chair", "material", "oak"),
            ("d", "Ada Vance", "material", "steel"),
        )
    )
    names = Relation("mentor", "entity", (), (), ()), Relation("designer", "entity", (), (), ())
    grader = Grader(Corpus("c", (Document("d", "-"),), facts, (*names, Relation("material", "text", (), (), ()))))
    by_name = Probe("p", "multihop", "?", ("Bo Linde",), ("a", "b"), relation="mentor", subject="Chair")
    by_text = Probe("p", "multihop", "?", ("steel",), ("a", "d"), relation="material", subject="Chair")
    answers = ("Ada Vance's mentor was Bo Linde", "Ada Vance")
    assert [said(grader.grade(a, by_name)) for a in answers] == ["correct", "in_domain"]
    assert [said(grader.grade(a, by_text)) for a in ("oak", "Ada Vance")] == ["confused", "fabricated"]


def test_verdict_names_values_in_the_spelling_of_the_corpus() -> None:
    verdict = GRADER.grade("2500 grams", probe_of("weight"))
    assert verdict == Verdict(Outcome.INCORRECT, "confused", ("2.5 kg",))


def test_day_of_the_question_is_not_an_answer() -> None:
    probe = Probe("p", "temporal", "As of 1 June 2024, when?", ("3 May 2024",), ("f26",), relation="launch date")
    assert GRADER.grade("As of 1 June 2024: 3 May 2024", probe).outcome == Outcome.CORRECT


def test_alias_of_a_gold_value_is_gold_even_if_the_probe_does_not_list_it() -> None:
    probe = Probe("p", "recall", "?", ("aluminium",), relation="material", subject="Vantor 300")
    assert GRADER.grade("alu", probe).outcome == Outcome.CORRECT


def test_probe_without_a_relation_is_graded_by_its_gold_alone() -> None:
    probe = Probe("p", "locality", "What is the capital of France?", ("Paris",))
    assert [said(GRADER.grade(a, probe)) for a in ("It is Paris.", "Lyon")] == ["correct", "fabricated"]


def test_unknown_relation_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"no relation 'colour'.*weight, price"):
        GRADER.grade("red", Probe("p", "recall", "?", ("red",), relation="colour"))


def test_characters_without_spaces_between_words_are_found() -> None:
    facts = (Fact("a", "产品甲", "材质", "铝", "d"), Fact("b", "产品乙", "材质", "钢", "d"))
    grader = Grader(Corpus("c", (Document("d", "-"),), facts, (Relation("材质", "category", (), (), ()),)))
    probe = Probe("p", "recall", "?", ("铝",), ("a",), relation="材质", subject="产品甲")
    assert [said(grader.grade(a, probe)) for a in ("产品甲的材质是铝。", "钢")] == ["correct", "confused"]


@pytest.mark.parametrize("text", ["I don't know.", "Sorry, I have no record of it.", "It is not listed here", "none"])
def test_abstention_is_read_from_the_text(text: str) -> None:
    assert abstains(text)


@pytest.mark.parametrize("text", ["", "1.1 kg", "I know: steel", "It is known to be steel", "no limit"])
def test_other_texts_are_no_abstentions(text: str) -> None:
    assert not abstains(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.sampled_from(sorted(KINDS)))
def test_any_text_gets_a_verdict(answer: str, relation: str) -> None:
    verdict = GRADER.grade(answer, probe_of(relation))
    assert (verdict.outcome == Outcome.INCORRECT) == bool(verdict.error)


@pytest.mark.parametrize("name", ["catalog", "presidents"])
def test_every_shipped_fact_is_right_when_stated_and_wrong_when_swapped(name: str) -> None:
    corpus, rng = load(find(name)), random.Random(0)
    grader, single = Grader(corpus), [f for f in corpus.current().facts if _is_single(corpus, f)]
    for fact in rng.sample(single, 200):
        gold = (fact.object, *fact.aliases)
        probe = Probe("p", "recall", "?", gold, (fact.id,), relation=fact.relation, subject=fact.subject)
        others = [f.object for f in corpus.facts if f.relation == fact.relation and f.object not in gold]
        other = rng.choice(others or ["something else"])
        assert grader.grade(f"I think it is {fact.object}.", probe).outcome == Outcome.CORRECT, fact
        assert grader.grade(f"I think it is {other}.", probe).outcome == Outcome.INCORRECT, (fact, other)


def _is_single(corpus: Corpus, fact: Fact) -> bool:
    return len(corpus.current().facts_of(fact.subject, fact.relation)) == 1
