"""A study that is killed at every crash point, or at any moment, ends as one that was left alone."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kinject.store import crash, write_whole
from kinject.store.crash import POINTS

ROOT = Path(__file__).parents[1]


def crashes(*options):
    """In a process of its own: this one computes, and what computes cannot be forked."""
    command = [sys.executable, "-m", "benchmarks.crashes", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3000)


@pytest.mark.slow  # a minute and a half of CPU
def test_a_killed_study_is_the_study_that_was_left_alone():
    done = crashes("--kills", "6", "--seed", "0")
    rows = [
        re.split(r" *\| *", line)[2:7] for line in done.stdout.splitlines() if line.startswith(("| named", "| seed"))
    ]
    assert [(tried, kills, lost, differ) for tried, kills, _runs, lost, differ in rows] == [
        (str(len(POINTS)), str(len(POINTS)), "0", "0"),
        ("6", "6", "0", "0"),
    ], done.stdout
    assert done.returncode == 0, done.stdout  # and every study without protection was caught


@pytest.mark.parametrize("point", ["file.written", "file.synced"])
def test_a_file_whose_writer_is_killed_keeps_its_old_text(tmp_path, point):
    write_whole(tmp_path / "a.txt", "old")
    code = "import sys, pathlib; from kinject.store import write_whole; write_whole(pathlib.Path(sys.argv[1]), 'new')"
    environment = os.environ | {crash.VARIABLE: point}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.txt")], cwd=ROOT, env=environment)
    assert (done.returncode, (tmp_path / "a.txt").read_text(encoding="utf-8")) == (-9, "old")


def test_every_crash_point_is_named_where_it_is_passed():
    code = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "kinject").rglob("*.py")))
    assert sorted(set(re.findall(r'crash_point\("([\w.]+)"\)', code))) == sorted(POINTS)
