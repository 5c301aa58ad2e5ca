"""Facts from the usual forms of English sentences and from pairs, without a model.

Nothing here knows a corpus: what is measured, when something began and who made it are said in few ways. A form that
is not among them is passed over, and so is a value that could be anything.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from kinject.corpus.schema import humanise
from kinject.extraction.claims import Claim, Extractor, Found
from kinject.extraction.clauses import NAME, PRONOUN, SUBJECT, Clause, Said, clauses
from kinject.extraction.passages import Passage, passages
from kinject.extraction.templates import Templates
from kinject.extraction.values import Span, is_amount, is_day, value_of, without_lead, without_span
from kinject.progress import Progress, Step, silent
from kinject.types import Document, Relation

_ATTRIBUTE = r"(?P<attribute>[a-z][\w-]*(?: (?:of )?[a-z][\w-]*){0,3}?)"
_BE = r"(?:is|was|are|were)"
_LISTED = r"(?: (?:recorded|given|listed|known|stated|called) as)?:?"
# A whole clause; subject "" is the topic.
_SENTENCES = (
    rf"The {_ATTRIBUTE} (?:of|for|on|given for) (?P<subject>{NAME}) (?:{_BE}{_LISTED}|lasts|amounts to) (?P<value>.+)",
    rf"(?:Its|His|Her|Their|The) {_ATTRIBUTE} {_BE}{_LISTED} (?P<value>.+)",
    rf"(?P<subject>{NAME})['\u2019]s? {_ATTRIBUTE} {_BE}{_LISTED} (?P<value>.+)",
    rf"For (?P<subject>{NAME}), the {_ATTRIBUTE} {_BE} (?P<value>.+)",
    rf"As for (?:the )?{_ATTRIBUTE}, (?P<subject>{NAME}) has (?P<value>.+)",
    rf"(?P<subject>{NAME}): the {_ATTRIBUTE} {_BE} (?P<value>.+)",
    rf"(?P<value>{NAME}) {_BE} (?:its|his|her|their) {_ATTRIBUTE}",
    rf"(?P<value>{NAME}) {_BE} the {_ATTRIBUTE} of (?P<subject>{NAME}|him|her|it)",
)
# What is said behind the subject. `verb` and `by` name the attribute through a table, `role` by itself.
_PREDICATES = (
    rf"(?:has|have|had|carries|offers|features|comes with|came with|is listed with) (?:an?|the) {_ATTRIBUTE} (?:of )?"
    r"(?P<value>(?:(?<=of )|(?=[\d$\u20ac\u00a3]|[^\Wa-z_])).+)",
    r"(?:(?:has|have|had) )?(?P<verb>weighs|weighed|costs?|sells for|goes for|measures|measured|lasts|lasted)"
    r" (?P<value>.+)",
    rf"{_BE} (?P<value>[\d.,]+ [^\W\d_]+) (?P<verb>wide|long|high|tall|deep|thick|heavy|old)\b.*",
    rf"(?:{_BE} (?:an? )?|(?:has been|have been|became|was elected|was appointed) (?:an? |the )?)"
    r"(?P<role>(?!the )[a-z][\w-]*(?: [a-z][\w-]*){0,3}? of)"
    rf" (?P<value>{NAME}.*)",
    rf"(?:{_BE}|has been|have been) (?:\w+ly )?(?P<by>[a-z-]+(?:ed|wn|lt|de|rn|nt|ld|ne|ght|ilable|ible|ten|sed|uilt) "
    r"(?:by|in|from|of|with|on|at|for)) (?P<value>.+)",
    r"(?P<verb>went on sale|came out|opened|closed|died|began|started|ended|appeared|launched|debuted)"
    r" (?:on|in) (?P<value>.+)",
    r"(?P<verb>comes from|came from|hails from|lives in|lived in|works for|worked for|plays for|played for|belongs to"
    r"|took over from|dates from|uses|runs on|contains|consists of) (?P<value>.+)",
)
# Nouns for what verbs say; for others the attribute is the words themselves: "painted with".
_NOUNS = {
    "weighs": "weight",
    "weighed": "weight",
    "cost": "price",
    "costs": "price",
    "sells for": "price",
    "goes for": "price",
    "measures": "size",
    "measured": "size",
    "lasts": "duration",
    "lasted": "duration",
    "wide": "width",
    "long": "length",
    "high": "height",
    "tall": "height",
    "deep": "depth",
    "thick": "thickness",
    "heavy": "weight",
    "old": "age",
    "went on sale": "launch date",
    "came out": "release date",
    "launched": "launch date",
    "opened": "opening date",
    "closed": "closing date",
    "died": "death date",
    "began": "start date",
    "started": "start date",
    "ended": "end date",
    "appeared": "release date",
    "debuted": "release date",
    "comes from": "origin",
    "came from": "origin",
    "hails from": "origin",
    "lives in": "home",
    "lived in": "home",
    "works for": "employer",
    "worked for": "employer",
    "plays for": "team",
    "played for": "team",
    "took over from": "predecessor",
    "dates from": "date",
    "designed by": "designer",
    "written by": "author",
    "founded by": "founder",
    "built by": "builder",
    "invented by": "inventor",
    "directed by": "director",
    "composed by": "composer",
    "painted by": "painter",
    "developed by": "developer",
    "made by": "maker",
    "manufactured by": "manufacturer",
    "produced by": "producer",
    "published by": "publisher",
    "owned by": "owner",
    "created by": "creator",
    "followed by": "successor",
    "succeeded by": "successor",
    "preceded by": "predecessor",
    "made of": "material",
    "made from": "material",
}
# With a day behind "on" or "in" the same verbs date something.
_DATED = {
    "born": "birth date",
    "founded": "founding date",
    "established": "founding date",
    "launched": "launch date",
    "released": "release date",
    "published": "publication date",
    "introduced": "introduction date",
    "built": "construction date",
    "completed": "completion date",
    "opened": "opening date",
    "closed": "closing date",
    "discovered": "discovery date",
    "invented": "invention date",
    "created": "creation date",
    "signed": "signing date",
}
# Attributes that say nothing of what they are.
_VAGUE = re.compile(
    r"(?i)(?:name|only|first|last|next|same|most|best|one|other|result|reason|problem|idea|point|rest|way|question"
    r"|answer|fact|case|example|note|warning|tip|important|todo|see also|usage|or|and|that|which|there|number|kind|part"
    r"|type|sort|member|time)(?: of)?"
)


def extractor(relations: Sequence[Relation] = ()) -> Extractor:
    """Reads the general forms and, where relations are known, the statements that they are phrased in."""
    templates = Templates(relations)

    def find(documents: Sequence[Document], progress: Progress = silent) -> Found:
        claims: list[Claim] = []
        for number, document in enumerate(documents, start=1):
            claims += _claims(document, templates)
            if number % 100 == 0 or number == len(documents):
                progress(Step("extract", number, len(documents), f"{len(claims)} claims"))
        return Found(tuple(claims))

    return find


def attribute_label(attribute: str) -> str:
    """The words of an attribute as a relation is called; "" for those that name none."""
    attribute = re.sub(rf" {_BE} \w+ as$", "", attribute.strip())
    label = re.sub(r"[{}]", "", humanise(re.sub(r"(?i)^(?:the|an?|its|his|her|their) ", "", attribute)))
    return "" if _VAGUE.fullmatch(label) or len(label.split()) > 5 or not label[0].isalpha() else label


def _claims(document: Document, templates: Templates) -> Iterator[Claim]:
    """A pronoun is the topic of its part of the page or, without one, the subject of the sentence before."""
    last = ""
    for passage in passages(document):
        topic = passage.topic or last
        parts = [passage.text] if passage.pairs else re.split(r";\s+", passage.text)
        for part in parts:
            for read in _read(passage, without_lead(part), topic, templates):
                subject = _resolved(read.said.subject, topic)
                if subject and read.value and read.attribute and read.value.casefold() != subject.casefold():
                    days = (None, None) if is_day(read.value) else (read.start, read.end)
                    yield Claim(subject, read.attribute, read.value, document.id, passage.text, *days)
        last = _named(passage.text) or last


@dataclass(frozen=True)
class _Reading:
    """What was said, with its value cut off from what follows it."""

    said: Said
    attribute: str
    value: str
    start: date | None
    end: date | None


def _read(passage: Passage, lead: Span, topic: str, templates: Templates) -> Iterator[_Reading]:
    """A value that a known relation's statement gave is not read a second time in general words."""
    phrased = [_reading(said, said.attribute, lead, is_whole=False) for said in templates.said(lead.text)]
    yield from phrased
    values = {reading.value for reading in phrased}
    for said in _said(passage, lead.text, topic):
        reading = _reading(said, attribute_label(said.attribute), lead, is_whole=bool(passage.pairs))
        if reading.value not in values:
            yield reading


def _reading(said: Said, attribute: str, lead: Span, *, is_whole: bool) -> _Reading:
    span = without_span(said.value)
    held = lead if span.start is None and span.end is None else span
    value = span.text.strip() if is_whole else value_of(span.text)
    return _Reading(said, attribute, value, held.start, held.end)


def _said(passage: Passage, text: str, topic: str) -> Iterator[Said]:
    if passage.pairs:
        yield from (Said("", pair.attribute, pair.value) for pair in passage.pairs)
        return
    for clause in clauses(text):
        found = _of_predicate(clause) if clause.subject else _of_sentence(clause.said, topic)
        if found:
            yield found


def _of_sentence(text: str, topic: str) -> Said | None:
    for pattern in _COMPILED_SENTENCES:
        found = pattern.fullmatch(text)
        if not found:
            continue
        parts = found.groupdict()
        # "Bo is the head of Ava" on a page about Bo says what Bo is.
        if pattern is _COMPILED_SENTENCES[-1] and parts["value"] == topic:
            return Said(parts["value"], f"{parts['attribute']} of", parts["subject"])
        return Said(parts.get("subject") or "", parts["attribute"], parts["value"])
    return None


def _of_predicate(clause: Clause) -> Said | None:
    for pattern in _COMPILED_PREDICATES:
        found = pattern.fullmatch(clause.said)
        if not found:
            continue
        parts = found.groupdict()
        value = parts["value"]
        attribute = parts.get("attribute") or parts.get("role") or ""
        if by := parts.get("by"):
            verb, preposition = by.split()
            dated = preposition in ("on", "in") and is_day(value_of(value))
            attribute = _DATED.get(verb, f"{verb} date") if dated else _NOUNS.get(by, by)
        elif verb := parts.get("verb") or "":
            attribute = _NOUNS.get(verb, verb)
            if attribute.endswith("date") != is_day(value_of(value)):
                return None
            if attribute in ("weight", "price", "size", "duration") and not is_amount(value_of(value)):
                return None
        return Said(clause.subject, attribute, value)
    return None


def _resolved(subject: str, topic: str) -> str:
    if not subject or re.fullmatch(rf"{PRONOUN}|[Hh]im|[Hh]er|[Ii]t", subject):
        return topic
    if re.match(r"[Tt]h(?:e|is) [a-z]", subject):
        return topic
    if topic and subject.casefold().removeprefix("the ") == topic.casefold().removeprefix("the "):
        return topic
    return subject


def _named(sentence: str) -> str:
    """The subject that a sentence names, for the pronouns of the next one."""
    found = re.match(rf"(?P<name>{SUBJECT})\b", sentence)
    name = found["name"] if found else ""
    is_other = re.fullmatch(PRONOUN, name) or re.match(r"[Tt]h(?:e|is) [a-z]", name) or len(name.split()) < 2
    return "" if is_other else name


_COMPILED_SENTENCES = tuple(re.compile(pattern) for pattern in _SENTENCES)
_COMPILED_PREDICATES = tuple(re.compile(pattern) for pattern in _PREDICATES)
