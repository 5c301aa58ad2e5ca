"""What each system of a run knows, and what it makes up: recall, and hallucination beside over-refusal.

    python -m benchmarks.fact_probe runs/catalog
    python -m benchmarks.fact_probe runs/catalog --n 400 --seed 7 --system rag --system kg

Without --n the run's own records are summed up; with it every system is asked the same N fresh probes a family.
"""

import sys
from functools import partial

from benchmarks.output import guarded
from benchmarks.probing import measure

KINDS = ("recall", "unanswerable")

if __name__ == "__main__":
    sys.exit(guarded(partial(measure, "fact_probe", __doc__, KINDS)))
