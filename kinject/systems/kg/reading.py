"""What the tools' arguments mean in a graph, and how facts and refusals are worded as results.

A misspelt or ambiguous name, a day that cannot be read and an empty result raise a Refusal, which the agent reads.
"""

from collections.abc import Sequence
from datetime import date

from kinject.corpus import parse_day
from kinject.errors import CorpusError
from kinject.systems.kg.graph import Graph, lines
from kinject.systems.kg.schema import Refusal, ToolResult
from kinject.types import Fact

MAX_LINES = 12
MAX_CANDIDATES = 5
_MAX_ECHOED_CHARS = 80


def entity_named(graph: Graph, name: str) -> str:
    meant = graph.names.resolve(name)
    if not meant.found:
        raise Refusal(several(name, meant.candidates) if meant.candidates else unknown(name))
    return meant.found


def day_of(on: str) -> date | None:
    if not on.strip():
        return None
    try:
        return parse_day(on)
    except CorpusError as error:
        raise Refusal(f"cannot read the date {echo(on)}") from error


def fact_of(graph: Graph, name: str, relation: str, on: str) -> Fact:
    """The fact of an entity on a day; what has several at once, as lists have, is no number anyway."""
    facts = graph.facts(name, relation, day_of(on))
    if not facts:
        raise Refusal(not_known(relation, f"for {name}", on))
    return facts[0]


def with_value(graph: Graph, relation: str, value: str, day: date | None) -> Sequence[Fact]:
    found = graph.with_value(relation, value, day)
    if found.candidates:
        raise Refusal(several(value, found.candidates))
    return found.facts


def matching(graph: Graph, relation: str, value: str, day: date | None) -> tuple[Fact, ...]:
    """The facts with the value; no value is any."""
    found = tuple(with_value(graph, relation, value, day))
    if not found:
        raise Refusal(f"nothing has {relation} {echo(value)}".rstrip())
    return found


def told(facts: Sequence[Fact], otherwise: str) -> ToolResult:
    """A line a fact, as far as they are not too many; all facts are the artifact."""
    shown = lines(facts)
    more = (f"and {len(shown) - MAX_LINES} more",) if len(shown) > MAX_LINES else ()
    return "\n".join((*shown[:MAX_LINES], *more)) or otherwise, tuple(facts)


def not_known(relation: str, of: str, on: str) -> str:
    return " ".join(part for part in (f"no {relation} known", of, f"on {echo(on)}" if on.strip() else "") if part)


def several(name: str, candidates: Sequence[str]) -> str:
    return f"several entities match {echo(name)}: {'; '.join(candidates[:MAX_CANDIDATES])}"


def unknown(name: str) -> str:
    return f"no entity named {echo(name)}"


def echo(text: str) -> str:
    """What the model wrote, on one line, of bounded length and without the bar that marks a result."""
    return " ".join(text.replace("|", " ").split())[:_MAX_ECHOED_CHARS]
