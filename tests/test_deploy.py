"""What lies in deploy/: its commands fit the command line, and what runs there is nobody in particular."""

import ast
import json
import re
import shlex
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from kinject.cli import app
from services.options import Options

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
README = (DEPLOY / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")


def stage(number: int) -> dict[str, list[str]]:
    """The instructions of one stage of the Dockerfile."""
    found: dict[str, list[str]] = {}
    for line in re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[number].splitlines()[1:]:
        if word := re.match(r"([A-Z]+) (.*)", line.strip()):
            found.setdefault(word[1], []).append(word[2].strip())
    return found


def unit() -> RawConfigParser:
    parser = RawConfigParser(strict=False)  # a setting may be given twice
    parser.optionxform = str
    parser.read_string((DEPLOY / "kinject.service").read_text(encoding="utf-8"))
    return parser


def composed() -> dict:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]["kinject"]


def said() -> dict[str, list[str]]:
    """The command line that each file gives to kinject."""
    written = {f"README {n}": line for n, line in enumerate(re.findall(r"kinject ((?:serve|study) [^`\n]+)", README))}
    return {
        "Dockerfile": json.loads(stage(2)["CMD"][0]),
        "compose.yaml": composed()["command"],
        "kinject.service": shlex.split(unit()["Service"]["ExecStart"])[1:],
        **{place: shlex.split(line) for place, line in written.items()},
    }


@pytest.mark.parametrize("place", said())
def test_every_command_is_one_that_the_command_line_takes(place):
    command, *rest = said()[place]
    get_command(app).commands[command].make_context(f"kinject {command}", rest)


def test_nobody_is_root():
    assert stage(2)["USER"] == ["10001:10001"]
    assert "user" not in composed()
    assert unit()["Service"]["DynamicUser"] == "yes"


def test_the_image_is_asked_whether_it_is_alive_in_words_that_python_knows():
    arguments = json.loads(re.search(r"HEALTHCHECK .*? CMD (\[.*\])", DOCKERFILE)[1])
    assert arguments[:2] == ["python", "-c"]
    assert "http://127.0.0.1:8000/health/live" in ast.unparse(ast.parse(arguments[2]))


def test_what_the_image_copies_is_there_and_let_through():
    copied = [name for line in stage(1)["COPY"] for name in line.split()[:-1]]
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[0] == "*"
    assert sorted(copied) == sorted(line[1:] for line in ignored if line.startswith("!"))
    assert all((ROOT / name).exists() for name in copied)


def test_the_image_takes_the_torch_of_the_lock():
    assert re.search(r"^torch==\d", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    assert "download.pytorch.org/whl/cpu" in DOCKERFILE


def test_the_container_writes_only_to_tmp_and_is_reached_from_this_machine_only():
    container = composed()
    assert (container["read_only"], container["cap_drop"]) == (True, ["ALL"])
    assert [volume.rpartition(":")[2] for volume in container["volumes"]] == ["ro"]
    assert all(port.startswith("127.0.0.1:") for port in container["ports"])


def test_without_keys_only_this_machine_may_reach_it():
    commands = said()
    assert "--keys" in commands["Dockerfile"]
    assert "--force" not in commands["Dockerfile"] + commands["kinject.service"]
    assert commands["kinject.service"][2:4] == ["--host", "127.0.0.1"]


def test_what_was_begun_is_ended_before_it_is_killed():
    drain = Options().limits.drain_s
    assert drain < int(composed()["stop_grace_period"].removesuffix("s"))
    assert drain < int(unit()["Service"]["TimeoutStopSec"])


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_finds_the_unit_hardly_exposed():
    asked = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(DEPLOY / "kinject.service")]
    assert subprocess.run(asked, capture_output=True, check=False).returncode == 0
