"""Is a study that is killed at any moment, and gone on with, the study that was left alone?

    python -m benchmarks.crashes --kills 200 --seed 0

Children of one warm process do a small study from import to report. They are killed with SIGKILL at every crash point
that the code names and at seeded moments, and gone on with until the study is finished. Answers with their verdicts,
estimates, trained weights and the report must then be those of a study that was left alone, and no temporary file may
remain; seconds are left out. A study without protection must be caught. Exit code 1 says that one of this is not so.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

# Before anything that reads them is imported: a team of threads does not survive a fork.
os.environ |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}

from benchmarks.crashes import children
from benchmarks.crashes.schedule import ORDER, Schedule, Trial
from benchmarks.output import Table


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="kills at random moments (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="decides the moments (default 0)")
    parser.add_argument("--keep", type=Path, help="an empty folder for the runs; those that end badly remain there")
    wanted = parser.parse_args(argv)
    children.warm()
    with tempfile.TemporaryDirectory(prefix="kinject-crashes-") as temporary:
        folder = wanted.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        return _crash(folder, wanted.kills, wanted.seed)


def _crash(folder: Path, kills: int, seed: int) -> int:
    started, schedule = time.monotonic(), Schedule(folder)
    points = [schedule.at_points()]
    moments = []
    for trial in schedule.at_moments(kills, random.Random(f"{seed}/moments")):
        moments.append(trial)
        print(f"{sum(t.kills for t in moments)} of {kills} moments", file=sys.stderr, flush=True)
    bare = list(schedule.unprotected(random.Random(f"{seed}/control")))
    rows = (
        _row("named points", len(ORDER), points),
        _row("seeded moments", kills, moments),
        _row("no protection (all must be caught)", len(bare), bare),
    )
    title = f"Killed studies, seed {seed}, {time.monotonic() - started:.0f} s"
    print(Table(title, ("killed at", "tried", "kills", "runs", "lost", "undetected"), rows).markdown())
    bad = [trial for trial in (*points, *moments) if trial.lost or trial.differs or trial.missed]
    bad += [trial for trial in bare if not (trial.lost or trial.differs)]
    for trial in bad:
        print(f"not as it must be: {trial}")
    return int(bool(bad))


def _row(name: str, tried: int, trials: Sequence[Trial]) -> tuple[str, ...]:
    lost, differ = (sum(bool(found) for found in (t.lost for t in trials)), sum(bool(t.differs) for t in trials))
    return (name, *map(str, (tried, sum(t.kills for t in trials), len(trials), lost, differ)))


if __name__ == "__main__":
    sys.exit(main())
