"""Which packages there are, whether each is at its floor, and which extras are missing.

It reads what the installer noted and imports none of them.
"""

import platform
from collections.abc import Callable, Iterator
from importlib import metadata

from packaging.version import Version

from kinject import __version__
from kinject.doctor.rows import Row

# Below these a known hole is open, or what kinject calls is not there yet.
FLOORS = {
    "torch": "2.10",  # torch.load ran code from files (CVE-2025-32434, CVE-2026-24747)
    "transformers": "5.3",  # a model's config ran code (CVE-2026-4372, CVE-2026-5241)
    "langchain-core": "1.2.31",  # CVE-2025-68664, CVE-2026-34070, CVE-2026-41488
    "starlette": "0.49.1",  # a Range header took minutes (CVE-2025-62727)
    "faiss-cpu": "1.15",
    "safetensors": "0.6",
    "langchain": "1.1",
    "langgraph": "1.0",
    "fastapi": "0.120",
    "peft": "0.18",
    "tokenizers": "0.22",
}
# Extra -> what it installs: nothing else of kinject needs these. A floor is asked of one that is there.
EXTRAS: dict[str, dict[str, str]] = {
    "mcp": {"mcp": "2.0"},
    "openai": {"langchain-openai": "1.1.14"},  # CVE-2026-26013
    "otel": {
        "opentelemetry-exporter-otlp-proto-http": "1.35",
        "opentelemetry-instrumentation-fastapi": "0.56b0",
        "opentelemetry-sdk": "1.35",
    },
    "quantize": {"torchao": "0.15"},
}
VersionOf = Callable[[str], str]


def examine(version_of: VersionOf = metadata.version) -> Iterator[Row]:
    """`version_of` raises PackageNotFoundError for what is not installed."""
    yield Row("kinject", __version__)
    yield Row("Python", platform.python_version())
    for name, floor in FLOORS.items():
        yield _row(name, floor, version_of)
    for extra, needs in EXTRAS.items():
        rows = [_row(name, floor, version_of, extra) for name, floor in needs.items()]
        yield next((row for state in ("broken", "missing") for row in rows if row.state == state), rows[0])


def _row(name: str, floor: str, version_of: VersionOf, extra: str = "") -> Row:
    try:
        found = version_of(name)
    except metadata.PackageNotFoundError:
        if extra:
            return Row(name, "not installed", "missing", f"only for kinject[{extra}]: pip install 'kinject[{extra}]'")
        return Row(name, "not installed", "broken", f"pip install '{name}>={floor}'")
    if Version(found) < Version(floor):
        return Row(name, found, "broken", f"below {floor}: pip install '{name}>={floor}'")
    return Row(name, found)
