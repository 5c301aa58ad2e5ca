"""From which cosine on a question is taken to be about something that the documents tell.

Calibrated on training questions, so that test phrasings stay unseen: about the corpus's own entities, and about names
like theirs that nobody has. Cosines compare across questions; fused ranks and BM25 scores do not.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from kinject.corpus import Corpus, questions
from kinject.errors import CorpusError
from kinject.progress import Progress, Step
from kinject.store import artifact_is, new_artifact
from kinject.systems._names import fold

_DEV = 300  # questions of either sort
_THRESHOLD = "threshold.json"


@dataclass(frozen=True)
class Threshold:
    """Below `score` a question is not answered; the shares are those of `n` dev questions of either sort."""

    score: float
    answerable_refused: float
    unknown_refused: float
    n: int


@dataclass(frozen=True)
class Dev:
    answerable: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Kept:
    """A threshold in a folder of its own; `fingerprint` is that of what it depends on."""

    folder: Path
    fingerprint: str

    def threshold(
        self, corpus: Corpus, cosine: Callable[[str], float], most_refused: float, progress: Progress
    ) -> Threshold:
        """Read it, or calibrate it first."""
        if not artifact_is(self.folder, self.fingerprint):
            dev = dev_split(corpus, _DEV, random.Random(0))
            asked = [*dev.answerable, *dev.unknown]
            scores = []
            for number, question in enumerate(asked):
                progress(Step("threshold", number, len(asked)))
                scores.append(cosine(question))
            middle = len(dev.answerable)
            found = calibrate(scores[:middle], scores[middle:], most_refused)
            with new_artifact(self.folder, self.fingerprint) as unfinished:
                (unfinished / _THRESHOLD).write_text(json.dumps(asdict(found), indent=1), encoding="utf-8")
        return Threshold(**json.loads((self.folder / _THRESHOLD).read_text(encoding="utf-8")))


def dev_split(corpus: Corpus, n: int, rng: random.Random) -> Dev:
    """At most n training questions, and for each the same about a name that does not exist.

    Raises CorpusError if the corpus has no training questions.
    """
    # Here, since what it lies in loads peft, which takes a second.
    from kinject.systems.sft.text import made_up

    names = corpus.entities()
    known = {fold(name) for name in names}
    asked = {relation.name: questions(relation, "train") for relation in corpus.relations}
    facts = [fact for fact in corpus.current().facts if asked[fact.relation]]
    answerable, unknown = [], []
    for fact in rng.sample(facts, min(n, len(facts))):
        template, name = rng.choice(asked[fact.relation]), made_up(rng, fact.subject, names)
        if fold(name) not in known:
            answerable.append(template.format(subject=fact.subject))
            unknown.append(template.format(subject=name))
    if not unknown:
        raise CorpusError(f"corpus {corpus.name!r} has no training questions to calibrate on; set abstain=false")
    return Dev(tuple(answerable), tuple(unknown))


def calibrate(answerable: Sequence[float], unknown: Sequence[float], most_refused: float) -> Threshold:
    """The threshold of the best balanced accuracy among those that refuse at most this share of answerable ones."""
    good, bad = np.sort(answerable), np.sort(unknown)
    edges = np.unique(np.concatenate([good, bad]))
    candidates = np.concatenate([[-1.0], (edges[1:] + edges[:-1]) / 2])
    refused, caught = (np.searchsorted(scores, candidates) / len(scores) for scores in (good, bad))
    best = int(np.argmax(np.where(refused <= most_refused, caught - refused, -1.0)))
    return Threshold(float(candidates[best]), float(refused[best]), float(caught[best]), len(good))
