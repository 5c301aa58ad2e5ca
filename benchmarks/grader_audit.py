"""How often the grader agrees with a reader: answers labelled by hand before the grader's verdicts were looked at.

    python -m benchmarks.grader_audit
    python -m benchmarks.grader_audit draw RUN... --n 360 --seed 0 --out answers.jsonl

In `audit/`, `answers.jsonl` holds answers of real systems, by which the grader was mended; `fresh.jsonl` more of them,
drawn after that; `hard.jsonl` and `hard_fresh.jsonl` answers in the manner of larger chat models, written to be hard to
grade, the latter after the grader was mended by the former. `draw` takes answers evenly from every corpus, system,
verdict and kind of value, and writes them without the verdict.
"""

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from benchmarks.output import Table, guarded, rate
from kinject import stats
from kinject.corpus import Corpus, find, load
from kinject.errors import StoreError
from kinject.grading import Grader
from kinject.grading.asked import is_count, is_inverse
from kinject.probes._choosing import spread
from kinject.store import write_whole
from kinject.study import open_run
from kinject.types import Outcome, Probe, Verdict

AUDIT = Path(__file__).parent / "audit"
SETS = {
    "Answers of real systems": AUDIT / "answers.jsonl",
    "Further answers of real systems, drawn after the grader was mended": AUDIT / "fresh.jsonl",
    "Hard answers, written for this": AUDIT / "hard.jsonl",
    "Further hard answers, written after the grader was mended by the first": AUDIT / "hard_fresh.jsonl",
}
ERRORS = ("stale", "confused", "in_domain", "fabricated", "several", "incomplete", "unparsed")
LABELS = ("correct", "not_attempted", *ERRORS)


@dataclass(frozen=True)
class Item:
    """An answer and what a reader says of it.

    `turn` is 0 for the first answer and n for the one to the user's nth objection. `kind` is the kind of value that is
    asked for. `label` is one of LABELS, as first given; `relabelled`, if any, replaces it, and `note` says why.
    `before` is the verdict of the grader that the labels first met.
    """

    id: str
    corpus: str
    system: str
    kind: str
    turn: int
    probe: Probe
    answer: str
    label: str = ""
    labeller: str = ""
    before: str = ""
    relabelled: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        for label in (self.label, self.before, self.relabelled):
            if label and label not in LABELS:
                raise ValueError(f"no label {label!r}; choose one of: {', '.join(LABELS)}")

    @property
    def settled(self) -> str:
        return self.relabelled or self.label


@dataclass(frozen=True)
class Graded:
    item: Item
    verdict: Verdict

    @property
    def word(self) -> str:
        return word_of(self.verdict)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command")
    drawing = commands.add_parser("draw", help="take answers from runs, to be labelled")
    drawing.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    drawing.add_argument("--n", type=int, default=360, help="how many (default 360)")
    drawing.add_argument("--seed", type=int, default=0)
    drawing.add_argument("--without", type=Path, action="append", default=[], help="a file of answers to leave out")
    drawing.add_argument("--out", type=Path, required=True, help="a file that is not there yet")
    options = parser.parse_args(argv)
    if options.command:
        items = draw(options.runs, options.n, options.seed, [one for path in options.without for one in read(path)])
        save(items, options.out)
        print(f"wrote {len(items)} answers to {options.out}")
        return
    for title, path in SETS.items():
        for table in tables(title, grade(read(path))):
            print(table.markdown())


def draw(runs: Sequence[Path], n: int, seed: int, without: Sequence[Item] = ()) -> list[Item]:
    """N different answers, as evenly as may be over what they are of; wordings that came least go first."""
    rng = random.Random(seed)
    strata: dict[Item, str] = {}
    seen = {(item.probe.question, item.answer) for item in without}
    for folder in runs:
        for item, stratum in _candidates(folder):
            if (item.probe.question, item.answer) not in seen:
                seen.add((item.probe.question, item.answer))
                strata[item] = stratum
    chosen = spread(list(strata), n, rng, strata.__getitem__, lambda item: item.answer)
    # Their order tells nothing of the verdict either.
    return [
        Item(**(vars(item) | {"id": f"{number:03d}"}))
        for number, item in enumerate(rng.sample(chosen, len(chosen)), start=1)
    ]


def _candidates(folder: Path) -> Iterator[tuple[Item, str]]:
    run = open_run(folder)
    for record in run.records():
        kind = _kind(record.probe, run.corpus)
        for turn, (answer, verdict) in enumerate(zip(record.answers, record.verdicts, strict=True)):
            stratum = " ".join((run.corpus.name, record.system, kind, word_of(verdict)))
            yield Item("", run.corpus.name, record.system, kind, turn, record.probe, answer.text), stratum


def _kind(probe: Probe, corpus: Corpus) -> str:
    """The kind of the value that answers the probe."""
    if is_count(probe):
        return "number"
    ids = set(probe.facts)
    if is_inverse(probe, [fact for fact in corpus.facts if fact.id in ids]):
        return "entity"
    return corpus.relation(probe.relation).kind if probe.relation else "text"


def word_of(verdict: Verdict) -> str:
    """A verdict as one of LABELS."""
    return verdict.error or str(verdict.outcome)


def outcome_of(label: str) -> Outcome:
    return Outcome.INCORRECT if label in ERRORS else Outcome(label)


def read(path: Path) -> list[Item]:
    """Raises StoreError naming the line that does not fit."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [_item(line, f"{path}:{number}") for number, line in enumerate(lines, start=1)]


def save(items: Sequence[Item], path: Path) -> None:
    """Whole, and never over labels that are there."""
    if path.exists():
        raise StoreError(f"{path} is there already; its labels are kept: name another file")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, "".join(json.dumps(asdict(item), ensure_ascii=False) + "\n" for item in items))


def _item(line: str, where: str) -> Item:
    try:
        return TypeAdapter(Item).validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise StoreError(f"{where}: {place or 'the line'} does not fit: {first['msg']}") from error


def grade(items: Sequence[Item]) -> list[Graded]:
    """All anew, by the grader as it is."""
    return [Graded(item, _grader(item.corpus).grade(item.answer, item.probe)) for item in items]


@cache
def _grader(corpus: str) -> Grader:
    return Grader(load(find(corpus)))


def tables(title: str, graded: Sequence[Graded]) -> list[Table]:
    """Agreement, the confusion matrix of outcomes, and every disagreement there is or was."""
    return [_agreement(title, graded), _confusion(title, graded), _disagreements(title, graded)]


def agreement(pairs: Sequence[tuple[str, str]], exact: bool) -> str:
    """The share of (label, verdict) that agree: on the outcome or, `exact`, on the kind of error too."""
    same = sum(a == b if exact else outcome_of(a) is outcome_of(b) for a, b in pairs)
    return rate(stats.wilson(same, len(pairs)))


def _agreement(title: str, graded: Sequence[Graded]) -> Table:
    now = [(one.item.settled, one.word) for one in graded]
    blind = [(one.item.label, one.item.before) for one in graded]
    rows = [
        ("labels as first given, grader as it then was", agreement(blind, False), agreement(blind, True)),
        ("labels as they stand, grader as it is", agreement(now, False), agreement(now, True)),
    ]
    systems = dict.fromkeys(one.item.system for one in graded)
    for name in systems if len(systems) > 1 else ():
        own = [(one.item.settled, one.word) for one in graded if one.item.system == name]
        rows.append((f"the same, {name}", agreement(own, False), agreement(own, True)))
    return Table(title, ("agreement", "on the outcome", "on the kind of error too"), tuple(rows))


def _confusion(title: str, graded: Sequence[Graded]) -> Table:
    counts = Counter((one.item.settled, one.word) for one in graded)
    used = [label for label in LABELS if any(label in pair for pair in counts)]
    rows = tuple((label, *(str(counts[label, verdict] or "") for verdict in used)) for label in used)
    return Table(f"{title}: labels down, verdicts across", ("", *used), rows)


def _disagreements(title: str, graded: Sequence[Graded]) -> Table:
    rows = tuple(
        (one.item.id, one.item.answer, one.item.label, one.item.relabelled, one.item.before, one.word, one.item.note)
        for one in graded
        if len({one.item.label, one.item.settled, one.item.before, one.word}) > 1
    )
    columns = ("id", "answer", "label", "relabelled", "grader then", "grader now", "why")
    return Table(f"{title}: every disagreement, then or now", columns, rows)


if __name__ == "__main__":
    sys.exit(guarded(main))
