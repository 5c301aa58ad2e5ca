"""Which words there are: those of a corpus and those of English. Knows no question."""

import re
from functools import cache

from kinject.corpus import Corpus
from kinject.grading.words import FUNCTION_WORDS

_WORD = re.compile(r"[^\W\d_]+")


def words_of(corpus: Corpus) -> frozenset[str]:
    """Every word of the documents, the facts and the phrasings."""
    names = (text for fact in corpus.facts for text in (fact.subject, fact.object, *fact.aliases))
    phrasings = (
        text
        for relation in corpus.relations
        for text in (relation.name, *relation.train_questions, *relation.test_questions, *relation.statements)
    )
    texts = (*names, *phrasings, *(document.text for document in corpus.documents))
    return frozenset(word.casefold() for text in texts for word in _WORD.findall(text))


@cache
def english() -> frozenset[str]:
    from wonderwords import RandomWord

    words = RandomWord().filter(include_categories=["nouns", "verbs", "adjectives"])
    return FUNCTION_WORDS | frozenset(word.casefold() for word in words)
