"""The folder is the registry: a plugin is a module of its package, named by its file.

Listing reads file names only, so that it imports nothing heavy.
"""

import ast
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

from rapidfuzz import process

from kinject.errors import UnknownNameError


def names(package: str) -> list[str]:
    """The plugins of a package such as `kinject.systems`, sorted; names with a leading underscore are private."""
    paths = importlib.import_module(package).__path__
    return sorted(m.name for m in pkgutil.iter_modules(paths) if not m.name.startswith("_"))


def summary(package: str, name: str) -> str:
    """The first line of a plugin's docstring, read without importing it; empty for one that is not there."""
    for folder in importlib.import_module(package).__path__:
        for path in (Path(folder) / f"{name}.py", Path(folder) / name / "__init__.py"):
            if path.is_file():
                text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
                return text.partition("\n")[0]
    return ""


def load(package: str, name: str) -> ModuleType:
    """Import one plugin. Raises UnknownNameError with the known names and the nearest one."""
    known = names(package)
    if name not in known:
        kind = package.rpartition(".")[2]
        near = process.extractOne(name, known, score_cutoff=60)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise UnknownNameError(f"no {name!r} in {kind}{hint}; choose one of: {', '.join(known)}")
    return importlib.import_module(f"{package}.{name}")
