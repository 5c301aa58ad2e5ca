"""How sure an answer may be: signals by several methods, calibrated on half of a study's entities, judged on the rest.

It asks nothing: everything is read from answers, so from the records of any run. Whether an answer is right is the
grader's business, and how a signal comes about is its system's.
"""

from kinject.confidence.calibrating import TARGET_RISK, Calibration, Curve, calibrate
from kinject.confidence.cases import Case, Halves, attempted, case_of, cases_of, halves, methods_of
from kinject.confidence.gate import AUTO, Auto, Gate, Gated, Least, least
from kinject.confidence.keeping import FILE, read, to_row
from kinject.confidence.measuring import METRICS, at_threshold, measured, of_method
from kinject.confidence.signals import METHODS, signals_of

__all__ = [
    "AUTO",
    "FILE",
    "METHODS",
    "METRICS",
    "TARGET_RISK",
    "Auto",
    "Calibration",
    "Case",
    "Curve",
    "Gate",
    "Gated",
    "Halves",
    "Least",
    "at_threshold",
    "attempted",
    "calibrate",
    "case_of",
    "cases_of",
    "halves",
    "least",
    "measured",
    "methods_of",
    "of_method",
    "read",
    "signals_of",
    "to_row",
]
