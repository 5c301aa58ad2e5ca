"""What the documents say is so, and the source keeps its promises: nothing that runs what it reads."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kinject import plugins
from kinject.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FOLDERS = ("kinject", "corpora", "services", "benchmarks", "tests", "deploy", ".ci")
TEXT = {".py", ".md", ".toml", ".json", ".jsonl", ".jinja2", ".html", ".css", ".js", ".lock", ".yaml", ".txt", ""}
FILES = sorted(
    path
    for path in (*ROOT.glob("*"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*")))
    if path.is_file()
    and path.suffix in TEXT
    and "__pycache__" not in path.parts
    and path.name != ".git"  # of a worktree
)
PLUGINS = [(p, n) for p in ("kinject.systems", "kinject.probes", "kinject.corpus.formats") for n in plugins.names(p)]

# Each of these runs what it reads, so that data could become code.
FORBIDDEN_IMPORTS = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
FORBIDDEN_CALLS = {"eval", "exec", "os.system", "torch.load", "yaml.load", "yaml.unsafe_load"}
FORBIDDEN_TRUE = {"shell", "trust_remote_code", "allow_pickle"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def called(function: ast.expr) -> str:
    """`eval` and `torch.load` by their name; anything deeper has none."""
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return f"{function.value.id}.{function.attr}"
    return function.id if isinstance(function, ast.Name) else ""


def offences(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (name for name in names if name.split(".")[0] in FORBIDDEN_IMPORTS)
        elif isinstance(node, ast.Call):
            yield from {called(node.func)} & FORBIDDEN_CALLS
            yield from (
                f"{word.arg}=True"
                for word in node.keywords
                if word.arg in FORBIDDEN_TRUE and isinstance(word.value, ast.Constant) and word.value.value is True
            )


@pytest.mark.parametrize(("package", "name"), PLUGINS)
def test_every_plugin_has_a_row_in_the_readme(package, name):
    assert f"\n| `{name}` |" in README


def test_the_readme_shows_the_help_as_it_is():
    help_text = CliRunner().invoke(app, ["--help"], prog_name="kinject", env={"COLUMNS": "100"}, color=False).output
    shown = [block.removeprefix("$ kinject --help\n") for block in blocks("console") if "$ kinject --help\n" in block]
    assert [text.strip() for text in shown] == [help_text.strip()]


def test_the_python_of_the_readme_runs(tmp_path):
    (code,) = blocks("python")
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!https?:|#)([^)#]+)", README))))
def test_every_link_of_the_readme_leads_somewhere(link):
    assert (ROOT / link).exists()


def test_no_file_names_a_path_of_one_machine():
    machine = re.compile(r"(?<![\w./:}])/(?:home|root|Users|work|opt|mnt)/\w|[A-Z]:\\Users")
    found = {str(path.relative_to(ROOT)) for path in FILES if machine.search(path.read_text(encoding="utf-8"))}
    assert found == set()


def test_nothing_runs_what_it_reads():
    found = {str(path.relative_to(ROOT)): list(offences(path)) for path in FILES if path.suffix == ".py"}
    assert {path: names for path, names in found.items() if names} == {}
