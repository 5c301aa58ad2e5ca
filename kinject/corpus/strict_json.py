"""JSON with the errors that json lets pass: NaN, a key twice, nesting without end.

Numbers stay the text that was written, so that 27.10 is not 27.1 and no digit is lost.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from kinject.errors import CorpusError


class Decoded(NamedTuple):
    value: Any
    end: int


def decode(text: str, start: int, path: Path, first_line: int = 1) -> Decoded:
    """The JSON value that begins at `start`. Raises CorpusError with file:line; `text` begins on `first_line`."""
    try:
        return Decoded(*_DECODER.raw_decode(text, start))
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        reason = f"not JSON: {error.msg[0].lower()}{error.msg[1:]} at column {error.colno}"
        raise CorpusError(f"{path}:{line}: {reason}") from error
    except RecursionError as error:
        raise CorpusError(f"{_where(text, start, path, first_line)}: nested too deep to be a table") from error
    except ValueError as error:
        raise CorpusError(f"{_where(text, start, path, first_line)}: {error}") from error


def _where(text: str, start: int, path: Path, first_line: int) -> str:
    return f"{path}:{first_line + text.count(chr(10), 0, start)}"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} occurs twice in one object")
        found[key] = value
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON; use null")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=str, parse_float=str)
