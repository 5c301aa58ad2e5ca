"""A follow-up and the dialogue before it made into one question, by the model itself.

"And the Pro?" finds nothing by itself, and a whole dialogue as the query finds what it began with. Only models that can
follow an instruction are of use here; mini was never taught this one.
"""

from collections.abc import Sequence

from kinject.lm.base import LM, Chat, Completion, Message
from kinject.types import Turn

_TOKENS = 60
_SYSTEM = (
    "Rewrite the last message of the user as one question that can be understood without the dialogue before it. "
    "Name everything that it refers to. Reply with the question alone."
)


def rewritten(model: LM, question: str, history: Sequence[Turn]) -> Completion:
    """The model's question; its text is empty where it gave none."""
    said = [*(f"{turn.role}: {turn.text}" for turn in history), f"user: {question}"]
    return model.complete(Chat((Message("system", _SYSTEM), Message("user", "\n".join(said))), (), _TOKENS))
