"""How much likelier a model finds the right value than a false one, in the place of the value that it has just said.

Asks a local model only, with the very chat that it answered last; what a system does with the answer is not seen.
"""

from kinject.errors import PromptTooLongError
from kinject.lm.listening import Heard
from kinject.lm.prompts import value_of
from kinject.types import Answer, Probe


def margin(heard: list[Heard], answer: Answer, probe: Probe) -> float | None:
    """Of log p(gold) - log p(rival) after the last chat, each behind what the answer says before its value.

    "Aldo, weight: 90 g" leads to "Aldo, weight: 100 g" and "Aldo, weight: 150 g": what precedes the value is the same
    and cancels. None where no local model was asked, or where there is no room for the value.
    """
    if not heard:
        return None
    said = answer.text.strip()
    before = said.removesuffix(value_of(said)) if ": " in said else ""
    last = heard[-1]
    try:
        gold, rival = last.model.log_probabilities(last.chat, (before + probe.gold[0], before + probe.rival))
    except PromptTooLongError:
        return None
    return gold - rival
