"""How sure an answer may be by what the tools returned for it.

Read from the answer's evidence alone, so from any record, and without the graph.
"""

import re

from kinject.lm.prompts import value_of
from kinject.systems._citations import supports
from kinject.systems.kg.limits import is_repeat
from kinject.systems.kg.tools import is_refusal
from kinject.types import Answer

_CALL = re.compile(r"\w+\(")


def signals(answer: Answer) -> dict[str, float]:
    """Nothing where no tool was called.

    tool_success: the share of the calls that found something, halved where the last result does not state the answer.
    """
    calls = [one for one in answer.evidence if _CALL.match(one.source)]
    if not calls:
        return {}
    found = sum(not (is_refusal(call.text) or is_repeat(call.text)) for call in calls)
    states = supports(calls[-1].text, value_of(answer.text))
    return {"tool_success": found / len(calls) * (1.0 if states else 0.5)}
