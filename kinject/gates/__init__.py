"""Gates: limits that a run has to keep, judged on the 95 % bound, and the files that a build server reads.

A gate passes only where the whole interval is on the right side of its limit: fewer probes make it harder. Builds and
asks nothing.
"""

from kinject.gates.files import junit, summary
from kinject.gates.judging import Judgement, judge
from kinject.gates.limits import Limit, limits

__all__ = ["Judgement", "Limit", "judge", "junit", "limits", "summary"]
