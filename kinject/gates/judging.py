"""Does a run keep its limits? On the bound of the interval, and with what would be needed where n is too small."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kinject import power
from kinject.gates.limits import Limit
from kinject.report.results import Results
from kinject.types import Estimate


@dataclass(frozen=True)
class Judgement:
    limit: Limit
    estimate: Estimate

    @property
    def passed(self) -> bool:
        """False as well where nothing was measured."""
        if math.isnan(self.estimate.value):
            return False
        if self.limit.at_least:
            return self.estimate.low >= self.limit.bound
        return self.estimate.high < self.limit.bound

    def __str__(self) -> str:
        return f"{'pass' if self.passed else 'FAIL'} {self.limit}: {shown(self.estimate)}{self._advice()}"

    def _advice(self) -> str:
        e, bound = self.estimate, self.limit.bound
        if self.passed or math.isnan(e.value) or not (e.value > bound if self.limit.at_least else e.value < bound):
            return ""
        needed = power.probes_to_pass(e, bound)
        return f"; on the right side, but the interval is too wide: n of about {needed:,} would pass four times in five"


def judge(limits: Sequence[Limit], results: Results) -> list[Judgement]:
    return [Judgement(limit, results.estimate(limit.system, limit.kind, limit.metric)) for limit in limits]


def shown(estimate: Estimate) -> str:
    """With three digits, since a limit may lie between two per cents: 0.913 [0.890, 0.931], n 400."""
    if math.isnan(estimate.value):
        return "nothing was measured"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}], n {estimate.n}"
