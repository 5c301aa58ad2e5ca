"""What a finding is."""

from dataclasses import dataclass
from typing import Literal

# broken: kinject does not work so, or not safely. missing: something that only an extra needs. note: nobody's fault.
State = Literal["ok", "missing", "broken", "note"]


@dataclass(frozen=True, slots=True)
class Row:
    """`advice` is what to do, where there is something."""

    name: str
    found: str
    state: State = "ok"
    advice: str = ""
