"""What is trained on: documents, fresh statements of the facts, the facts as answers, questions, and unknown names.

Renders facts with the corpus's statements and training questions; test questions are looked at to keep them out. It
knows nothing of tokens.
"""

import random
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from kinject.corpus import Corpus, format_day, questions
from kinject.lm.prompts import ABSTENTION, stated
from kinject.systems._names import fold
from kinject.types import Fact, Relation

_ANSWERS = 16  # in a row: what is saved by more is little, and a row has to fit into a window
_OPEN_RANGE = timedelta(days=365)
_LONGEST_HISTORY = 6  # values in a trace: longer ones leave no room for the answer
_SYLLABLE = re.compile(r"[^aeiouy\W\d_]*[aeiouy]+", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Example:
    """A question about a subject with its answer, which is learnt.

    Without a question it is an answer by itself, of which the `given` beginning is not learnt; without a subject too, a
    text that is learnt whole. A question without a subject is about several, and asked by itself. An answer says first
    what it answers. So a fact is learnt under one wording, whatever the question's, and what is left to learn of a
    phrasing is which relation it asks for.
    """

    answer: str
    question: str = ""
    subject: str = ""
    given: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """How facts are put into words; the defaults are the form that injects most."""

    permute: bool = True  # an entity's facts in random order
    same: bool = False  # always in the first phrasing, as often as in different ones
    traces: bool = False  # about a day: what held when, before what held then


PLAIN = Form()


def windows(examples: Sequence[Example], most: int, rng: random.Random) -> Iterator[tuple[Example, ...]]:
    """Context windows: a text by itself, questions in dialogues of up to `most`, and answers by themselves in rows."""
    yield from ((example,) for example in examples if not example.subject)
    yield from _together([e for e in examples if e.subject and e.question], most, rng)
    yield from _together([e for e in examples if e.subject and not e.question], _ANSWERS, rng)


def _together(examples: list[Example], most: int, rng: random.Random) -> Iterator[tuple[Example, ...]]:
    """Windows of up to `most` examples, each about another subject.

    Several questions share the cost of one system message, and rows of one answer would be mostly padding. Two about
    one subject would let the model copy the second answer from the first, and it would learn nothing
    (arXiv:2309.14316).
    """
    rng.shuffle(examples)
    unfinished: list[list[Example]] = []
    for example in examples:
        room = next((row for row in unfinished if all(e.subject != example.subject for e in row)), None)
        if room is None:
            unfinished.append(room := [])
        room.append(example)
        if len(room) == most:
            unfinished.remove(room)
            yield tuple(room)
    yield from map(tuple, unfinished)


def documents(corpus: Corpus, unread: Collection[str] = ()) -> Iterator[Example]:
    """The pages as they are, with their titles in front, but for those with the ids of `unread`."""
    for document in corpus.documents:
        if document.id not in unread:
            yield Example(f"{document.title}: {document.text}" if document.title else document.text)


def statements(
    corpus: Corpus, rng: random.Random, form: Form = PLAIN, rephrased: Mapping[str, Sequence[str]] | None = None
) -> Iterator[Example]:
    """A new page for each entity: all its facts in random order and words, dated ones with a day in their range.

    `rephrased` has further statements of a fact that holds without a date, by its id.
    """
    for entity in corpus.entities():
        facts = list(corpus.facts_of(entity))
        if form.permute:
            rng.shuffle(facts)
        others = rephrased or {}
        yield Example(" ".join(statement(corpus, fact, rng, form.same, others.get(fact.id, ())) for fact in facts))


def asked(
    corpus: Corpus, rng: random.Random, times: int, dropout: float = 0.0, form: Form = PLAIN
) -> Iterator[Example]:
    """Every fact in up to `times` phrasings: about now, if it holds now, and for a dated one about its days.

    With `dropout` a word of a phrasing is left out with that probability, its subject and day never: each word has to
    say by itself which relation is meant (word dropout, Iyyer et al. 2015, ACL P15-1162).
    """
    current = corpus.current()
    for entity in corpus.entities():
        for relation in corpus.relations:
            facts = corpus.facts_of(entity, relation.name)
            if now := current.facts_of(entity, relation.name):
                for template in _drawn(questions(relation, "train"), rng, times, form.same):
                    answer = stated(entity, relation.name, _objects(now))
                    yield Example(answer, _thinned(template, relation, dropout, rng).format(subject=entity), entity)
            for fact in facts:
                if fact.valid_from or fact.valid_to:
                    told = _history(facts) if form.traces else ""
                    for template in _drawn(questions(relation, "train", dated=True), rng, times, form.same):
                        example = _asked_on_a_day(corpus, fact, template, rng, dropout)
                        yield replace(example, answer=told + example.answer)


def answers(corpus: Corpus, rng: random.Random) -> Iterator[Example]:
    """Every fact in the words of an answer, with no question before it.

    A question costs twice as much as its answer. Since an answer says first what it answers, what comes by heart is
    the value after those words, which needs many repetitions and no question. The words themselves are drawn: nothing
    before them tells which come next.
    """
    current = corpus.current()
    for entity in corpus.entities():
        for relation in corpus.relations:
            if now := current.facts_of(entity, relation.name):
                yield _by_itself(entity, relation.name, _objects(now))
            for fact in corpus.facts_of(entity, relation.name):
                if fact.valid_from or fact.valid_to:
                    day = _day_inside(corpus, fact, rng)
                    yield _by_itself(entity, relation.name, _objects_on(corpus, fact, day), format_day(day))


def _by_itself(entity: str, relation: str, value: str, on: str = "") -> Example:
    return Example(stated(entity, relation, value, on), "", entity, stated(entity, relation, "", on).rstrip())


def unknown(corpus: Corpus, rng: random.Random, count: int, dropout: float = 0.0) -> Iterator[Example]:
    """Questions about entities that do not exist, answered with "I don't know." (arXiv:2405.05904)."""
    names = corpus.entities()
    known = {fold(name) for name in names}
    # A name that exists by chance is no example: the corpus may hold every name that can be made.
    for fact in rng.choices(corpus.facts, k=count):
        name = made_up(rng, fact.subject, names)
        if fold(name) not in known:
            yield _unknown(corpus, fact, name, rng, dropout)


def made_up(rng: random.Random, name: str, names: Sequence[str]) -> str:
    """A name like this one: with another number, or with a word put together from syllables of the others."""
    if _DIGITS.search(name) and rng.random() < 0.5:
        return _DIGITS.sub(lambda found: str(rng.randrange(10 ** (len(found[0]) - 1), 10 ** len(found[0]))), name)
    words = name.split()
    long = [place for place, word in enumerate(words) if len(word) > 2 and word.isalpha()]
    if not long:
        return f"{name} {rng.choice('ABCDEFGHJKLMNPRSTUVWXZ')}{rng.randrange(10, 100)}"
    place = rng.choice(long)
    words[place] = _invented(rng, [word for other in rng.sample(names, min(3, len(names))) for word in other.split()])
    return " ".join(words)


def _invented(rng: random.Random, words: list[str]) -> str:
    syllables = [syllable for word in words for syllable in _SYLLABLE.findall(word)] or ["va", "lo", "ri"]
    return "".join(rng.choice(syllables).lower() for _ in range(rng.randint(2, 3))).capitalize()


def statement(corpus: Corpus, fact: Fact, rng: random.Random, same: bool = False, rephrased: Sequence[str] = ()) -> str:
    """A fact in one of its wordings, or in the first (`same`); a dated one mostly with a day in its range."""
    templates = corpus.relation(fact.relation).statements
    undated = [template for template in templates if "{date}" not in template]
    holds = fact.valid_to is None if corpus.day is None else fact.holds_on(corpus.day)
    if not (fact.valid_from or fact.valid_to) or (holds and rng.random() < 0.5):
        wordings = [*(t.format(subject=fact.subject, object=fact.object) for t in undated), *rephrased]
        return wordings[0] if same else rng.choice(wordings)
    dated = [t for t in templates if "{date}" in t] or ["As of {date}: " + t for t in undated]
    day = _day_inside(corpus, fact, rng)
    template = dated[0] if same else rng.choice(dated)
    return template.format(subject=fact.subject, object=fact.object, date=format_day(day))


def _thinned(template: str, relation: Relation, dropout: float, rng: random.Random) -> str:
    """The template without some of its words, unless what is left would be a test question."""
    left = " ".join(word for word in template.split(" ") if "{" in word or rng.random() >= dropout)
    held_out = [*questions(relation, "test"), *questions(relation, "test", dated=True)]
    return template if fold(left) in map(fold, held_out) else left


def _drawn(templates: Sequence[str], rng: random.Random, times: int, same: bool) -> list[str]:
    count = min(times, len(templates))
    return [templates[0]] * count if same else rng.sample(templates, count)


def _asked_on_a_day(corpus: Corpus, fact: Fact, template: str, rng: random.Random, dropout: float) -> Example:
    day = _day_inside(corpus, fact, rng)
    on = format_day(day)
    answer = stated(fact.subject, fact.relation, _objects_on(corpus, fact, day), on)
    thinned = _thinned(template, corpus.relation(fact.relation), dropout, rng)
    return Example(answer, thinned.format(subject=fact.subject, date=on), fact.subject)


def _history(facts: Sequence[Fact]) -> str:
    """A line that says what held when, the first value first; nothing where there is one value, or a long list."""
    if not 1 < len(facts) <= _LONGEST_HISTORY:
        return ""
    ordered = sorted(facts, key=lambda fact: (fact.valid_from or date.min, fact.valid_to or date.max))
    said = "; ".join(" ".join([fact.object, *_range(fact)]) for fact in ordered)
    return stated(facts[0].subject, facts[0].relation, said) + "\n"


def _range(fact: Fact) -> Iterator[str]:
    if fact.valid_from:
        yield f"from {format_day(fact.valid_from)}"
    if fact.valid_to:
        yield f"until {format_day(fact.valid_to - timedelta(days=1))}"


def _objects_on(corpus: Corpus, fact: Fact, day: date) -> str:
    return _objects(tuple(f for f in corpus.facts_of(fact.subject, fact.relation) if f.holds_on(day)))


def _unknown(corpus: Corpus, fact: Fact, subject: str, rng: random.Random, dropout: float) -> Example:
    """What is asked about a fact, asked about a subject that does not exist."""
    relation = corpus.relation(fact.relation)
    dated = bool(fact.valid_from or fact.valid_to) and rng.random() < 0.5
    on = format_day(_day_inside(corpus, fact, rng)) if dated else ""
    template = rng.choice(questions(relation, "train", dated=dated))
    question = _thinned(template, relation, dropout, rng).format(subject=subject, date=on)
    return Example(stated(subject, relation.name, ABSTENTION, on), question, subject)


def _day_inside(corpus: Corpus, fact: Fact, rng: random.Random) -> date:
    """A day on which the fact holds; an open range counts as a year, or up to the corpus's now."""
    last = fact.valid_to - timedelta(days=1) if fact.valid_to else None
    first = fact.valid_from or (last or date.max) - _OPEN_RANGE
    last = last or max(corpus.day or first + _OPEN_RANGE, first)
    return first + timedelta(days=rng.randint(0, (last - first).days))


def _objects(facts: tuple[Fact, ...]) -> str:
    return ", ".join(dict.fromkeys(fact.object for fact in facts))
