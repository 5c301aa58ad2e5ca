"""kinject.store: before or after, nothing else."""

import errno
import json
import os
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kinject.errors import StoreError
from kinject.store import (
    JsonLines,
    artifact_is,
    lock,
    new_artifact,
    read_manifest,
    record_to_row,
    row_to_record,
    write_whole,
)
from kinject.types import Answer, Evidence, Outcome, Probe, Record, Usage, Verdict

PROBE = Probe(
    "p1", "pushback", 'Weigh "Café"?', ("1.1 kg",), ("f1",), ("Wrong.", "Really?"), "weight", "Café", "p2", "denial"
)
ANSWER = Answer(
    "1.1 kg", 0.1 + 0.2, (Evidence("doc/1", "weighs\n1.1 kg", 0.7), Evidence("x", "y")), Usage(10, 3, 1, 0.25)
)
VERDICTS = (Verdict(Outcome.CORRECT), Verdict(Outcome.INCORRECT, "confused", ("2 kg",)), Verdict(Outcome.NOT_ATTEMPTED))
RECORD = Record("catalog", "rag", 3, PROBE, (ANSWER, Answer("2 kg", 1.0), Answer("?", 0.0)), VERDICTS)

# Kills itself just before its n-th call of a function that changes the disk, for n = 0, 1, 2, ... until a run survives;
# prints after each what a reader then finds.
KILLER = """
import os, pathlib, shutil, signal, sys
from kinject.store import *

def write(path, content):
    with new_artifact(path, content) as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "a.txt").write_text(content)

def child(path, kill_at):
    calls = 0
    def counted(function):
        def wrapper(*arguments, **named):
            nonlocal calls
            if calls == kill_at:
                os.kill(os.getpid(), 9)
            calls += 1
            return function(*arguments, **named)
        return wrapper
    for name in ("fsync", "rename", "replace", "mkdir", "open", "unlink", "rmdir"):
        setattr(os, name, counted(getattr(os, name)))
    write(path, "new")
    os._exit(0)

root, n = pathlib.Path(sys.argv[1]), 0
while True:
    path = root / str(n) / "sft"
    write(path, "old")
    pid = os.fork()
    if pid == 0:
        child(path, n)
    survived = os.waitpid(pid, 0)[1] == 0
    found = [name for name in ("old", "new") if artifact_is(path, name)]
    text = (path / "sub" / "a.txt").read_text()
    write(path, "again")
    print(survived, found, text, sorted(p.name for p in path.parent.iterdir()), flush=True)
    n += 1
    if survived:
        break
"""
APPENDER = """
import pathlib, sys
from kinject.store import JsonLines
with JsonLines(pathlib.Path(sys.argv[1])) as log:
    for n in range(10**9):
        log.append({"n": n, "text": "x" * 3000})
        print(n, flush=True)
"""


@contextmanager
def file_size_limit(size_bytes: int) -> Iterator[None]:
    """Files cannot grow beyond this, as on a full disk."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def make_artifact(path: Path) -> None:
    with new_artifact(path, "v1") as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "weights.bin").write_bytes(bytes(range(200)))
        (folder / "config.json").write_text("{}")


def test_artifact_is_there_whole_with_its_manifest(tmp_path: Path) -> None:
    make_artifact(tmp_path / "sft")
    assert artifact_is(tmp_path / "sft", "v1")
    assert not artifact_is(tmp_path / "sft", "v2")
    assert not artifact_is(tmp_path / "rag", "v1")
    assert {n: f.bytes for n, f in read_manifest(tmp_path / "sft").files.items()} == {
        "config.json": 2,
        "inner/weights.bin": 200,
    }
    assert [p.name for p in tmp_path.iterdir()] == ["sft"]


def test_failed_build_leaves_the_older_artifact_alone(tmp_path: Path) -> None:
    make_artifact(tmp_path / "sft")
    with pytest.raises(FileNotFoundError), new_artifact(tmp_path / "sft", "v2") as folder:
        (folder / "half").write_bytes((tmp_path / "absent").read_bytes())
    assert artifact_is(tmp_path / "sft", "v1")
    assert [p.name for p in tmp_path.iterdir()] == ["sft"]


def test_kill_at_any_disk_operation_leaves_the_old_or_the_new_artifact(tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", KILLER, tmp_path], capture_output=True, text=True, check=True)
    *killed, last = run.stdout.splitlines()
    assert last == "True ['new'] new ['sft']"
    assert len(killed) > 10
    assert set(killed) == {"False ['old'] old ['sft']", "False ['new'] new ['sft']"}


def test_any_flipped_byte_is_found(tmp_path: Path) -> None:
    make_artifact(tmp_path / "sft")
    rng = random.Random(0)
    for file in (p for p in (tmp_path / "sft").rglob("*") if p.is_file()):
        whole = file.read_bytes()
        for at in rng.sample(range(len(whole)), min(len(whole), 150)):
            file.write_bytes(whole[:at] + bytes([whole[at] ^ rng.randrange(1, 256)]) + whole[at + 1 :])
            with pytest.raises(StoreError, match=file.name):
                artifact_is(tmp_path / "sft", "v1")
        file.write_bytes(whole)


def test_any_truncation_is_found(tmp_path: Path) -> None:
    make_artifact(tmp_path / "sft")
    for file in (p for p in (tmp_path / "sft").rglob("*") if p.is_file()):
        whole = file.read_bytes()
        for length in range(0, len(whole), 7):
            file.write_bytes(whole[:length])
            with pytest.raises(StoreError, match=file.name):
                artifact_is(tmp_path / "sft", "v1")
        file.write_bytes(whole)


def test_missing_foreign_and_linked_files_are_named(tmp_path: Path) -> None:
    make_artifact(tmp_path / "sft")
    (tmp_path / "sft" / "extra.pkl").write_text("x")
    with pytest.raises(StoreError, match=r"extra.pkl is not in MANIFEST.json"):
        artifact_is(tmp_path / "sft", "v1")
    (tmp_path / "sft" / "extra.pkl").unlink()
    (tmp_path / "sft" / "config.json").rename(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match=r"config.json is missing"):
        artifact_is(tmp_path / "sft", "v1")
    (tmp_path / "sft" / "config.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match=r"config.json is not a regular file"):
        artifact_is(tmp_path / "sft", "v1")


def test_manifest_of_a_newer_schema_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kinject.store.artifact.SCHEMA", 2)
    make_artifact(tmp_path / "sft")
    monkeypatch.undo()
    with pytest.raises(StoreError, match=r"has schema 2 of kinject .*; this kinject reads 1"):
        artifact_is(tmp_path / "sft", "v1")


def test_folder_without_a_manifest_is_no_artifact(tmp_path: Path) -> None:
    assert not artifact_is(tmp_path, "v1")
    with pytest.raises(StoreError, match="not a finished artifact"):
        read_manifest(tmp_path)


def test_leftovers_of_a_killed_writer_are_removed(tmp_path: Path) -> None:
    (tmp_path / "sft.tmp-dead").mkdir()
    (tmp_path / "sft.tmp-dead" / "half").write_text("x")
    (tmp_path / "other.tmp-alive").mkdir()
    make_artifact(tmp_path / "sft")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other.tmp-alive", "sft"]


def test_the_files_of_an_artifact_may_be_read_by_whom_its_folder_may(tmp_path: Path) -> None:
    with new_artifact(tmp_path / "sft", "v1") as folder:
        (folder / "weights.bin").touch(mode=0o600)
        folder.chmod(0o755)
    assert (tmp_path / "sft" / "weights.bin").stat().st_mode & 0o777 == 0o644


def test_an_artifact_is_read_from_a_read_only_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *words: object, **more: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    make_artifact(tmp_path / "sft")
    for change in ("unlink", "rename", "mkdir", "touch"):
        monkeypatch.setattr(Path, change, refuse)
    assert artifact_is(tmp_path / "sft", "v1")
    assert read_manifest(tmp_path / "sft").fingerprint == "v1"


def test_write_whole_replaces_and_a_full_disk_keeps_the_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write_whole(tmp_path / "a[1].md", "old")
    write_whole(tmp_path / "a[1].md", "Zoë")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"cannot write .*a\[1\]\.md: No space left on device"):
        write_whole(tmp_path / "a[1].md", "newer")
    assert {p.name: p.read_text(encoding="utf-8") for p in tmp_path.iterdir()} == {"a[1].md": "Zoë"}


def test_log_returns_what_was_appended(tmp_path: Path) -> None:
    rows = [{}, {"n": 1}, {"text": 'a\n"b"\u2028é', "deep": {"list": [1.5, None]}}]
    for row in rows:
        with JsonLines(tmp_path / "x" / "log.jsonl") as log:
            log.append(row)
    assert JsonLines(tmp_path / "x" / "log.jsonl").rows() == rows
    assert [json.loads(line) for line in (tmp_path / "x" / "log.jsonl").read_bytes().split(b"\n")[:-1]][1]["n"] == 1
    assert JsonLines(tmp_path / "absent").rows() == []


def test_a_number_that_is_none_becomes_null_and_is_refused_deeper(tmp_path: Path) -> None:
    with JsonLines(tmp_path / "log") as log:
        log.append({"value": float("nan"), "low": float("-inf"), "n": 0})
        with pytest.raises(StoreError, match="Out of range float"):
            log.append({"deep": [float("nan")]})
        assert log.rows() == [{"value": None, "low": None, "n": 0}]


def test_torn_last_line_is_cut_at_every_length(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with JsonLines(path) as log:
        log.append({"n": 0})
        log.append({"n": 1})
    whole = path.read_bytes()
    for length in range(whole.index(b"\n") + 1, len(whole)):
        path.write_bytes(whole[:length])
        assert JsonLines(path).rows() == [{"n": 0}]
        with JsonLines(path) as log:
            log.append({"n": 1})
        assert path.read_bytes() == whole


def test_flipped_byte_in_a_line_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with JsonLines(path) as log:
        for n in range(3):
            log.append({"n": n})
    whole = path.read_bytes()
    second = whole.index(b"\n") + 1
    for at in range(second, whole.index(b"\n", second)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(StoreError, match=r"log\.jsonl:2: damaged line"):
            JsonLines(path).rows()


@pytest.mark.parametrize("seed", range(3))
def test_kill_while_appending_loses_no_acknowledged_row(tmp_path: Path, seed: int) -> None:
    child = subprocess.Popen([sys.executable, "-c", APPENDER, tmp_path / "log"], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for _ in range(random.Random(seed).randrange(1, 400)):
        acknowledged = int(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    child.communicate()
    rows = JsonLines(tmp_path / "log").rows()
    assert len(rows) > acknowledged
    assert [row["n"] for row in rows] == list(range(len(rows)))


def test_full_disk_while_appending_leaves_whole_lines(tmp_path: Path) -> None:
    with JsonLines(tmp_path / "log") as log:
        log.append({"n": 0})
        log.append({"n": 1})
        with (
            file_size_limit((tmp_path / "log").stat().st_size + 9),
            pytest.raises(StoreError, match="rows so far are kept"),
        ):
            log.append({"n": 2})
        log.append({"n": 3})
    assert JsonLines(tmp_path / "log").rows() == [{"n": 0}, {"n": 1}, {"n": 3}]


def test_second_writer_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    code = "import sys, pathlib; from kinject.store import lock\nwith lock(pathlib.Path(sys.argv[1])): pass"
    with lock(tmp_path / "run"):
        run = subprocess.run([sys.executable, "-c", code, tmp_path / "run"], capture_output=True, text=True)
    assert f"in use by process {os.getpid()};" in run.stderr
    with lock(tmp_path / "run"):
        pass


def test_record_survives_the_log(tmp_path: Path) -> None:
    with JsonLines(tmp_path / "records.jsonl") as log:
        log.append(record_to_row(RECORD))
    assert [row_to_record(row) for row in JsonLines(tmp_path / "records.jsonl").rows()] == [RECORD]


def test_row_that_is_no_record_names_the_field() -> None:
    row = record_to_row(RECORD)
    row["probe"]["gold"] = 7
    with pytest.raises(StoreError, match=r"a record's probe\.gold does not fit"):
        row_to_record(row)
