"""Documents cut into passages at sentence ends, each with its document's title in front.

A page that never names its subject again after the first sentence still says in every passage whom it is about.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kinject.types import Document, Fact

# A word counts as six bytes of UTF-8, its length in English with the space: scripts without spaces are cut as well.
BYTES_A_WORD = 6
# A full stop after one capital ("J. Doe", "U.S.") or a short title ends no sentence.
_SENTENCE_END = re.compile(
    r"(?<=[.!?\u2026])(?<!\b[A-Z]\.)(?<!\bMr\.)(?<!\bDr\.)(?<!\bNo\.)(?<!\bMrs\.)\s+(?=[^\sa-z])"
    r"|(?<=[\u3002\uff01\uff1f])\s*|\s*\n+\s*"
)


@dataclass(frozen=True, slots=True)
class Chunk:
    document_id: str
    text: str


def split(documents: Iterable[Document], words: int = 70, overlap: int = 1) -> tuple[Chunk, ...]:
    """Passages of about `words` words; each repeats the last `overlap` sentences of the one before."""
    return tuple(
        Chunk(document.id, titled(document, passage))
        for document in documents
        for passage in _passages(sentences(document.text, words * BYTES_A_WORD), words * BYTES_A_WORD, overlap)
    )


def titled(document: Document, text: str) -> str:
    return f"{document.title}: {text}" if document.title else text


def sentences(text: str, longest_bytes: int) -> list[str]:
    """The sentences of a text; one that is longer than a passage is cut between words, or anywhere if it has none."""
    found = [sentence.strip() for sentence in _SENTENCE_END.split(text)]
    return [piece for sentence in found if sentence for piece in _pieces(sentence, longest_bytes)]


def states(chunk: Chunk, fact: Fact) -> bool:
    """Whether the passage is from the fact's document and names its object: retrieval's gold passage."""
    text = chunk.text.casefold()
    return chunk.document_id == fact.document_id and any(
        name.casefold() in text for name in (fact.object, *fact.aliases)
    )


def _passages(texts: list[str], size: int, overlap: int) -> Iterator[str]:
    held: list[str] = []
    fresh = 0
    for text in texts:
        if fresh and _bytes([*held, text]) > size:
            yield " ".join(held)
            # What is repeated may not fill the passage: then it would never move on.
            held = held[len(held) - overlap :] if overlap and _bytes([*held[-overlap:], text]) <= size else []
            fresh = 0
        held.append(text)
        fresh += 1
    if fresh:
        yield " ".join(held)


def _bytes(texts: list[str]) -> int:
    return sum(len(text.encode()) + 1 for text in texts)


def _pieces(sentence: str, longest: int) -> Iterator[str]:
    while len(sentence.encode()) > longest:
        head = sentence.encode()[:longest].decode(errors="ignore")
        cut = head.rfind(" ")
        head = head[:cut] if cut > 0 else head
        yield head.rstrip()
        sentence = sentence[len(head) :].lstrip()
    if sentence:
        yield sentence
