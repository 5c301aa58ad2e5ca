"""Documents cut into passages at sentence ends, each with its document's title in front.

A page that never names its subject again after the first sentence still says in every passage whom it is about. Long
documents with headings may be cut along these instead, and each passage then says its headings too.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from langchain_text_splitters import MarkdownHeaderTextSplitter, RecursiveCharacterTextSplitter

from kinject.types import Document, Fact

Splitter = Literal["sentences", "recursive"]

# A word counts as six bytes of UTF-8, its length in English with the space: scripts without spaces are cut as well.
BYTES_A_WORD = 6
# A full stop after one capital ("J. Doe", "U.S.") or a short title ends no sentence.
_SENTENCE_END = re.compile(
    r"(?<=[.!?\u2026])(?<!\b[A-Z]\.)(?<!\bMr\.)(?<!\bDr\.)(?<!\bNo\.)(?<!\bMrs\.)\s+(?=[^\sa-z])"
    r"|(?<=[\u3002\uff01\uff1f])\s*|\s*\n+\s*"
)
_HEADINGS = [("#" * level, str(level)) for level in range(1, 5)]
# Where a section that is too long is cut: between paragraphs if that will do, else lines, sentences, words, characters.
_SEPARATORS = [r"\n\n+", r"\n", r"(?<=[.!?\u2026])\s+(?=[^\sa-z])", r"(?<=[\u3002\uff01\uff1f])", r"\s+", ""]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage; `title` is its document's, which `text` begins with."""

    document_id: str
    text: str
    title: str = ""


def split(
    documents: Iterable[Document], words: int = 70, overlap: int = 1, splitter: Splitter = "sentences"
) -> tuple[Chunk, ...]:
    """Passages of about `words` words; each repeats the last `overlap` sentences of the one before.

    `recursive` cuts Markdown along its headings first, and repeats no sentence.
    """
    size = words * BYTES_A_WORD

    def cut(text: str) -> Iterator[str]:
        return _sections(text, size) if splitter == "recursive" else _passages(sentences(text, size), size, overlap)

    return tuple(
        Chunk(document.id, titled(document, passage), document.title)
        for document in documents
        for passage in cut(document.text)
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


def _sections(text: str, size: int) -> Iterator[str]:
    splitter = RecursiveCharacterTextSplitter(
        _SEPARATORS,
        is_separator_regex=True,
        keep_separator="end",
        chunk_size=size,
        chunk_overlap=0,
        length_function=lambda piece: len(piece.encode()),
    )
    for section in MarkdownHeaderTextSplitter(_HEADINGS).split_text(text):
        headings = " > ".join(section.metadata.values())
        for piece in splitter.split_text(section.page_content):
            yield f"{headings}: {piece}" if headings else piece


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
