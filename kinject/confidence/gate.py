"""Selective answering: an answer that is not sure enough becomes an abstention."""

from dataclasses import dataclass, replace
from typing import Literal

from kinject.confidence.calibrating import Calibration
from kinject.confidence.signals import signals_of
from kinject.errors import OptionError
from kinject.grading.abstention import abstains
from kinject.lm.prompts import ABSTENTION, value_of
from kinject.types import Answer

Auto = Literal["auto"]
AUTO: Auto = "auto"
Least = float | Auto
_NOTHING = ("", ABSTENTION.casefold().rstrip("."))
_BOUNDS = "min_confidence must be above 0 and at most 1, or auto; found {}"


@dataclass(frozen=True, slots=True)
class Gated:
    """`calibrated` is the chance that what the model said is right: None for an abstention and without a calibration.

    Where it was `withheld`, the text is an abstention in its place.
    """

    answer: Answer
    calibrated: float | None
    withheld: bool


@dataclass(frozen=True, slots=True)
class Gate:
    """What is answered for `system`: anything, or with `least` only what is at least so sure.

    `auto` is the threshold that the study chose. Raises OptionError for a `least` outside (0, 1], and for one where
    there is no calibration.
    """

    system: str
    calibration: Calibration | None
    least: Least | None = None

    def __post_init__(self) -> None:
        if self.least is None:
            return
        if self.least != AUTO and not 0 < self.least <= 1:
            raise OptionError(_BOUNDS.format(self.least))
        if self.calibration is None:
            raise OptionError(
                f"min_confidence needs the calibration that ends a study, and this run has none for {self.system!r}; "
                "run the study again, or ask without"
            )

    def __call__(self, answer: Answer) -> Gated:
        if self.calibration is None:
            return Gated(answer, None, withheld=False)
        says_nothing = value_of(answer.text).casefold().rstrip(".") in _NOTHING
        if says_nothing or abstains(answer.text):
            # Nobody has counted how often abstentions are right; "not sure, perhaps steel" states a value all the same.
            return self._of(answer, None, is_kept=says_nothing)
        sure = self.calibration.confidence(signals_of(self.system, answer))
        bound = self.calibration.threshold if self.least == AUTO else self.least
        return self._of(answer, sure, is_kept=bound is None or sure >= bound)

    def _of(self, answer: Answer, sure: float | None, is_kept: bool) -> Gated:
        if is_kept or self.least is None:
            return Gated(answer, sure, withheld=False)
        return Gated(replace(answer, text=ABSTENTION), sure, withheld=True)


def least(text: str | None) -> Least | None:
    """Raises OptionError for what is neither a number nor auto."""
    if text is None:
        return None
    if text == AUTO:
        return AUTO
    try:
        return float(text)
    except ValueError as error:
        raise OptionError(_BOUNDS.format(text)) from error
