"""What a study of a corpus would take on this machine, stage by stage, from a calibration of seconds.

Everything is measured now, through the systems' own code on a sample of the corpus, and carried to its full size by the
growth law of the stage. It builds nothing that is kept.
"""

from kinject.forecast.calibrating import forecast
from kinject.forecast.sources import Wanted
from kinject.forecast.stages import Budget, Forecast, Stage

__all__ = ["Budget", "Forecast", "Stage", "Wanted", "forecast"]
