"""The curve of a system that learns in epochs, graded while it learns, so that whoever watches sees recall rise."""

from pathlib import Path
from types import ModuleType

from kinject.corpus import Corpus
from kinject.grading import Grader
from kinject.progress import Progress, Step
from kinject.store import JsonLines
from kinject.study import measures


class Curve:
    """Progress of a build, passed on; after every epoch of a plugin that has `curve` and `quiz`, a row in `path`."""

    def __init__(self, path: Path, module: ModuleType, store: Path, corpus: Corpus, grader: Grader) -> None:
        self._path, self._module, self._store, self._grader = path, module, store, grader
        self._quiz = module.quiz(corpus) if hasattr(module, "curve") else ()
        self._seen = 0

    def follow(self, progress: Progress) -> Progress:
        def step(step: Step) -> None:
            self.update()
            progress(step)

        return step

    def update(self) -> None:
        """Write the epochs that are not written yet."""
        epochs = self._module.curve(self._store) if self._quiz else ()
        if len(epochs) == self._seen:
            return
        with JsonLines(self._path) as log:
            written = {row["epoch"] for row in log.rows()}
            for epoch in epochs:
                if epoch.epoch not in written:
                    log.append(measures.of_epoch(epoch, self._quiz, self._grader))
        self._seen = len(epochs)
