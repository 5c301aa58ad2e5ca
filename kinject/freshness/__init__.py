"""Changed facts reach every system of a finished run by its own means: what that costs, and what stays stale.

The run itself is left as it was. The result is a new run folder, which can be asked and served; a stopped update goes
on where it was, and its study.json is written last.

    update(Update(Path("runs/catalog"), Path("changes.csv"), today=date(2026, 11, 26)))
"""

from kinject.freshness.changes import Change
from kinject.freshness.updating import Job, Update, begun, update

__all__ = ["Change", "Job", "Update", "begun", "update"]
