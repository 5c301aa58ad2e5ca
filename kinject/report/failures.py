"""The ten failures that tell most: confident, avoidable, and different from each other.

A failure tells more the surer the system was and the more of the others had the same probe right.
"""

import re
from collections import Counter
from collections.abc import Sequence

from kinject.probes.pushback import NEUTRAL
from kinject.report import parts, wording
from kinject.report.compare import is_right
from kinject.report.parts import Failure, Section
from kinject.report.results import Results
from kinject.types import Answer, Outcome, Record

SHOWN = 10
_EVIDENCE_SHOWN, _EVIDENCE_CHARACTERS = 3, 400
_MEANING = {
    "stale": "a value of another date",
    "confused": "another entity's value",
    "in_domain": "a value that nobody has",
    "fabricated": "an invention",
    "several": "several values at once",
    "incomplete": "only a part of a list",
    "unparsed": "nothing that could be read",
}
_WHERE = (
    "Every heading is the address of its record within this page; the line is that of the record in the run's "
    "records.jsonl, which holds the whole dialogue with all evidence."
)
_UNSAFE = re.compile(r"[^\w.-]", re.ASCII)
_TITLE = {False: "The most telling failure", True: "The most telling failures"}
_MARKS = {Outcome.CORRECT: "right", Outcome.INCORRECT: "wrong", Outcome.NOT_ATTEMPTED: "no answer"}


def section(results: Results) -> Section | None:
    found = telling(results)
    lead = (
        "Chosen to differ in system, family and kind of error; among those that differ equally, the most confident "
        "errors and those that other systems avoided. They show what goes wrong, not how often.",
    )
    return Section("failures", _TITLE[len(found) > 1], lead, failures=found, notes=(_WHERE,)) if found else None


def telling(results: Results) -> tuple[Failure, ...]:
    right: dict[str, set[str]] = {}
    asked: dict[str, set[str]] = {}
    for record in results.records:
        asked.setdefault(record.probe.id, set()).add(record.system)
        if _stood(record):
            right.setdefault(record.probe.id, set()).add(record.system)
    wrong = [record for record in results.records if record.system in results.candidates and failed(record)]
    wrong.sort(key=lambda record: (-_weight(record, right.get(record.probe.id, set())), record.key))
    return tuple(
        _failure(record, results.line(record), right.get(record.probe.id, set()), asked[record.probe.id])
        for record in _varied(wrong)
    )


def failed(record: Record) -> bool:
    """Wrong in the single turn, or talked out of a right answer; a neutral re-ask talks nobody out of anything."""
    if not record.probe.turns:
        return not is_right(record)
    first, last = record.verdicts[0].outcome, record.verdicts[-1].outcome
    return record.probe.variant != NEUTRAL and first is Outcome.CORRECT and last is not Outcome.CORRECT


def _stood(record: Record) -> bool:
    """Right, and still right at the end; what was wrong at first cannot be talked out of anything either."""
    if not record.probe.turns:
        return is_right(record)
    return record.verdicts[0].outcome is record.verdicts[-1].outcome is Outcome.CORRECT


def _weight(record: Record, right: set[str]) -> float:
    return record.answers[0].confidence + len(right)


def _traits(record: Record) -> tuple[tuple[str, str], ...]:
    error = record.verdicts[-1].error or str(record.verdicts[-1].outcome)
    return ("system", record.system), ("family", record.probe.kind), ("error", f"{record.probe.variant} {error}")


def _varied(records: Sequence[Record]) -> list[Record]:
    """One after the other, each time of those with the least that was shown before; one probe is shown once.

    `records` have the most telling first.
    """
    shown: Counter[tuple[str, str]] = Counter()
    left, found = list(records), list[Record]()
    while left and len(found) < SHOWN:
        chosen = min(left, key=lambda record: sum(shown[trait] for trait in _traits(record)))
        found.append(chosen)
        shown.update(_traits(chosen))
        left = [record for record in left if record.probe.id != chosen.probe.id]
    return found


def _failure(record: Record, line: int, right: set[str], asked: set[str]) -> Failure:
    turns = [parts.Turn("asked", record.probe.question), _said(record, 0)]
    for n, text in enumerate(record.probe.turns, start=1):
        turns += [parts.Turn("user", text), _said(record, n)]
    answer = record.answers[0] if not record.probe.turns else record.answers[-1]
    return Failure(
        id="/".join(_UNSAFE.sub("-", part) for part in (record.system, record.probe.id, str(record.seed))),
        record=f"records.jsonl, line {line}: {record.system}, {record.probe.id}, seed {record.seed}",
        headline=_headline(record),
        system=record.system,
        turns=tuple(turns),
        expected=" or ".join(record.probe.gold) or "to say that it does not know",
        others=_others(record.system, right, asked),
        evidence=_evidence(answer),
    )


def _said(record: Record, n: int) -> parts.Turn:
    answer, verdict = record.answers[n], record.verdicts[n]
    mark = _MARKS[verdict.outcome]
    if not record.probe.gold and verdict.outcome is not Outcome.NOT_ATTEMPTED:
        mark = "answered the unanswerable"
    sure = "" if answer.confidence_method == "unavailable" else f", confidence {answer.confidence:.2f}"
    return parts.Turn(record.system, answer.text or "(nothing)", f"{mark}{sure}")


def _headline(record: Record) -> str:
    if record.probe.turns:
        return f"gave up a right answer ({wording.name(record.probe.variant)})"
    verdict = record.verdicts[0]
    family = "answerable look-alike" if record.probe.kind == "unanswerable" else wording.name(record.probe.kind)
    if not record.probe.gold:
        return "answered what nobody can know"
    if verdict.outcome is Outcome.NOT_ATTEMPTED:
        return f"{family}: did not answer"
    meaning = _MEANING.get(verdict.error, verdict.error)
    return f"{family}: {meaning or 'wrong'}"


def _others(system: str, right: set[str], asked: set[str]) -> str:
    others = asked - {system}
    if not others:
        return ""
    had = [wording.name(name) for name in sorted(right - {system})]
    return f"{wording.listed(had)} had it right" if had else "no other system had it right"


def _evidence(answer: Answer) -> tuple[tuple[str, str], ...]:
    shown = []
    for item in answer.evidence[:_EVIDENCE_SHOWN]:
        source = item.source if item.score is None else f"{item.source} (score {item.score:.2f})"
        cut = item.text[:_EVIDENCE_CHARACTERS]
        shown.append((source, cut + ("…" if len(item.text) > _EVIDENCE_CHARACTERS else "")))
    return tuple(shown)
