"""kinject doctor: floors, extras, and what the shell is told."""

import json
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from conftest import FakeLM
from typer.testing import CliRunner

from kinject.cli import app
from kinject.doctor import Row, machine, packages, speed, studies

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EVERYTHING = packages.FLOORS | {name: floor for needs in packages.EXTRAS.values() for name, floor in needs.items()}


def rows(**other):
    """What is found where all is at its floor but `other`; None is not installed."""
    versions = EVERYTHING | {name.replace("_", "-"): version for name, version in other.items()}

    def version_of(name):
        if versions[name] is None:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    return [row for row in packages.examine(version_of) if row.state != "ok"]


def test_packages_at_their_floor_are_well():
    assert rows() == []


@pytest.mark.parametrize(
    ("name", "version", "floor"),
    [("torch", "2.9.1+cpu", "2.10"), ("starlette", "0.49.0", "0.49.1"), ("langchain-core", "1.2.31rc1", "1.2.31")],
)
def test_a_package_below_its_floor_is_broken_and_the_row_says_what_to_install(name, version, floor):
    advice = f"below {floor}: pip install '{name}>={floor}'"
    assert rows(**{name.replace("-", "_"): version}) == [Row(name, version, "broken", advice)]


def test_versions_are_compared_as_numbers():
    assert rows(torch="2.10.0+cpu", transformers="5.23.0", starlette="1.0") == []


def test_a_package_that_is_gone_is_broken():
    assert rows(safetensors=None) == [Row("safetensors", "not installed", "broken", "pip install 'safetensors>=0.6'")]


def test_a_missing_extra_is_not_broken_and_has_its_pip_line():
    advice = "only for kinject[mcp]: pip install 'kinject[mcp]'"
    assert rows(mcp=None) == [Row("mcp", "not installed", "missing", advice)]


def test_an_extra_that_is_there_has_a_floor_as_well():
    assert [row.state for row in rows(langchain_openai="1.1.13")] == ["broken"]


def test_the_extras_are_those_that_can_be_installed():
    listed = {
        name: {one.partition(">=")[0] for one in needs} for name, needs in PROJECT["optional-dependencies"].items()
    }
    assert {name: set(needs) for name, needs in packages.EXTRAS.items()} == {
        name: needs for name, needs in listed.items() if name != "dev"
    }


def test_every_floor_is_one_that_installing_keeps():
    assert {f"{name}>={floor}" for name, floor in packages.FLOORS.items()} <= set(PROJECT["dependencies"])


def test_little_room_is_a_note_with_advice(monkeypatch, tmp_path):
    assert [row.name for row in machine.examine(tmp_path)] == ["cores", "memory", "disk"]
    monkeypatch.setattr(machine, "LEAST_DISK_GIB", 10**9)
    disk = list(machine.examine(tmp_path))[-1]
    assert (disk.state, disk.advice.startswith("a run may not fit")) == ("note", True)


def test_reading_counts_the_prompt_and_writing_what_was_said():
    model = FakeLM(lambda chat: "one two three")
    seconds = iter((0.0, 9.0, 10.0, 12.0))
    assert speed.reading(model, lambda: next(seconds)) == speed.WORDS / 2  # the first prompt is not counted
    seconds = iter((0.0, 0.5, 2.0))
    assert speed.writing(model, lambda: next(seconds)) == 4.0  # two answers of four tokens, in two seconds


def test_without_a_corpus_the_row_names_the_command_that_forecasts():
    assert studies.examine("").advice.startswith("kinject plan ")


@pytest.fixture
def told(monkeypatch):
    """What the command says, and the shell is told, of a machine of which all is at its floor but `other`."""
    monkeypatch.setattr(speed, "examine", lambda: iter([Row("mini reads", "9,000 tokens/s")]))

    def run(*arguments, **other):
        found = rows(**other)
        monkeypatch.setattr(packages, "examine", lambda: iter(found))
        return CliRunner().invoke(app, ["doctor", *arguments])

    return run


def test_a_broken_floor_ends_with_1_and_measures_nothing(told):
    found = told(torch="2.9.1")
    assert found.exit_code == 1
    assert found.output.startswith(f"broken    {'torch':<38}  2.9.1  below 2.10: pip install 'torch>=2.10'\n")
    assert "mini reads" not in found.output


def test_a_missing_extra_ends_with_0(told):
    found = told(mcp=None)
    assert found.exit_code == 0
    assert "pip install 'kinject[mcp]'" in found.output
    assert "mini reads" in found.output


def test_json_is_the_same_rows_as_data(told):
    lines = [json.loads(line) for line in told("--json", torch="2.9.1").output.splitlines()]
    assert lines[0] == {
        "name": "torch",
        "found": "2.9.1",
        "state": "broken",
        "advice": "below 2.10: pip install 'torch>=2.10'",
    }
    assert [line["name"] for line in lines][1:] == ["cores", "memory", "disk", "speed"]
