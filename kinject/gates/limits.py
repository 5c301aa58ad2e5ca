"""What the user wrote, such as rag.recall=0.90, settled before anything is built: which number, and its limit."""

from collections.abc import Sequence
from dataclasses import dataclass

from kinject import plugins
from kinject.errors import OptionError, UnknownNameError
from kinject.report import metrics
from kinject.report.metrics import PROBES


@dataclass(frozen=True)
class Limit:
    """`at_least`: the number must reach the bound; otherwise it must stay below it. `name` is as the user wrote it."""

    name: str
    system: str
    kind: str
    metric: str
    bound: float
    at_least: bool

    def __str__(self) -> str:
        return f"{self.name} {'>=' if self.at_least else '<'} {self.bound:g}"


def limits(under: Sequence[str], over: Sequence[str], systems: Sequence[str], kinds: Sequence[str]) -> list[Limit]:
    """Of --fail-under and --fail-over, in a study of these systems and families.

    Raises OptionError for a limit that is no share, UnknownNameError listing the names there are.
    """
    written = [(text, True) for text in under] + [(text, False) for text in over]
    return [_limit(text, at_least, systems, kinds) for text, at_least in written]


def _limit(text: str, at_least: bool, systems: Sequence[str], kinds: Sequence[str]) -> Limit:
    name, equals, number = text.partition("=")
    system, dot, rest = name.partition(".")
    if not equals or not dot:
        raise OptionError(f"no gate {text!r}: write SYSTEM.FAMILY=LIMIT or SYSTEM.FAMILY.METRIC=LIMIT")
    if system not in systems:
        raise UnknownNameError(f"gate {text!r}: no system {system!r} here; choose one of: {', '.join(systems)}")
    kind, metric = _number(text, rest, kinds)
    return Limit(name, system, kind, metric, _bound(text, number), at_least)


def _bound(text: str, number: str) -> float:
    try:
        bound = float(number)
    except ValueError as error:
        raise OptionError(f"gate {text!r}: {number!r} is no number; a limit is a share from 0 to 1") from error
    if not 0 <= bound <= 1:
        raise OptionError(f"gate {text!r}: {number} is no share; a limit is from 0 to 1")
    return bound


def _number(text: str, rest: str, kinds: Sequence[str]) -> tuple[str, str]:
    """The family and metric of FAMILY, FAMILY.METRIC or METRIC."""
    known = {kind: plugins.load(PROBES, kind).METRICS for kind in kinds}
    kind, _, metric = rest.partition(".")
    if kind in known:
        metric = metric or "accuracy"
        if metric not in known[kind]:
            raise UnknownNameError(f"gate {text!r}: {kind} has no {metric!r}; choose one of: {', '.join(known[kind])}")
        return kind, metric
    having = [kind for kind in kinds if rest in known[kind]]
    if len(having) > 1:
        # Several families may tell of hallucination; the one that is known by it is meant.
        named = [kind for kind in having if rest in {m.name for m in metrics.of_family(kind, known[kind])}]
        having = named if len(named) == 1 else having
    if not having:
        raise UnknownNameError(f"gate {text!r}: no family or metric {rest!r} here; families: {', '.join(kinds)}")
    if len(having) > 1:
        several = ", ".join(f"{kind}.{rest}" for kind in having)
        raise UnknownNameError(f"gate {text!r}: {rest!r} is a metric of several families; choose one of: {several}")
    return having[0], rest
