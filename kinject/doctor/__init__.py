"""What is installed, what is missing, and how fast this machine is, a row each.

It mends nothing, and builds nothing that is kept.
"""

from collections.abc import Iterator

from kinject.doctor import machine, packages, speed, studies
from kinject.doctor.rows import Row, State

__all__ = ["Row", "State", "examine"]


def examine(corpus: str = "") -> Iterator[Row]:
    """Rows as they are found, within some seconds; for a corpus also how long its study would take, in minutes.

    Raises KinjectError for a corpus that cannot be used.
    """
    found = list(packages.examine())
    yield from found
    yield from machine.examine()
    if any(row.state == "broken" for row in found):
        yield Row("speed", "not measured", "note", "what is broken above may not even import; mend it first")
        return
    yield from speed.examine()
    yield studies.examine(corpus)
