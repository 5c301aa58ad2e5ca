"""Answer text -> verdict, by the same rules for every system.

Grader(corpus).grade("It weighs 1,100 g.", probe)
"""

from kinject.grading.abstention import abstains
from kinject.grading.grader import Grader
from kinject.grading.words import same_words

__all__ = ["Grader", "abstains", "same_words"]
