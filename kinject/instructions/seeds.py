"""The seed tasks that Self-Instruct begins with: written for kinject, of many kinds, none about any corpus."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

from kinject.instructions.alpaca import Task, task_of

_FILE = "seeds.jsonl"


@dataclass(frozen=True, slots=True)
class Seed:
    """A task; `labels` are the possible outputs where it is a classification, else ()."""

    task: Task
    labels: tuple[str, ...] = ()


@cache
def load() -> tuple[Seed, ...]:
    text = resources.files(__package__).joinpath(_FILE).read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    return tuple(
        Seed(task_of({**row, "source": "seed"}, f"{_FILE}:{number}"), tuple(row.get("labels", ())))
        for number, row in enumerate(rows, start=1)
    )


def labelled() -> list[Seed]:
    """Those that are classifications."""
    return [seed for seed in load() if seed.labels]


def unlabelled() -> list[Seed]:
    return [seed for seed in load() if not seed.labels]
