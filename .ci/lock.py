"""Print requirements.lock: the exact versions of everything that kinject[dev] needs in this environment.

Only the closure of our own dependencies is kept, so that a stray package in the environment does not reach
the lock; local build labels such as torch's are dropped, because they name an index and not a version.
"""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HEADER = "# The exact versions that `make env` installs. Written by `make lock`; edit pyproject.toml instead."


def closure(roots: list[str]) -> dict[str, str]:
    """Canonical name -> version of the roots and of all that they need here."""
    found: dict[str, str] = {}
    waiting = [(Requirement(text), "") for text in roots]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        # An extra can add requirements to a package already seen, so only a plain repeat is skipped.
        if name in found and not requirement.extras:
            continue
        try:
            package = distribution(name)
        except PackageNotFoundError as error:
            raise SystemExit(f"{name} is not installed; run `make env` after adding it to pyproject.toml") from error
        found[name] = re.sub(r"\+.*", "", package.version)
        needs = [Requirement(text) for text in package.requires or []]
        waiting += [(need, wanted) for need in needs for wanted in ("", *requirement.extras)]
    return found


def main() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    roots = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    print(HEADER, *(f"{name}=={version}" for name, version in sorted(closure(roots).items())), sep="\n")


if __name__ == "__main__":
    main()
