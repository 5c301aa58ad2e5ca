"""Which runs are killed when, and what came of each: by the named points, by seeded moments, and without protection."""

import json
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.crashes import control, small
from benchmarks.crashes.children import DONE, KILLED, End, child
from benchmarks.crashes.outcome import Outcome, outcome
from kinject.store import write_whole
from kinject.store.crash import POINTS

# What is passed only while something is built; every start of a study passes the others.
_BUILDING = tuple(point for point in POINTS if point.partition(".")[0] in ("artifact", "sft", "rag"))
_EARLY = ("corpus.written", "log.appended")
# The first is before anything is built, for the rest there is nothing left to build.
ORDER = (*_EARLY, *_BUILDING, *(point for point in POINTS if point not in (*_EARLY, *_BUILDING)))
# Of the control: half a plan, a checkpoint that lacks files, a trained model and an index whose ends are lost.
CONTROLS = ("file.written", "artifact.filled", "study.built:2", "study.built:3")


@dataclass(frozen=True, slots=True)
class Trial:
    """One run from its first kill to its end. `lost`: why it could not go on; `differs`: in what it is another."""

    kills: int
    seconds: float
    lost: str = ""
    differs: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()  # points that it did not come to


class Schedule:
    """Runs in `folder`, all compared with one that was left alone."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._inputs, self._runs = folder, folder / "inputs", 0
        self._must(child(lambda: small.prepare(self._inputs), self._words))
        left_alone = self._new()
        self.seconds = self._must(self._do(left_alone)).seconds
        self._expected = self._outcome(left_alone)
        if isinstance(self._expected, End):
            raise AssertionError(f"the study that was left alone cannot be read: {self._expected.words}")

    def at_points(self, points: Sequence[str] = ORDER) -> Trial:
        """One run that is killed at each of the points in turn."""
        run, kills, seconds, missed = self._new(), 0, 0.0, []
        for point in points:
            end = self._do(run, at=point)
            seconds += end.seconds
            if end.how == KILLED:
                kills += 1
            elif end.how == DONE:
                missed.append(point)
            else:
                return Trial(kills, seconds, f"before {point}: {end.how}: {end.words}", missed=tuple(missed))
        return self._ended(run, Trial(kills, seconds, missed=tuple(missed)))

    def at_moments(self, kills: int, rng: random.Random) -> Iterator[Trial]:
        """Runs that are killed at any moment until they come to their end, so many kills in all.

        A moment is within half the time of the run that was left alone, so that most are killed more than once.
        """
        while kills > 0:
            run, had, seconds = self._new(), 0, 0.0
            while had < kills:
                end = self._do(run, after_s=rng.uniform(0, self.seconds / 2))
                seconds += end.seconds
                if end.how != KILLED:
                    break
                had += 1
            kills -= had
            yield self._ended(run, Trial(had, seconds))

    def unprotected(self, rng: random.Random) -> Iterator[Trial]:
        """A run for each of CONTROLS, without protection: these must not end well."""
        for point in CONTROLS:
            run = self._new()
            end = self._do(run, at=point, before=control.unprotect)
            control.lose(run, rng)
            yield self._ended(run, Trial(int(end.how == KILLED), end.seconds), control.unprotect)

    def _ended(self, run: Path, trial: Trial, before: Callable[[], None] = lambda: None) -> Trial:
        end = self._do(run, before=before)
        if end.how != DONE:
            return Trial(trial.kills, trial.seconds + end.seconds, f"{end.how}: {end.words}", missed=trial.missed)
        found = self._outcome(run)
        if isinstance(found, End):
            return Trial(trial.kills, trial.seconds, f"{found.how}: {found.words}", missed=trial.missed)
        assert isinstance(self._expected, Outcome)
        differs = tuple(self._expected.differs(found))
        if not differs:
            shutil.rmtree(run)
        return Trial(trial.kills, trial.seconds + end.seconds, "", differs, trial.missed)

    def _do(self, run: Path, at: str = "", after_s: float = 600.0, before: Callable[[], None] = lambda: None) -> End:
        return child(lambda: (before(), small.do(run, self._inputs)), self._words, at, after_s)

    def _outcome(self, run: Path) -> Outcome | End:
        path, scratch = self._folder / "outcome.json", self._folder / "scratch"
        end = child(lambda: write_whole(path, json.dumps(outcome(run, scratch).parts)), self._words)
        return Outcome(json.loads(path.read_text(encoding="utf-8"))) if end.how == DONE else end

    @property
    def _words(self) -> Path:
        return self._folder / "words.txt"

    def _new(self) -> Path:
        self._runs += 1
        made = self._folder / f"run-{self._runs:03d}"
        made.mkdir()
        return made

    def _must(self, end: End) -> End:
        if end.how != DONE:
            raise AssertionError(f"the study that was left alone did not end: {end.how}: {end.words}")
        return end
