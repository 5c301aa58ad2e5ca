"""Documents, dated facts and phrasings: what is injected, and from which every probe is made.

corpus = load(find("catalog"))
corpus.current().facts_of("Vontriq 45 Pro", "weight")
"""

from kinject.corpus.core import Corpus
from kinject.corpus.days import format_day, parse_day
from kinject.corpus.files import find, load, save
from kinject.corpus.questions import questions

__all__ = ["Corpus", "find", "format_day", "load", "parse_day", "questions", "save"]
