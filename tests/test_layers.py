"""Imports run one way: the order of the layers, read from the source without importing it."""

import ast
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A module may import from its own layer and from those before it.
LAYERS = (
    ("__init__", "py", "types", "errors", "progress"),
    ("plugins", "options", "keys", "store"),
    ("corpus",),
    ("lm",),
    ("extraction", "instructions"),
    ("systems",),
    ("grading", "stats", "power"),
    ("probes",),
    ("confidence",),
    ("lab",),
    ("study",),
    ("frames",),
    ("report",),
    ("freshness", "forecast", "diff", "gates", "doctor"),
    ("edge", "terminal", "intake", "cli", "__main__"),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
HEAVY = (
    "torch",
    "transformers",
    "faiss",
    "langchain_core",
    "matplotlib",
    "scipy",
    "networkx",
    "duckdb",
    "fastapi",
    "pandas",
)
SOURCES = sorted(path.relative_to(ROOT) for folder in ("kinject", "services") for path in (ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, at any depth, in full: `from kinject import study` is kinject.study."""
    package = [*path.with_suffix("").parts]
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            yield from (f"{module}.{alias.name}" for alias in node.names)


def layer(module: str) -> str:
    """The part of kinject that a dotted name lies in; __version__ and the like lie in its __init__."""
    part = module.split(".")[1]
    return part if part in LEVEL else "__init__"


def test_every_part_of_kinject_has_its_layer():
    found = {path.parts[1].removesuffix(".py") for path in SOURCES if path.parts[0] == "kinject"}
    assert found - set(LEVEL) == set()


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parts[0] == "kinject"], ids=str)
def test_a_module_imports_only_from_its_layer_and_those_before_it(path):
    own = path.parts[1].removesuffix(".py")
    above = {name for name in imports(path) if name.startswith("kinject.") and LEVEL[layer(name)] > LEVEL[own]}
    assert above == set()


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parts[0] == "kinject"], ids=str)
def test_kinject_imports_neither_the_service_nor_the_benchmarks_nor_the_tests(path):
    assert {name.split(".")[0] for name in imports(path)} & {"services", "benchmarks", "tests", "corpora"} == set()


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parts[0] == "services"], ids=str)
def test_the_service_names_itself_only_relatively(path):
    # In the wheel it is kinject._service, so an import of `services` would fail there.
    source = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    absolute = [node for node in ast.walk(source) if isinstance(node, ast.ImportFrom) and node.level == 0]
    assert [node.module for node in absolute if str(node.module).split(".")[0] in ("services", "benchmarks")] == []


def test_help_answers_in_half_a_second_and_imports_nothing_heavy():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = f"import sys, kinject.cli; print([name for name in {HEAVY} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Processor time, since the clock on the wall depends on what else the machine does.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5


def test_the_service_starts_without_what_only_its_systems_need():
    late = "{'peft', 'sentence_transformers', 'faiss'}"
    code = f"import sys, services.app, services.serving; print({late} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
