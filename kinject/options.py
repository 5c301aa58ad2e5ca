"""Fill a frozen Config from strings such as `epochs=20`.

The dataclass is the schema: field names, types and defaults come from it, and nothing else is accepted.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError
from rapidfuzz import process

from kinject.errors import OptionError

C = TypeVar("C")


def fill(config: type[C], settings: Sequence[str]) -> C:
    """Build `config` from `key=value` strings. Raises OptionError naming the key, the value and the rule."""
    hints = get_type_hints(config)
    values: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise OptionError(f"expected key=value, found {setting!r}")
        if key not in hints:
            near = process.extractOne(key, list(hints), score_cutoff=60)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise OptionError(f"no option {key!r}{hint} (known: {', '.join(hints)})")
        try:
            values[key] = TypeAdapter(hints[key]).validate_python(text)
        except ValidationError as error:
            raise OptionError(f"option {key}={text!r}: {error.errors()[0]['msg'].lower()}") from error
    try:
        return config(**values)
    except ValueError as error:
        raise OptionError(str(error)) from error


def as_dict(config: Any) -> dict[str, Any]:
    """The options as plain values, for a manifest or a fingerprint."""
    return dataclasses.asdict(config)
