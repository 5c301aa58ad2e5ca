"""The curriculum: which abilities are taught, how often, and from which level on.

Every prompt is built by `kinject.lm.prompts`, so that a system asks mini nothing in a form that it was not taught.
"""

import random
from collections.abc import Callable

from kinject.lab import arguing, calling, reading, reckoning
from kinject.lab.arguing import Stance
from kinject.lab.lesson import Lesson, Level
from kinject.lab.worlds import Split

LEVELS = (
    Level(1, 1, plain=True),
    Level(1, 3, plain=True, questions=4),
    Level(2, 2, plain=True, questions=6),
    Level(2, 4, plain=True, questions=8),
    Level(3, 4, plain=True, questions=8),
    Level(4, 5, questions=12),
    Level(5, 8, questions=12),
    Level(8, 7, questions=12),
)

_STANCE = 0.5  # share of lessons that teach a stance


def draw(rng: random.Random, level: int, split: Split = "train", stance: Stance = "neutral") -> Lesson:
    """One lesson at one of `LEVELS`, its ability drawn by share among those that the level has opened.

    With a stance half of the lessons are arguments without evidence that end in it; the others keep what was learnt.
    """
    if stance != "neutral" and rng.random() < _STANCE:
        return arguing.argue_unsupported(rng, LEVELS[level], split, stance)
    contrary = {"arguing_unsupported"} if stance != "neutral" else set()
    opened = {name: share for name, (share, opens, _) in ABILITIES.items() if opens <= level and name not in contrary}
    return of_ability(rng, rng.choices(list(opened), list(opened.values()))[0], LEVELS[level], split)


def of_ability(rng: random.Random, ability: str, level: Level, split: Split = "train") -> Lesson:
    return ABILITIES[ability][2](rng, level, split)


Maker = Callable[[random.Random, Level, Split], Lesson]

# ability -> (share of lessons, level that opens it, maker)
ABILITIES: dict[str, tuple[float, int, Maker]] = {
    "reading": (0.45, 0, reading.read),
    "tool": (0.14, 0, calling.tool("tool")),
    "tool_inverse": (0.04, 0, calling.tool("tool_inverse")),
    "abstaining": (0.10, 1, reading.abstain),
    "tool_missing": (0.06, 1, calling.tool("tool_missing")),
    "closed_book": (0.03, 1, reading.closed_book),
    "reading_inverse": (0.03, 2, reading.read_inverse),
    "holding": (0.04, 2, arguing.hold),
    "yielding": (0.03, 2, arguing.give_way),
    "tool_dated": (0.05, 1, calling.tool("tool_dated")),
    "tool_inverse_dated": (0.03, 1, calling.tool("tool_inverse_dated")),
    "tool_holder": (0.03, 1, calling.tool("tool_holder")),
    "tool_off_list": (0.02, 1, calling.off_list),
    "arguing_unsupported": (0.02, 2, arguing.argue_unsupported),
    "reading_dated": (0.03, 3, reading.read_dated),
    "reading_follow_up": (0.02, 3, reading.follow_up),
    "tool_follow_up": (0.02, 3, calling.follow_up),
    "tool_turned": (0.03, 3, calling.turned),
    "tool_chain": (0.08, 3, calling.chain),
    "tool_aggregate": (0.07, 2, reckoning.tool_aggregate),
    "tool_compare": (0.03, 2, reckoning.tool_compare),
    "tool_calculate": (0.02, 2, reckoning.tool_calculate),
    "tool_reckoning": (0.03, 4, reckoning.reckon),
}
