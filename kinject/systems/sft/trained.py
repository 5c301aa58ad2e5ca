"""The system that answers from weights alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kinject.systems import closed_book
from kinject.types import Answer, Evidence, Turn

_TRACE = 3  # times as many tokens for an answer that states facts first


@dataclass(frozen=True)
class Trained(closed_book.ClosedBook):
    """An answer's last line is the answer; the facts stated before it, if any, are what it rests on."""

    parameters: int  # that were trained
    traces: bool = False

    @property
    def says_as_it_writes(self) -> bool:
        """Facts that are stated first are no part of the answer."""
        return not self.traces

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        answer = super().ask(question, history)
        if not self.traces:
            return answer
        facts, _, conclusion = answer.text.rpartition("\n")
        evidence = tuple(Evidence("stated from memory", line) for line in facts.splitlines() if line.strip())
        return replace(answer, text=conclusion, evidence=evidence)


def tokens(max_new_tokens: int, traces: bool) -> int:
    """Of a whole answer, the facts before it included."""
    return max_new_tokens * (_TRACE if traces else 1)
