"""A study that is killed at every crash point, or at any moment, ends as one that was left alone."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kinject.errors import StoreError
from kinject.store import crash, read_sealed, sealed_text, write_sealed, write_whole
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


def test_a_flipped_byte_of_a_sealed_file_is_found_wherever_it_is(tmp_path):
    text = sealed_text({"schema": 2, "n": 1}).encode()
    for place in range(len(text)):
        (tmp_path / "a.json").write_bytes(text[:place] + bytes([text[place] ^ 1]) + text[place + 1 :])
        with pytest.raises(StoreError, match=r"a\.json is damaged"):
            read_sealed(tmp_path / "a.json")


def test_a_sealed_file_is_read_as_it_was_written_and_an_older_one_is_taken_as_it_is(tmp_path):
    write_sealed(tmp_path / "new.json", {"schema": 2, "name": "Bröhl"})
    write_whole(tmp_path / "old.json", '{"schema": 1, "name": "x"}')
    read = [read_sealed(tmp_path / name) for name in ("new.json", "old.json")]
    assert read == [{"schema": 2, "name": "Bröhl"}, {"schema": 1, "name": "x"}]


def test_every_crash_point_is_named_where_it_is_passed():
    code = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "kinject").rglob("*.py")))
    assert sorted(set(re.findall(r'crash_point\("([\w.]+)"\)', code))) == sorted(POINTS)
