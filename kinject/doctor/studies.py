"""How long a study would take, in one row."""

from kinject import corpus as corpora
from kinject.doctor.rows import Row
from kinject.forecast import Wanted, forecast
from kinject.report.wording import seconds

NAME = "a study"


def examine(corpus: str) -> Row:
    """Without a corpus the row says who knows. Raises KinjectError for one that cannot be used."""
    if not corpus:
        return Row(NAME, "not asked about", "note", "kinject plan catalog says how long it takes here, in minutes")
    found = forecast(Wanted(corpora.find(corpus)))
    slowest = max(found.stages, key=lambda stage: stage.seconds)
    total = seconds(sum(stage.seconds for stage in found.stages))
    return Row(f"{NAME} of {found.corpus}", f"{total}, of which {slowest.name} {seconds(slowest.seconds)}")
