"""What a causal model makes of token ids as they stand: no chat, no template, nothing put before or after them.

For evaluation harnesses, which score texts of their own. Knows no chat and decodes only greedily.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

Ids = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Likely:
    """The token at one place: its natural log-probability after all before it, and the likeliest there, best first.

    Of a first token nothing is known: its probability is None and `top` is empty.
    """

    id: int
    log_probability: float | None
    top: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Continued:
    """`stop` is the token that ended the text; None where it is the limit that did."""

    ids: Ids
    stop: int | None


@runtime_checkable
class TokenLM(Protocol):
    """A model whose tokens can be named one by one. Methods block and may be called from many threads."""

    def encode(self, text: str) -> Ids:
        """The tokens of a text; what spells a control token becomes one."""
        ...

    def decode(self, ids: Sequence[int]) -> str: ...

    def piece(self, token: int) -> str:
        """One token as text; where it is a part of a character, as the vocabulary spells it."""
        ...

    def read(self, rows: Sequence[Ids], top: int) -> tuple[tuple[Likely, ...], ...]:
        """Each row's tokens, scored. Raises ModelError for ids that are none, PromptTooLongError."""
        ...

    def go_on(self, rows: Sequence[Ids], max_new_tokens: int) -> tuple[Continued, ...]:
        """What follows each row, greedily, as far as the window goes. Raises as `read` does."""
        ...
