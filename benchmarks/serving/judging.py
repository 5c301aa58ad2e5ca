"""What replies amount to: who got another answer than a lone client, who got none, and how long it took."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.serving.clients import Asked, Block, Reply

OK = 200


@dataclass(frozen=True)
class Figures:
    """Of one system, or of all; `lost` had no answer, `wrong` another one than a lone client. Times are seconds.

    `lost_to` counts the statuses, or errors of the connection, that came instead.
    """

    name: str
    n: int
    lost: int
    wrong: int
    per_second: float
    p50_s: float
    p95_s: float
    p99_s: float
    lost_to: dict[str, int] = field(default_factory=dict)

    def row(self) -> tuple[str, ...]:
        times = " / ".join(f"{1000 * s:.0f}" for s in (self.p50_s, self.p95_s, self.p99_s))
        lost = " ".join([str(self.lost), *(f"({n} x {what})" for what, n in self.lost_to.items())])
        return self.name, str(self.n), str(self.wrong), lost, f"{self.per_second:.1f}", times


COLUMNS = ("system", "n", "wrong", "lost", "1/s", "p50 / p95 / p99, ms")


def truth_of(replies: Sequence[Reply]) -> dict[Asked, str]:
    """The answers of a lone client; what it had no answer to is not asked for."""
    return {reply.asked: reply.answer for reply in replies if reply.status == OK}


def figures(block: Block, truth: Mapping[Asked, str]) -> list[Figures]:
    """A row for each system, and one for all where there are several."""
    names = list(dict.fromkeys(reply.asked.system for reply in block.replies))
    groups = {name: [reply for reply in block.replies if reply.asked.system == name] for name in sorted(names)}
    if len(groups) > 1:
        groups["all"] = list(block.replies)
    return [_figures(name, replies, block.seconds, truth) for name, replies in groups.items()]


def percentiles(seconds: Sequence[float]) -> tuple[float, float, float]:
    """NaN of nothing."""
    if not seconds:
        return (float("nan"),) * 3
    p50, p95, p99 = np.percentile(seconds, [50, 95, 99])
    return float(p50), float(p95), float(p99)


def _figures(name: str, replies: Sequence[Reply], seconds: float, truth: Mapping[Asked, str]) -> Figures:
    answered = [reply for reply in replies if reply.status == OK]
    wrong = sum(reply.asked in truth and reply.answer != truth[reply.asked] for reply in answered)
    times = percentiles([reply.seconds for reply in answered])
    lost = Counter(reply.error or str(reply.status) for reply in replies if reply.status != OK)
    return Figures(name, len(replies), lost.total(), wrong, len(answered) / seconds, *times, dict(lost))
