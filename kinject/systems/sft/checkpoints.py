"""Where training stands, on disk: one checkpoint an epoch, and one within the epoch that is under way.

A checkpoint is whole or not there, and belongs to one run by its fingerprint. It trains nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from kinject.errors import StoreError
from kinject.lm.compute import computes
from kinject.lm.optim import MasterWeights
from kinject.store import artifact_is, crash_point, new_artifact, write_whole
from kinject.store.files import remove, temporary_for

KEPT = 2
_OPTIMIZER, _STATE, _WITHIN = "optimizer.safetensors", "state.json", "within"


@dataclass(frozen=True, slots=True)
class Epoch:
    """One point of the curve: what the model had learnt after an epoch, and its answers to the quiz.

    `dev` is the recall on training phrasings set apart, which decides when training stops; None where nothing does.
    """

    epoch: int
    step: int
    tokens: int
    loss: float | None  # None before any training
    seconds: float
    answers: tuple[str, ...]
    dev: float | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """The epochs that are finished, and how far the next one is: its steps, their summed loss and seconds."""

    curve: tuple[Epoch, ...] = ()
    steps: int = 0
    loss: float = 0.0
    seconds: float = 0.0


class Checkpoints:
    """Of one run, in one folder: the last two epochs, the best one, and a place within the epoch under way."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder, self._fingerprint = folder, fingerprint

    @computes
    def save(self, optimizer: MasterWeights, position: Position) -> None:
        curve = position.curve
        path = self._folder / _WITHIN if position.steps else self._path(curve[-1])
        with new_artifact(path, self._fingerprint) as unfinished:
            save_file(optimizer.tensors(), unfinished / _OPTIMIZER)
            write_whole(unfinished / _STATE, json.dumps(asdict(position)))
        if position.steps:
            return
        kept = {self._path(epoch) for epoch in (*curve[-KEPT:], best(curve))}
        for old in (*self._folder.glob("epoch-*"), *self._folder.glob(_WITHIN)):
            if old not in kept:
                # Moved first: a kill half-way must not leave a checkpoint that looks damaged.
                aside = old.rename(temporary_for(path))
                crash_point("sft.replaced")
                remove(aside)

    @computes
    def resume(self, optimizer: MasterWeights) -> Position:
        """Load the checkpoint of this very run that is furthest, if there is one."""
        for path in sorted(self._folder.glob("epoch-???"), reverse=True):
            if self._is_whole(path):
                found = _state(path)
                break
        else:
            path, found = self._folder, Position()
        within = self._folder / _WITHIN
        if self._is_whole(within) and len(_state(within).curve) >= max(1, len(found.curve)):
            path, found = within, _state(within)
        if found.curve:
            optimizer.load(load_file(path / _OPTIMIZER))
        return found

    @computes
    def restore(self, epoch: Epoch, optimizer: MasterWeights) -> None:
        """The weights as they were after that epoch, which must be among those kept."""
        optimizer.load(load_file(self._path(epoch) / _OPTIMIZER))

    def _path(self, epoch: Epoch) -> Path:
        return self._folder / f"epoch-{epoch.epoch:03d}"

    def _is_whole(self, path: Path) -> bool:
        try:
            return artifact_is(path, self._fingerprint)
        except StoreError:
            # The one before it is as good: training goes on from there.
            return False


def best(curve: Sequence[Epoch]) -> Epoch:
    """The first of the trained epochs with the highest `dev`; the last epoch where that was not measured."""
    measured = [epoch for epoch in curve if epoch.dev is not None and epoch.epoch]
    return max(measured, key=lambda epoch: epoch.dev or 0.0, default=curve[-1])


def epochs(rows: Sequence[dict[str, Any]]) -> tuple[Epoch, ...]:
    """From JSON rows."""
    return tuple(Epoch(**{**row, "answers": tuple(row["answers"])}) for row in rows)


def _state(path: Path) -> Position:
    row = json.loads((path / _STATE).read_text(encoding="utf-8"))
    if isinstance(row, list):  # written before there were checkpoints within an epoch
        return Position(epochs(row))
    return Position(epochs(row["curve"]), row["steps"], row["loss"], row["seconds"])
