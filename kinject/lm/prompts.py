"""How a question, its passages and a dialogue become messages.

Every system and mini's own training worlds render through here, so that what mini was taught is what it is asked.
"""

from collections.abc import Sequence

from kinject.lm.base import Message
from kinject.types import Turn

ABSTENTION = "I don't know."
ANSWER_TOKENS = 80  # an answer repeats what was asked: up to 70 tokens of a small vocabulary in mini's exam
SYSTEM = "Answer in a few words. If you do not know the answer, say: I don't know."


def dialogue(question: str, history: Sequence[Turn] = ()) -> tuple[Message, ...]:
    """The system message, the turns so far and the question, with nothing else in context."""
    turns = [Message(turn.role, turn.text) for turn in history]
    return (Message("system", SYSTEM), *turns, Message("user", question))


def reading(question: str, passages: Sequence[str], history: Sequence[Turn] = ()) -> tuple[Message, ...]:
    """The same with passages in the first user message, between two copies of its question.

    The copy before the passages lets a causal model know what it looks for while it reads: query-aware
    contextualization (Liu et al., arXiv:2307.03172, section 4.2).
    """
    system, *turns = dialogue(question, history)
    first = next(i for i, message in enumerate(turns) if message.role == "user")
    numbered = "\n".join(f"[{n}] {passage}" for n, passage in enumerate(passages, start=1))
    asked = turns[first].content
    turns[first] = Message("user", f"{asked}\n\n{numbered}\n\n{asked}")
    return (system, *turns)


def stated(subject: str, attribute: str, value: str, on: str = "") -> str:
    """An answer that says first what it answers: subject, attribute and day, as far as the question gave them."""
    sought = ", ".join(part for part in (subject, attribute, on) if part)
    return f"{sought}: {value}"


def value_of(answer: str) -> str:
    """The value in an answer that may say first what it is the value of."""
    return answer.rpartition(": ")[2].strip()
