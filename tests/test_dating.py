"""A question put as of a day: in the corpus's own words where it has them, and in generic ones elsewhere."""

from dataclasses import replace
from datetime import date

import pytest
from conftest import make_toy_corpus

from kinject.corpus import find, load, parse_day
from kinject.corpus.dating import FIRST_DAY, Dating
from kinject.errors import CorpusError

DAY = date(2023, 5, 3)


@pytest.fixture(scope="module")
def catalog():
    return load(find("catalog"))


@pytest.mark.parametrize(
    "question", ["What is the price of Aldo?", "tell me the price of  ALDO.", "Which price does Aldo have?"]
)
def test_a_known_question_gets_the_wording_of_its_relation(toy_corpus, question):
    assert Dating(toy_corpus).put(question, DAY) == "What was the price of Aldo on 3 May 2023?"


@pytest.mark.parametrize(
    "question", ["What is the weight of Aldo?", "What is the price of Nobody?", "And now?", "price of Aldo"]
)
def test_any_other_question_is_put_as_of_the_day(toy_corpus, question):
    assert Dating(toy_corpus).put(question, DAY) == f"As of 3 May 2023: {question}"


def test_a_question_for_the_subject_keeps_its_direction(catalog):
    price = next(fact for fact in catalog.facts if fact.relation == "price")
    asked = Dating(catalog).put(f"Which product costs {price.object}?", DAY)
    assert asked == f"Which product cost {price.object} on 3 May 2023?"


@pytest.mark.parametrize("name", ["catalog", "presidents"])
def test_every_undated_wording_of_a_dated_relation_is_found(name):
    corpus = load(find(name))
    dating = Dating(corpus)
    fact = next(fact for fact in corpus.facts if fact.valid_from)
    for template in corpus.relation(fact.relation).train_questions:
        if "{date}" not in template:
            asked = dating.put(template.format(subject=fact.subject), DAY)
            assert "3 May 2023" in asked
            assert not asked.startswith("As of")


def test_a_corpus_without_days_says_so(toy_corpus):
    undated = tuple(replace(fact, valid_from=None, valid_to=None) for fact in toy_corpus.facts[2:6])
    with pytest.raises(CorpusError, match="no fact of corpus 'toy' has a day"):
        Dating(replace(make_toy_corpus(), facts=undated))


def test_a_day_that_no_corpus_can_write_is_refused(toy_corpus):
    assert parse_day(Dating(toy_corpus).put("Q?", FIRST_DAY)[len("As of ") :].split(":")[0]) == FIRST_DAY
    with pytest.raises(CorpusError, match="found the day 0999-12-31"):
        Dating(toy_corpus).put("Q?", date(999, 12, 31))
