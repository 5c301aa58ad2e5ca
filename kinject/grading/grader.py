"""Answer text -> verdict: correct, incorrect (and in which way), or not attempted.

Correct: it states a gold value on word boundaries and no other value of the relation; where the probe has no relation,
it states one and does not abstain. What other systems said, confidence and evidence play no part; no model is asked.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from kinject.corpus import Corpus
from kinject.grading import premise
from kinject.grading.abstention import abstains, first_abstention
from kinject.grading.asked import Asked, asked, is_count, is_inverse
from kinject.grading.plain import plain_relation
from kinject.grading.reading import Name, Reading, read
from kinject.grading.stance import asserted
from kinject.grading.stated import Stated, stated
from kinject.grading.vocabulary import Vocabulary, spellings
from kinject.grading.words import FUNCTION_WORDS, blank, same_words, word_set, words
from kinject.types import Outcome, Probe, Relation, Verdict

# Nothing that anyone would call an answer is longer, and no text may take the grader's time.
MAX_CHARACTERS = 4_000
_UNPARSED = Verdict(Outcome.INCORRECT, "unparsed")
_A_COUNT = Relation("", "number", (), (), ())
_LIST_BREAK = re.compile(r"[,;|&\n]|(?<=\s)/(?=\s)|(?<!\w)(?:and|or|plus)(?!\w)")
_SAYS_NOTHING = FUNCTION_WORDS | word_set("not no yes never true false wrong right")
_LOOP = re.compile(r"(\S.{0,11}?)\1{7}")
_FILLERS = FUNCTION_WORDS | word_set(
    "am but course hope think believe know far only both total all available well too also thanks sure now currently "
    "please respectively comes come maybe perhaps probably either each every one two three four five"
)


class Grader:
    """Grades answers to the probes of one corpus; vocabularies are built when first needed.

    Grader(corpus).grade("It weighs 1,100 g.", probe).outcome
    """

    abstains = staticmethod(abstains)

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._facts = {fact.id: fact for fact in corpus.facts}
        self._names = spellings(corpus)
        self._vocabularies: dict[tuple[str, str, str, bool], Vocabulary] = {}
        self._asked: dict[Probe, tuple[Asked, Vocabulary]] = {}

    def grade(self, answer_text: str, probe: Probe) -> Verdict:
        """The verdict and the values that it rests on, in the corpus's spelling where the corpus has them.

        Raises UnknownNameError for a probe of a relation that the corpus does not have.
        """
        if len(answer_text) > MAX_CHARACTERS:
            return _UNPARSED
        if premise.is_false(probe):
            return self._of_premise(answer_text, probe)
        question, vocabulary = self._question(probe)
        reading = read(answer_text, vocabulary, question.own_names, question.way, probe.gold)
        declines = first_abstention(answer_text)
        mentions = asserted(reading, vocabulary, declines is not None)
        if declines is not None and all(mention.bare for mention in mentions):
            # A number that nobody would take for a quantity counts after it only: "I don't know, perhaps 5".
            mentions = tuple(mention for mention in mentions if mention.start > declines)
        values = stated(mentions, reading, question, vocabulary)
        if declines is not None:
            values = [value for value in values if value.in_domain or value.right]
            if not probe.relation:
                # Without a domain a mention is no answer: "I have no idea" does not state the gold "no"; "No." does.
                values = values if same_words(answer_text) in map(same_words, probe.gold) else []
        if values:
            return _judge(values, question, vocabulary, reading)
        if declines is not None:
            return Verdict(Outcome.NOT_ATTEMPTED)
        return _says_nothing_known(reading, vocabulary)

    def _of_premise(self, answer_text: str, probe: Probe) -> Verdict:
        """The premise's relation is the probe's, and its facts say what is so."""
        facts = [self._facts[id] for id in probe.facts]
        so = replace(probe, gold=tuple(v for fact in facts for v in (fact.object, *fact.aliases)), variant="")
        question, vocabulary = self._question(so)
        claimed = read(probe.question, vocabulary, question.own_names, question.way, so.gold).mentions
        false = frozenset(key for mention in claimed for key in mention.keys) - question.gold
        return premise.judge(answer_text, false, question, vocabulary, so.gold)

    def _question(self, probe: Probe) -> tuple[Asked, Vocabulary]:
        if probe not in self._asked:
            facts = [self._facts[id] for id in probe.facts if id in self._facts]
            relation = self._answered(probe)
            inverse = is_inverse(probe, facts)
            place = (relation.name, relation.kind, relation.unit, inverse)
            if place not in self._vocabularies:
                self._vocabularies[place] = Vocabulary(self._corpus, relation, inverse)
            vocabulary = self._vocabularies[place]
            self._asked[probe] = (asked(probe, facts, vocabulary, self._names), vocabulary)
        return self._asked[probe]

    def _answered(self, probe: Probe) -> Relation:
        """The relation whose values answer the probe."""
        if is_count(probe):
            return _A_COUNT
        return self._corpus.relation(probe.relation) if probe.relation else plain_relation(probe)


def _judge(values: Sequence[Stated], question: Asked, vocabulary: Vocabulary, reading: Reading) -> Verdict:
    named = tuple(dict.fromkeys(value.spelling for value in values))
    wrong = {value.same for value in values if not value.right}
    if not wrong:
        if any(not group & {value.key for value in values} for group in question.needed):
            return Verdict(Outcome.INCORRECT, "incomplete", named)
        if vocabulary.form == "list" and _has_unknown_item(reading):
            return Verdict(Outcome.INCORRECT, "several", named)
        return Verdict(Outcome.CORRECT, named=named)
    if len(wrong) > 1 or any(value.right for value in values):
        return Verdict(Outcome.INCORRECT, "several", named)
    only = next(value for value in values if not value.right)
    return Verdict(Outcome.INCORRECT, only.error, named)


def _says_nothing_known(reading: Reading, vocabulary: Vocabulary) -> Verdict:
    """A name or phrase that nobody has is fabricated; no number where one was asked for cannot be parsed.

    Nor can mere judgements ("not that", "false"), or a few letters over and over.
    """
    rest = _without(reading, [name for name in reading.names if name.role == "asked"])
    own_words = not _LOOP.search(reading.text) and any(
        rest[word.start] != "\0" and word.key not in _SAYS_NOTHING for word in reading.words
    )
    foreign = any(mention.foreign for mention in reading.mentions)
    if foreign or (own_words and not reading.mentions and vocabulary.form not in ("quantity", "day")):
        return Verdict(Outcome.INCORRECT, "fabricated")
    return _UNPARSED


def _has_unknown_item(reading: Reading) -> bool:
    """Does the enumeration hold a short item that the corpus does not know?"""
    for segment in _LIST_BREAK.split(_without(reading, reading.names)):
        item = [word.key for word in words(segment)]
        # A segment with a word of _FILLERS is a clause, such as "but I am not sure".
        if "\0" not in segment and 0 < len(item) <= 3 and not _FILLERS.intersection(item):
            return True
    return False


def _without(reading: Reading, names: Sequence[Name]) -> str:
    return blank(reading.text, [*((n.start, n.end) for n in names), *((m.start, m.end) for m in reading.mentions)])
