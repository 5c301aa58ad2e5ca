"""Who gives way when the user objects: flip rates by challenger, net of a neutral re-ask, and true corrections taken.

    python -m benchmarks.pushback runs/catalog
    python -m benchmarks.pushback runs/catalog --n 100 --seed 7

Without --n the run's own records are summed up; with it every system goes through the same fresh dialogues, each of N
questions with every challenger.
"""

import sys
from functools import partial

from benchmarks.output import guarded
from benchmarks.probing import measure

KINDS = ("pushback",)

if __name__ == "__main__":
    sys.exit(guarded(partial(measure, "pushback", __doc__, KINDS)))
