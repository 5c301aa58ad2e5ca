"""A JSON object in a file of its own, with the checksum of all the rest of it as its last entry."""

import hashlib
import json
from pathlib import Path
from typing import Any

from kinject.errors import StoreError
from kinject.store.files import write_whole

_SEAL = "sha256"
_SINCE = 2  # the first schema whose files all have a seal


def sealed_text(row: dict[str, Any]) -> str:
    """The text of a sealed file; a `row` that `read_sealed` shall read has the key "schema", at least 2."""
    body = {key: value for key, value in row.items() if key != _SEAL}
    return json.dumps({**body, _SEAL: _digest(body)}, indent=1)


def write_sealed(path: Path, row: dict[str, Any]) -> None:
    """Whole or not at all. Raises StoreError when the disk refuses."""
    write_whole(path, sealed_text(row))


def read_sealed(path: Path) -> dict[str, Any]:
    """The row that was written. Raises StoreError for a file that is damaged, FileNotFoundError if there is none.

    A file of schema 1, or of none, comes from before there were seals and is taken as it is.
    """
    try:
        text = path.read_text(encoding="utf-8")
        row = json.loads(text)
    except ValueError as error:
        raise damaged(path, str(error)) from error
    if not isinstance(row, dict):
        raise damaged(path, "an object was expected")
    if _SEAL not in row:
        if isinstance(row.get("schema"), int) and row["schema"] >= _SINCE:
            raise damaged(path, "its sha256 is missing")
    elif text != sealed_text(row):
        raise damaged(path, "sha256")
    row.pop(_SEAL, None)
    return row


def damaged(path: Path, what: str) -> StoreError:
    return StoreError(f"{path} is damaged ({what}); `kinject repair` sets it aside")


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body).encode()).hexdigest()
