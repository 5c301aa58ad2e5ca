"""One task with its answer, and files of them in the format of Stanford Alpaca: `instruction`, `input` and `output`.

Reads a JSON list or one JSON object a line. Judges no task: what makes a good one is told elsewhere.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from kinject.errors import CorpusError
from kinject.store import write_whole

Source = Literal["seed", "self-instruct", "back-translation", "title", "other"]
_SOURCES: tuple[str, ...] = get_args(Source)
FORMATS = (".json", ".jsonl")


@dataclass(frozen=True, slots=True)
class Task:
    """`input` is the text that the instruction is about, where there is one. `source` says how the task was made."""

    instruction: str
    output: str
    input: str = ""
    source: Source = "other"

    @property
    def prompt(self) -> str:
        """The instruction, and its input after an empty line."""
        return f"{self.instruction}\n\n{self.input}" if self.input else self.instruction


class _Placed(NamedTuple):
    where: str
    value: Any


def read(path: Path) -> tuple[Task, ...]:
    """Every task of a .json or .jsonl file; other keys than those of a task are not read.

    Raises CorpusError with the file, the line (or the place in the list) and the key that is missing or does not fit.
    """
    check_format(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    found = tuple(task_of(row, where) for where, row in (_lines if path.suffix == ".jsonl" else _list)(path, text))
    if not found:
        raise CorpusError(f"{path} holds no task")
    return found


def write(path: Path, tasks: Sequence[Task]) -> None:
    """A JSON list or JSON lines, as the name of the file says; whole or not at all."""
    check_format(path)
    rows = [as_row(task) for task in tasks]
    if path.suffix == ".jsonl":
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    else:
        text = json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)


def as_row(task: Task) -> dict[str, str]:
    """The task in Alpaca's order of keys, with its source."""
    row = asdict(task)
    return {key: row[key] for key in ("instruction", "input", "output", "source")}


def task_of(row: Any, where: str) -> Task:
    """The task in one JSON object. Raises CorpusError naming the place and the key."""
    if not isinstance(row, Mapping):
        raise CorpusError(f"{where}: expected an object with an instruction and an output, found {str(row)[:40]!r}")
    texts = {key: _text(row, key, where) for key in ("instruction", "input", "output", "source")}
    for key in ("instruction", "output"):
        if not texts[key].strip():
            raise CorpusError(f"{where}: {key!r} is {'empty' if key in row else 'missing'}")
    source = texts["source"] or "other"
    if source not in _SOURCES:
        raise CorpusError(f"{where}: 'source' is {source!r}; known: {', '.join(_SOURCES)}")
    return Task(texts["instruction"], texts["output"], texts["input"], source)  # type: ignore[arg-type]


def check_format(path: Path) -> None:
    """Raises CorpusError for a name that says neither JSON nor JSON lines."""
    if path.suffix not in FORMATS:
        raise CorpusError(f"{path}: a file of tasks ends in {' or '.join(FORMATS)}")


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise CorpusError(f"{where}: {key!r} must be a text, found {json.dumps(value)[:40]}")
    return value or ""


def _lines(path: Path, text: str) -> Iterator[_Placed]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield _Placed(f"{path}:{number}", json.loads(line))
            except ValueError as error:
                raise CorpusError(f"{path}:{number}: not JSON: {error}") from error


def _list(path: Path, text: str) -> Iterator[_Placed]:
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise CorpusError(f"{path}: not JSON: {error}") from error
    if not isinstance(rows, list):
        raise CorpusError(f"{path}: expected a list of tasks, found {type(rows).__name__}; JSON lines end in .jsonl")
    for number, row in enumerate(rows, start=1):
        yield _Placed(f"{path}, task {number}", row)
