"""Tab after `kinject`: the shell is told the commands and options that there are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from kinject.cli import app

ROOT = Path(__file__).parents[1]
# What bash does at a tab, after the line that `--install-completion` leaves for it.
TAB = """
eval "$(kinject --show-completion)"
read -ra COMP_WORDS <<< "$1"
[ "${1: -1}" = " " ] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_kinject_completion kinject
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def tab(tmp_path):
    command = tmp_path / "kinject"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kinject "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}

    def pressed(line: str) -> list[str]:
        asked = ["bash", "-c", TAB, "bash", line]
        done = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.split()

    return pressed


def test_a_tab_lists_the_commands_and_ends_what_was_begun(tab):
    assert tab("kinject ") == list(get_command(app).commands)
    assert tab("kinject stu") == ["study"]
    assert tab("kinject serve --o") == ["--otel"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(shell):
    asked = [sys.executable, "-m", "kinject"]
    environment = os.environ | {"_KINJECT_COMPLETE": f"source_{shell}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert f"_KINJECT_COMPLETE=complete_{shell}" in done.stdout
