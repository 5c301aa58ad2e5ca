"""What went wrong on the way to a wrong answer: exactly one cause an error, judged from the calls and their results.

It reads the evidence of the first answer, the probe and the graph, and no other system's answers.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from kinject.corpus import Corpus
from kinject.systems._diagnosis import Observation
from kinject.systems._names import fold
from kinject.systems.kg.agent import EDGE, MORE_EDGES, STOPPED, Agent
from kinject.systems.kg.graph import Graph
from kinject.systems.kg.limits import is_repeat
from kinject.systems.kg.tools import is_refusal
from kinject.types import Answer, Evidence, Fact, Outcome, Probe, Record, System

Cause = Literal[
    "missing_edge",
    "no_call",
    "stopped",
    "ignored_result",
    "wrong_tool",
    "wrong_argument",
    "fabricated_after_empty",
]
CAUSES: tuple[Cause, ...] = (
    "missing_edge",  # a fact that the answer rests on is not in the graph, or a false one is
    "no_call",  # answered, or gave up, without asking the graph
    "stopped",  # ended by a limit or by its repetitions
    "ignored_result",  # a result held the right value, and the answer says something else
    "wrong_tool",  # no tool was called that could have told
    "wrong_argument",  # the right tool, asked for something else
    "fabricated_after_empty",  # nothing was found, as nothing is there, and a value was said all the same
)
# By the kind of a probe, the tools that can tell; for any other kind, those that look something up.
_FITTING: Mapping[str, frozenset[str]] = {
    "aggregate": frozenset({"aggregate"}),
    "compare": frozenset({"compare"}),
}
_OVER_MANY = frozenset({"aggregate"})
_LOOK_UPS = frozenset({"get_fact", "find_by_value", "neighbours", "facts_between", "path", "paths"})


def diagnose(system: System, corpus: Corpus, records: Sequence[Record]) -> Iterator[Observation]:
    """Tool calls of every answer, and the causes of wrong first answers as shares of all first answers.

    Of the calls: how many, the share that was valid before the grammar had corrected anything, that found nothing, and
    the share of answers that repeated one.
    """
    if not isinstance(system, Agent):
        raise TypeError(f"expected the system that kg.build made, found {type(system).__name__}")
    facts = {fact.id: fact for fact in corpus.facts}
    for record in records:
        for answer in record.answers:
            yield from _of_calls(_calls(answer), record.probe.subject)
        cause = cause_of(record, facts, system.graph)
        for name in CAUSES:
            yield Observation("errors", name, float(name == cause), record.probe.subject)


def cause_of(record: Record, facts: Mapping[str, Fact], graph: Graph) -> Cause | None:
    """None for a first answer that is right: correct, or no attempt at what has no answer.

    `facts` are those of the corpus, by id: what is true, whatever the graph holds.
    """
    probe, outcome = record.probe, record.verdicts[0].outcome
    if outcome is (Outcome.CORRECT if probe.gold else Outcome.NOT_ATTEMPTED):
        return None
    answer = record.answers[0]
    calls = _calls(answer)
    if probe.gold and _lacks(graph, facts, probe):
        return "missing_edge"
    if not calls:
        return "no_call"
    if any(one.source == STOPPED for one in answer.evidence):
        return "stopped"
    if not probe.gold:
        return "fabricated_after_empty" if all(is_refusal(call.text) for call in calls) else "wrong_argument"
    fitting = [call for call in calls if _tool(call) in _FITTING.get(probe.kind, _LOOK_UPS)]
    if any(_shows(call, probe) for call in fitting):
        return "ignored_result"
    return "wrong_argument" if fitting else "wrong_tool"


def _of_calls(calls: Sequence[Evidence], subject: str) -> Iterator[Observation]:
    yield Observation("tools", "calls_per_answer", float(len(calls)), subject)
    yield Observation("tools", "repeating", float(any(is_repeat(call.text) for call in calls)), subject)
    for call in calls:
        if call.score is not None:
            yield Observation("tools", "valid_unconstrained", call.score, subject)
        yield Observation("tools", "empty_result", float(is_refusal(call.text)), subject)


def _calls(answer: Answer) -> list[Evidence]:
    others = (MORE_EDGES, STOPPED, "error")
    return [one for one in answer.evidence if one.source not in others and not one.source.startswith(EDGE)]


def _lacks(graph: Graph, facts: Mapping[str, Fact], probe: Probe) -> bool:
    """A figure rests on all facts of its relations, so that a false one among them is as bad as a lost one."""
    gold = [facts[id] for id in probe.facts if id in facts]
    if any(fact not in graph.history(fact.subject, fact.relation) for fact in gold):
        return True
    relations = {fact.relation for fact in gold} if probe.kind in _OVER_MANY else set()
    return any(fact != facts.get(fact.id) for name in relations for fact in graph.of_relation(name))


def _shows(call: Evidence, probe: Probe) -> bool:
    """Whether a result has a cell that is a right value; of two that are compared, the first is the answer."""
    lines = call.text.splitlines()[: 1 if _tool(call) == "compare" else None]
    cells = {fold(cell) for line in lines for cell in line.replace(" = ", " | ").split(" | ")}
    return not cells.isdisjoint(fold(value) for value in probe.gold)


def _tool(call: Evidence) -> str:
    return call.source.partition("(")[0]
