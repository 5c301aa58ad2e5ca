"""Is damage to the files of a run found before they are used?

    python -m benchmarks.damage RUN OTHER --flips 1000 --truncations 200 --swaps 50

In a copy of a finished run, one file at a time has a byte flipped, is cut, or is the one of another run. The run is
then used: opened, its records, numbers and curve read for a report, and every system opened, as a service does. Either
that is refused with one line, or nothing that was damaged is read, and `kinject verify` still tells of it. Every kind
of file has the same share. Exit code 1 says that some damage was neither refused nor told, or was an error of ours.
"""

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.output import Table
from kinject import study
from kinject.errors import KinjectError
from kinject.report.results import read
from kinject.store import JsonLines, read_sealed
from kinject.study.plan import plugin
from kinject.study.sealing import BUILDS, PLAN, check_kept

# Written for people: no command reads them again, and `kinject report` makes the first three anew.
NEVER_READ = ("report.html", "report.md", "records.parquet", "update.md", ".lock")
REFUSED, TOLD, UNREAD, MISSED = "refused", "not read, told by verify", "for people only", "MISSED"
Change = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True)
class Damage:
    """A file of a run, what was done to it, and what came of that."""

    file: str
    what: str
    outcome: str


def flipped(whole: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(whole))
    return whole[:at] + bytes([whole[at] ^ rng.randrange(1, 256)]) + whole[at + 1 :]


def cut(whole: bytes, rng: random.Random) -> bytes:
    return whole[: rng.randrange(len(whole))]


def damage(run: Path, change: Change, n: int, rng: random.Random) -> list[Damage]:
    """Change one file at a time of a run, which is as it was in the end. Files of every kind have their turn."""
    kinds = sorted(_kinds(run).items())
    found = []
    for number in range(n):
        kind, files = kinds[number % len(kinds)]
        path = rng.choice(files)
        whole = path.read_bytes()
        _overwrite(path, change(whole, rng))
        found.append(Damage(kind, change.__name__, outcome(run, path)))
        _overwrite(path, whole)
    return found


def swapped(run: Path, other: Path, n: int, rng: random.Random) -> list[Damage]:
    """The file of the same name of another run in its place, where that is not the same."""
    pairs = [(path, other / path.relative_to(run)) for files in _kinds(run).values() for path in files]
    pairs = [(one, two) for one, two in pairs if two.is_file() and one.read_bytes() != two.read_bytes()]
    found = []
    for one, two in (rng.choice(pairs) for _ in range(n)):
        whole = one.read_bytes()
        _overwrite(one, two.read_bytes())
        found.append(Damage(_kind(one.relative_to(run)), "swapped", outcome(run, one)))
        _overwrite(one, whole)
    return found


def outcome(run: Path, damaged: Path) -> str:
    if damaged.name in NEVER_READ:
        return UNREAD
    told = bool(study.verify(run).problems)
    try:
        _use(run, damaged)
    except KinjectError:
        return REFUSED if told else f"{MISSED} by verify"
    except Exception as error:  # whatever is no line for the user is what is looked for
        return f"{MISSED}: {type(error).__name__}"
    return TOLD if told and "checkpoints" in damaged.parts else MISSED


def _use(run: Path, damaged: Path) -> None:
    """What a report, a service and a further study read; of the systems, the one whose file is damaged."""
    read_sealed(run / PLAN)
    JsonLines(run / BUILDS).rows()
    check_kept(run)
    opened = study.open_run(run)
    read(run)
    _ = opened.calibrations
    for name in opened.systems:
        if name in damaged.relative_to(run).parts:
            opened.system(name)
    if (run / "systems" / "sft") in damaged.parents:
        plugin("sft").curve(run / "systems" / "sft")


def _kinds(run: Path) -> dict[str, list[Path]]:
    kinds: dict[str, list[Path]] = {}
    for path in sorted(path for path in run.rglob("*") if path.is_file() and path.stat().st_size):
        kinds.setdefault(_kind(path.relative_to(run)), []).append(path)
    return kinds


def _kind(name: Path) -> str:
    """Checkpoints of all epochs are one kind."""
    return "/".join("epoch" if part.startswith("epoch-") else part for part in name.parts)


def _overwrite(path: Path, content: bytes) -> None:
    """By a new file: others may be links to the one there is."""
    path.unlink()
    path.write_bytes(content)


def table(found: Sequence[Damage]) -> Table:
    counted = Counter((one.what, one.outcome) for one in found)
    rows = tuple((what, outcome, str(n)) for (what, outcome), n in sorted(counted.items()))
    return Table("Damage", ("what", "came of it", "n"), rows)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("other", type=Path, help="a run of another corpus, model or options")
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--truncations", type=int, default=200)
    parser.add_argument("--swaps", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(shutil.copytree(args.run, Path(folder) / "run"))
        found = [*damage(run, flipped, args.flips, rng), *damage(run, cut, args.truncations, rng)]
        found += swapped(run, args.other, args.swaps, rng)
    print(table(found).markdown())
    missed = [one for one in found if one.outcome.startswith(MISSED)]
    for one in missed:
        print(f"{one.file}: {one.what}, {one.outcome}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
