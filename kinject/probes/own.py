"""Own: the probes of a user, read from a file of questions with their answers instead of being made from the corpus.

A question and its gold are enough; an empty gold says that there is no answer. With a relation of the corpus the answer
is graded as that relation's values are, without one by the gold alone. The kind is a label, but for two: `inverse` asks
who has a value of the relation, and `count` how many do.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rapidfuzz import process

from kinject.corpus import Corpus
from kinject.corpus.importing import read_table
from kinject.corpus.table import Row, Table, read_text
from kinject.errors import CorpusError
from kinject.grading import Grader, same_words
from kinject.probes import _scoring
from kinject.probes._choosing import probe_id
from kinject.types import Estimate, Outcome, Probe, Record

KIND = "own"
NEEDED = ("question", "gold")
COLUMNS = (*NEEDED, "id", "kind", "relation", "subject")
FORMATS = (".jsonl", ".ndjson", ".csv", ".tsv")
SHOWN_FAULTS = 5
METRICS = (
    _scoring.ACCURACY_METRICS
    | _scoring.CALIBRATION_METRICS
    | {"hallucination": "share of the questions without an answer that were answered instead of abstained from"}
)


@dataclass(frozen=True)
class Own:
    """The probes of all files, and each file as it was read, by the name under which a run keeps it."""

    probes: tuple[Probe, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def digests(self) -> dict[str, str]:
        """16 hex digits of each file."""
        return {name: hashlib.sha256(text.encode()).hexdigest()[:16] for name, text in self.files.items()}


def read(paths: Sequence[Path], corpus: Corpus) -> Own:
    """Raises CorpusError that names up to five faults, each with file and line, what is wrong and what to do."""
    reader = _Reader(corpus)
    for path in paths:
        reader.read(path)
    if reader.faults:
        more = f"; and {len(reader.faults) - SHOWN_FAULTS} more" if len(reader.faults) > SHOWN_FAULTS else ""
        raise CorpusError("; ".join(reader.faults[:SHOWN_FAULTS]) + more)
    files = {f"{number}-{path.name}": path.read_bytes().decode("utf-8") for number, path in enumerate(paths, start=1)}
    return Own(tuple(reader.probes), files)


def summarize(records: Sequence[Record]) -> dict[str, Estimate]:
    """METRICS of one system's records."""
    answerable = [record for record in records if record.probe.gold]
    unanswerable = [record for record in records if not record.probe.gold]
    return {
        **_scoring.accuracy(answerable),
        **_scoring.calibration(answerable),
        "hallucination": _scoring.share(unanswerable, _scoring.is_attempted),
    }


class _Reader:
    """Probes as they are read, and what is wrong with the lines that gave none."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus, self._grader = corpus, Grader(corpus)
        self._current = corpus.current()
        self._relations = [relation.name for relation in corpus.relations]
        self._seen: dict[tuple[str, str], str] = {}
        self.probes: list[Probe] = []
        self.faults: list[str] = []

    def read(self, path: Path) -> None:
        table = _table(path)
        self.faults += [f"{line.location}: {line.reason}" for line in table.rejected]
        without_gold = _lines_without_gold(path)
        for row in table.rows:
            probe = self._probe(row)
            fault = self._fault(row, probe, row.location in without_gold)
            if fault:
                self.faults.append(f"{row.location}: {fault}")
            else:
                self.probes.append(probe)

    def _probe(self, row: Row) -> Probe:
        question, relation, subject = (_text(row, name) for name in ("question", "relation", "subject"))
        gold = _gold(row)
        said = {same_words(value) for value in gold}
        facts = self._current.facts_of(subject, relation) if subject and relation else ()
        return Probe(
            id=f"{KIND}-{own}" if (own := _text(row, "id")) else probe_id(KIND, len(self.probes), question),
            kind=KIND,
            question=question,
            gold=gold,
            facts=tuple(f.id for f in facts if said & {same_words(value) for value in (f.object, *f.aliases)}),
            relation=relation,
            subject=subject,
            variant=_text(row, "kind"),
        )

    def _fault(self, row: Row, probe: Probe, lacks_gold: bool) -> str:
        """What is wrong with a line, and what to do; "" if nothing is."""
        if not probe.question:
            return "question is empty; write one, or delete the line"
        if lacks_gold:
            return 'gold is missing; write the answer, or "gold": "" where there is none'
        if probe.relation and probe.relation not in self._relations:
            return (
                f"no relation {probe.relation!r}{_near(probe.relation, self._relations)}; leave it out to grade by gold"
            )
        for name, value in (("question", probe.question), ("id", probe.id)):
            first = self._seen.setdefault((name, value), row.location)
            if first != row.location:
                return f"the {name} is that of {first}; delete one of them"
        return self._ungradable(probe)

    def _ungradable(self, probe: Probe) -> str:
        """A gold that is not right when it is the answer would be wrong whatever a system says."""
        kind = self._corpus.relation(probe.relation).kind if probe.relation else "text"
        if kind in ("number", "date") and probe.variant != "inverse" and any(map(_has_no_digit, probe.gold)):
            found = f"gold {probe.gold[0]!r} is no {kind}, and {probe.relation!r} is one"
            return f"{found}; leave out the relation, or write one"
        answer = ", ".join(probe.gold) if kind == "list" else "".join(probe.gold[:1])
        if not probe.gold or self._grader.grade(answer, probe).outcome is Outcome.CORRECT:
            return ""
        return f"gold {answer!r} would not be graded right if a system said it; write it in plain words"


def _table(path: Path) -> Table:
    if path.suffix.lower() not in FORMATS:
        raise CorpusError(f"{path} cannot hold probes; give a file that ends in {' or '.join(FORMATS)}")
    table = read_table(path)
    missing = [name for name in NEEDED if name not in table.columns]
    unknown = [f"{name!r}{_near(name, COLUMNS)}" for name in table.columns if name not in COLUMNS]
    if missing or unknown:
        fault = f"lacks {' and '.join(missing)}" if missing else f"has {', '.join(unknown)}"
        raise CorpusError(f"{path} {fault}; the columns of probes are question, gold, and id, kind, relation, subject")
    return table


def _lines_without_gold(path: Path) -> set[str]:
    """Of a JSON file, where an absent answer is told from an empty one; a CSV line has a cell for every column."""
    if path.suffix.lower() not in (".jsonl", ".ndjson"):
        return set()
    lines = enumerate(read_text(path).split("\n"), start=1)
    return {f"{path}:{number}" for number, line in lines if line.strip() and "gold" not in json.loads(line)}


def _text(row: Row, column: str) -> str:
    cell = row.cells.get(column, "")
    return " ".join((cell if isinstance(cell, str) else " ".join(cell)).split())


def _gold(row: Row) -> tuple[str, ...]:
    """Of a list every item; of a text what `|` separates."""
    cell = row.cells.get("gold", "")
    values = cell.split("|") if isinstance(cell, str) else cell
    return tuple(dict.fromkeys(stripped for value in values if (stripped := value.strip())))


def _has_no_digit(value: str) -> bool:
    return not any(character.isdigit() for character in value)


def _near(name: str, known: Sequence[str]) -> str:
    found = process.extractOne(name, known, score_cutoff=60)
    return f" (did you mean {found[0]!r}?)" if found else ""
