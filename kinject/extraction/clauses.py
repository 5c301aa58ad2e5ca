"""A sentence as simple clauses: a subject, and what is said of it.

"Made in Spain, the Ava 5, which weighs 2 kg, costs 10 EUR." is three of them. English only, by its connecting words;
a sentence that fits no form gives nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_CHARS = 400  # the forms look at a sentence in many ways, and what is longer is no plain statement
# Words that begin a sentence with a capital and no name.
_NO_NAME = (
    r"(?!(?:Today|Now|Currently|Every|Each|All|Some|Many|Most|Few|Both|There|Here|Then|This|That|These|Those|If|When|While"
    r"|Where|Because|Although|As|At|In|On|By|For|From|With|Since|Until|After|Before|But|And|Or|So|Its?|His|Her|Their|Our"
    r"|Your|My|Who|What|Which|Why|How|Not|No|Yes|Also|Only|Another|Other|One|Two|Its|He|She|They|We|You|I|A|An)\b)"
)
_WORD = rf"{_NO_NAME}[^\Wa-z\u00df-\u00f6\u00f8-\u00ff_][\w'\u2019./&+-]*"
_NEXT = r"[^\Wa-z\u00df-\u00f6\u00f8-\u00ff_][\w'\u2019./&+-]*"
# A run of words that begin with a capital or a digit: Vontriq 45 Pro, Chester A. Arthur, the United States of America.
NAME = rf"(?:[Tt]he )?{_WORD}(?: (?:(?:of|de|van|von|da|del|la|le|the|and the) )*{_NEXT})*"
PRONOUN = r"(?:[Ii]t|[Hh]e|[Ss]he|[Tt]hey)"
# "The company" is what the page is about; "the battery" is only a part of it.
_THING = (
    r"(?:[Tt]he|[Tt]his) (?:product|company|device|model|item|book|film|movie|album|song|city|town|village|country"
    r"|river|mountain|building|bridge|ship|car|person|system|tool|machine|species|band|team|club|school|university|museum"
    r"|organi[sz]ation|project|game|network|station|island)"
)
SUBJECT = rf"(?:{PRONOUN}|{_THING}|{NAME})"
VERB = (
    r"(?:is|was|are|were|has|have|had|weighs|weighed|costs|cost|measures|measured|lasts|lasted|sells|sold|goes|went|comes"
    r"|came|carries|features|offers|became|become|opened|closed|died|began|started|ended|appeared|launched|debuted|lives"
    r"|lived|works|worked|plays|played|uses|used|runs|ran|holds|held|hails|owes|puts|belongs|belonged|contains|consists"
    r"|took|stands|dates|originates|called|served|led|succeeded|followed)"
)
_FRONT = (
    r"(?:[A-Z][a-z]+(?:ed|wn|lt|ught)|Made|Born|Built|Known|Compatible|Available|Based|Located|Set|Held|Sold|With|At)"
)
_FRONTED = re.compile(rf"(?P<front>{_FRONT} [^,]+), (?P<rest>{SUBJECT}\b.+)")
_RELATIVE = re.compile(rf"(?P<subject>{SUBJECT}), (?:which|who) (?P<inner>{VERB} [^,]+(?:, \d{{4}})?), (?P<said>.+)")
_TRAILING = re.compile(rf"(?P<head>.*?)(?P<subject>{NAME}), (?:which|who) (?P<said>{VERB} .+)")
_PLAIN = re.compile(rf"(?P<subject>{SUBJECT}) (?P<said>{VERB}\b.*)")
_AND = re.compile(rf",? (?:and|but) (?={VERB}\b)|,? (?:and|but) (?:it|he|she|they) (?={VERB}\b)")
_AND_OTHER = re.compile(rf",? (?:and|while|but) (?=(?:{NAME}|[Ii]ts [a-z ]+|[Hh](?:is|er) [a-z ]+) {VERB}\b)")
_LEAD = re.compile(
    rf"(?!For |As for )(?:[A-Z][a-z]+(?: [\w']+){{0,5}}), (?=(?:{SUBJECT}|[Tt]he|[Ii]ts|[Hh](?:is|er)|[Tt]heir)\b)"
)


@dataclass(frozen=True)
class Clause:
    """`said` begins with the verb. With no subject, `said` is a whole sentence that has another form."""

    subject: str
    said: str


@dataclass(frozen=True)
class Said:
    """What a form of sentence was found to say; a subject "" or a pronoun is the topic."""

    subject: str
    attribute: str
    value: str


def clauses(sentence: str) -> Iterator[Clause]:
    """None of a sentence of more than LONGEST_CHARS."""
    text = " ".join(sentence.split()).rstrip(".!? ")
    if len(text) > LONGEST_CHARS:
        return
    lead = _LEAD.match(text)
    if lead and not re.match(_FRONT, text):
        text = text[lead.end() :]
    text = re.sub(r"^(?:Today|Now|Currently|Every|Each|Any) (?=[^\Wa-z_])", "", text)
    for part in _AND_OTHER.split(text):
        part = part.strip(" ,")
        yield from _simple(part[:1].upper() + part[1:])


def _simple(text: str) -> Iterator[Clause]:
    yield Clause("", text)
    fronted = _FRONTED.fullmatch(text)
    rest = [clause for clause in _simple(fronted["rest"]) if clause.subject] if fronted else []
    if fronted and rest:
        yield Clause(rest[0].subject, _verbal(fronted["front"]))
        yield from rest
        return
    if found := _RELATIVE.fullmatch(text):
        yield from _said(found["subject"], found["inner"])
        yield from _said(found["subject"], found["said"])
    elif found := _TRAILING.fullmatch(text):
        yield from _said(found["subject"], found["said"])
        if found["head"]:
            yield from _simple(f"{found['head']}{found['subject']}")
    elif found := _PLAIN.fullmatch(text):
        yield from _said(found["subject"], found["said"])


def _said(subject: str, said: str) -> Iterator[Clause]:
    for part in _AND.split(said):
        yield Clause(subject, part.strip(" ,"))


def _verbal(front: str) -> str:
    """What stands in front as what would stand behind: "is made in Spain", "has a weight of 2 kg"."""
    word, _, rest = front.partition(" ")
    if word == "With":
        return f"has {rest}"
    return front if word == "At" else f"is {word.lower()} {rest}"
