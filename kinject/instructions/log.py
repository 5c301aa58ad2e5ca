"""What each request to the model brought, a line each, so that a killed build goes on where it was.

The requests of a round are made at once and depend only on what earlier rounds brought: a build that was killed asks
the same as one that was not.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from kinject.errors import StoreError
from kinject.instructions.alpaca import Task, as_row, task_of
from kinject.lm.lockstep import in_step
from kinject.store import JsonLines

T = TypeVar("T")
R = TypeVar("R")

ROUND = 8  # requests at once: a local model batches them, a remote one answers them side by side


@dataclass(frozen=True, slots=True)
class Rejection:
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one request brought, by a key that is the same in every run."""

    key: str
    accepted: tuple[Task, ...] = ()
    rejected: tuple[Rejection, ...] = ()


class Log:
    """Outcomes by stage. Raises StoreError where the file belongs to a build from something else."""

    def __init__(self, path: Path, made_from: str) -> None:
        self._rows = JsonLines(path)
        rows = self._rows.rows()
        if not rows:
            self._rows.append({"made_from": made_from})
        elif rows[0].get("made_from") != made_from:
            raise StoreError(
                f"{path} is of another corpus, model or option; choose another file, or delete {path.parent}"
            )
        self._outcomes: dict[str, list[Outcome]] = {}
        for row in rows[1:]:
            self._outcomes.setdefault(row["stage"], []).append(
                Outcome(
                    row["key"],
                    tuple(task_of(task, f"{path}, {row['key']}") for task in row["accepted"]),
                    tuple(Rejection(**one) for one in row["rejected"]),
                )
            )

    def outcomes(self, stage: str) -> list[Outcome]:
        return list(self._outcomes.get(stage, ()))

    def append(self, stage: str, outcome: Outcome) -> None:
        accepted, rejected = map(as_row, outcome.accepted), map(asdict, outcome.rejected)
        self._rows.append({"stage": stage, "key": outcome.key, "accepted": [*accepted], "rejected": [*rejected]})
        self._outcomes.setdefault(stage, []).append(outcome)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._rows.close()


def together(call: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """The call on all items at once, in their order; a batch of theirs is the same in every run."""
    with ThreadPoolExecutor(max(1, len(items))) as pool:
        return [future.result() for future in in_step(pool, call, items)]


def accepted(outcomes: Iterable[Outcome]) -> list[Task]:
    return [task for outcome in outcomes for task in outcome.accepted]


def reasons(outcomes: Iterable[Outcome]) -> Counter[str]:
    """How often each reason stood against a task."""
    return Counter(one.reason for outcome in outcomes for one in outcome.rejected)
