"""The parts of a blend: opened with their own options, from what the same run has already built where it has.

Does not say who answers what.
"""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from kinject import options, plugins
from kinject.corpus import Corpus
from kinject.lm.base import LM
from kinject.progress import Progress
from kinject.store.files import remove_leftovers, temporary_for
from kinject.types import System

PARTS = ("closed_book", "sft", "rag", "kg")
_SCHEMA = 1
# What a part can answer without: the checkpoints of its training, and what it built from further seeds.
_LEFT_OUT = shutil.ignore_patterns("checkpoints", "seed-*", ".*", "*.tmp-*")


@dataclass(frozen=True)
class Site:
    """What a blend and its parts are built from, and where; `parts` are options such as `rag.k=8,sft.epochs=20`."""

    corpus: Corpus
    store: Path
    model: LM
    parts: str
    progress: Progress

    def part(self, name: str, model: LM | None = None) -> System:
        """A part with its own options, on the run's model or on another one."""
        config = options.fill(_plugin(name).Config, settings(self.parts)[name])
        part: System = _plugin(name).build(self.corpus, self._store(name), model or self.model, config, self.progress)
        return part

    def fingerprint(self, config: Any) -> str:
        """Of what a blend builds itself: 16 hex digits over corpus, model and options."""
        made_from = [_SCHEMA, self.corpus.fingerprint(), self.model.info.fingerprint, options.as_dict(config)]
        return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:16]

    def _store(self, name: str) -> Path:
        """The part's own store, which begins as that of the run's system of this name: training takes long.

        Whether it was built with these options the part finds by the fingerprint, and else builds anew.
        """
        own, sibling = self.store / name, self.store.parent / name
        if not own.exists() and sibling.is_dir():
            self.store.mkdir(parents=True, exist_ok=True)
            remove_leftovers(own)
            unfinished = temporary_for(own)
            shutil.copytree(sibling, unfinished, ignore=_LEFT_OUT, copy_function=_link)
            unfinished.rename(own)
        return own


def settings(parts: str) -> dict[str, list[str]]:
    """The settings of every part, each such as `k=8`. Raises ValueError for what is none of a part."""
    given: dict[str, list[str]] = {name: [] for name in PARTS}
    for setting in filter(None, map(str.strip, parts.split(","))):
        name, dot, option = setting.partition(".")
        if not dot or name not in given:
            raise ValueError(f"no part has the option {setting!r}: write PART.OPTION=VALUE, for {', '.join(PARTS)}")
        given[name].append(option)
    return given


def check(parts: str) -> None:
    """Raises ValueError or OptionError for a part, an option or a value that does not exist."""
    for name, found in settings(parts).items():
        if found:
            options.fill(_plugin(name).Config, found)


def _plugin(name: str) -> ModuleType:
    return plugins.load("kinject.systems", name)


def _link(source: str, target: str) -> None:
    """A second name for the same bytes, which nobody writes to in place; a copy where the disk has no such names."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
