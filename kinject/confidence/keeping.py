"""Calibrations on disk: plain numbers, a line a system, each under its own checksum."""

from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from kinject.confidence.calibrating import Calibration
from kinject.errors import StoreError
from kinject.store import JsonLines

FILE = "confidence.jsonl"


def to_row(system: str, calibration: Calibration) -> dict[str, Any]:
    return {"system": system, **asdict(calibration)}


def read(folder: Path) -> dict[str, Calibration]:
    """By system; none where a run has no such file. Raises StoreError for a damaged line, naming it."""
    path = folder / FILE
    found = {}
    for row in JsonLines(path).rows():
        system = row.pop("system", "")
        try:
            found[system] = _calibrations().validate_python(row)
        except ValidationError as error:
            raise StoreError(f"{path}: the calibration of {system!r} does not fit; run the study again") from error
    return found


@cache
def _calibrations() -> TypeAdapter[Calibration]:
    return TypeAdapter(Calibration)
