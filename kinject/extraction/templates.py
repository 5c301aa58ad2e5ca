"""The statements of known relations, read backwards: "{subject} costs {object}." finds what costs how much.

Only statements without a date: one that names a day does not say from when to when it held.
"""

import re
from collections.abc import Iterator, Sequence

from kinject.extraction.clauses import NAME, PRONOUN, Said, clauses
from kinject.extraction.values import is_amount, is_day, value_of, without_span
from kinject.types import Relation


class Templates:
    """Compiled once for all documents."""

    def __init__(self, relations: Sequence[Relation]) -> None:
        self._patterns = tuple(
            (relation, re.compile(_pattern(statement)))
            for relation in relations
            for statement in relation.statements
            if "{date}" not in statement
        )

    def said(self, sentence: str) -> Iterator[Said]:
        """What the sentence, or a clause of it, says in a relation's own words."""
        seen = set()
        for clause in clauses(sentence) if self._patterns else ():
            text = without_span(f"{clause.subject} {clause.said}".strip()).text
            for relation, pattern in self._patterns:
                found = pattern.fullmatch(text)
                value = value_of(found["object"]) if found else ""
                if found and value and _fits(value, found["object"], relation):
                    said = Said(found["subject"], relation.name, value)
                    if said not in seen:
                        seen.add(said)
                        yield said


def _pattern(statement: str) -> str:
    parts = re.split(r"(\{subject\}|\{object\})", statement.rstrip(".!"))
    groups = {"{subject}": rf"(?P<subject>{NAME}|{PRONOUN})", "{object}": r"(?P<object>.+?)"}
    seen: set[str] = set()
    pattern = ""
    for part in parts:
        name = part.strip("{}")
        pattern += groups.get(part, re.escape(part)) if part not in seen else f"(?P={name})"
        if part in groups:
            seen.add(part)
    return pattern


def _fits(value: str, found: str, relation: Relation) -> bool:
    """Whether the whole of what was found is a value of the relation's kind."""
    if relation.kind == "number":
        return is_amount(value)
    if relation.kind == "date":
        return is_day(value)
    return value == found.strip(" .") and not is_amount(value)
