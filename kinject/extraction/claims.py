"""What an extractor says that a text states, before anything is made of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from kinject.progress import Progress
from kinject.types import Document


@dataclass(frozen=True)
class Claim:
    """`quote` is the passage that states it, as it stands in the document; days are a half-open range."""

    subject: str
    attribute: str
    value: str
    document_id: str
    quote: str
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True)
class Found:
    """`unsupported` claims were made by a model and do not stand in the text that it was given."""

    claims: tuple[Claim, ...]
    unsupported: int = 0
    notes: tuple[str, ...] = field(default=())


Extractor = Callable[[Sequence[Document], Progress], Found]
