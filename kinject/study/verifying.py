"""Is a run's folder as the study left it: plan, corpus, logs, and every artifact of every system?

Reads every byte and changes nothing. A study that is not finished is no problem: it goes on where it was.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kinject import corpus
from kinject.errors import CorpusError, StoreError
from kinject.store import JsonLines, artifact_is, read_manifest, read_sealed
from kinject.store.artifact import MANIFEST as ARTIFACT
from kinject.study import sealing
from kinject.study.sealing import CORPUS, LOGS, MANIFEST, PLAN, RECORDS

DAMAGED = ".damaged-"  # what `repair` has set aside


@dataclass(frozen=True)
class Problem:
    """`path` is the smallest thing that can be made again: a log, an artifact's folder, the corpus."""

    path: Path
    what: str


@dataclass(frozen=True)
class Findings:
    problems: tuple[Problem, ...]
    finished: bool
    artifacts: int
    records: int


def verify(run: Path) -> Findings:
    """Raises StoreError for a folder that is not one of a run."""
    if not any((run / name).exists() for name in (PLAN, MANIFEST)):
        raise StoreError(f"{run} holds no study: neither {PLAN} nor {MANIFEST} is there")
    artifacts = [path.parent for path in sorted(run.glob(f"systems/**/{ARTIFACT}")) if DAMAGED not in str(path)]
    problems = [*_plan(run), *_corpus(run), *_logs(run), *_systems(run, artifacts)]
    problems += _manifest(run, {problem.path for problem in problems})
    records = len(JsonLines(run / RECORDS).salvage().rows)
    return Findings(tuple(problems), (run / MANIFEST).exists(), len(artifacts), records)


def _plan(run: Path) -> Iterator[Problem]:
    path = run / PLAN
    try:
        read_sealed(path)
    except FileNotFoundError:
        yield Problem(path, f"{path} is missing")
    except StoreError as error:
        yield Problem(path, str(error))


def _corpus(run: Path) -> Iterator[Problem]:
    path = run / CORPUS
    if not path.exists() and not (run / MANIFEST).exists():
        return  # it was stopped before there was one
    try:
        found = corpus.load(path).fingerprint()
        planned = read_sealed(run / PLAN)["corpus"]
    except CorpusError as error:
        yield Problem(path, str(error))
    except (StoreError, FileNotFoundError):
        return  # that of the plan
    else:
        if found != planned:
            yield Problem(path, f"{path} is not the corpus of this study: its fingerprint is {found}, not {planned}")


def _logs(run: Path) -> Iterator[Problem]:
    for name in LOGS:
        yield from (Problem(run / name, line) for line in JsonLines(run / name).salvage().damaged)


def _systems(run: Path, artifacts: list[Path]) -> Iterator[Problem]:
    for path in artifacts:
        try:
            artifact_is(path, read_manifest(path).fingerprint)
        except StoreError as error:
            yield Problem(path, str(error))
    for path in sorted(run.glob("systems/**/*.json")):
        if not any(parent in artifacts for parent in path.parents) and DAMAGED not in str(path):
            try:
                read_sealed(path)
            except StoreError as error:
                yield Problem(path, str(error))


def _manifest(run: Path, known: set[Path]) -> Iterator[Problem]:
    """What the manifest alone can tell, such as a log that was cut between two lines."""
    path = run / MANIFEST
    if not path.exists():
        return
    try:
        manifest = sealing.read_manifest(run)
        if run / PLAN not in known:
            sealing.check_plan(run, manifest)
    except StoreError as error:
        yield Problem(path, str(error))
        return
    for name in manifest.get("files", ()):
        thing = run / CORPUS if name.startswith(f"{CORPUS}/") else run / name
        if thing in known:
            continue
        try:
            sealing.check(run, manifest, name)
        except StoreError as error:
            yield Problem(thing, str(error))
