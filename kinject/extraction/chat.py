"""Facts by a chat model that calls a tool with them; each must stand in the text that the model was given.

For models that were taught to call any tool. mini was not: it knows the tools of the kg system and nothing else.
"""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from pydantic import TypeAdapter, ValidationError

from kinject.errors import PromptTooLongError
from kinject.extraction.claims import Claim, Extractor, Found
from kinject.extraction.passages import passages
from kinject.extraction.patterns import attribute_label
from kinject.extraction.plans import Config
from kinject.extraction.values import bound
from kinject.lm.base import LM, Chat, Message, ToolSpec
from kinject.progress import Progress, Step, silent
from kinject.types import Document

SYSTEM = (
    "You read a text and report every fact that it states, by one call of report_facts. A fact is a subject, an "
    "attribute named in a few lower-case words (weight, designer, made in), and a value, copied from the text as it "
    "stands there, with its unit. Give the days from and to which it held where the text says so, and as quote the "
    "sentence that states it. Report nothing that the text does not state."
)
_TEXT = {"type": "string"}
TOOL = ToolSpec(
    "report_facts",
    "Report the facts that the text states.",
    {
        "type": "object",
        "properties": {
            "facts": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {name: _TEXT for name in ("subject", "attribute", "value", "quote", "from", "to")},
                    "required": ["subject", "attribute", "value", "quote"],
                    "additionalProperties": False,
                },
            }
        },
        "required": ["facts"],
        "additionalProperties": False,
    },
)
_SHORTEST_CHARS = 200  # a chunk that is not halved any further


@dataclass(frozen=True)
class _Reported:
    """One fact as the model writes it."""

    subject: str
    attribute: str
    value: str
    quote: str = ""
    start: str = ""
    end: str = ""


@dataclass(frozen=True)
class _Reply:
    claims: tuple[Claim, ...] = ()
    unsupported: int = 0
    malformed: int = 0
    unread: int = 0


def extractor(model: LM, config: Config) -> Extractor:
    """Asks `model` about each chunk of each document, in halves where it is too long. Raises what the model raises."""

    def find(documents: Sequence[Document], progress: Progress = silent) -> Found:
        chunks = [(document, chunk) for document in documents for chunk in _chunks(document.text, config.chunk_chars)]
        replies = []
        with ThreadPoolExecutor(config.callers) as pool:
            for reply in pool.map(partial(_asked, model, config), chunks):
                replies.append(reply)
                progress(Step("extract", len(replies), len(chunks), f"{sum(len(r.claims) for r in replies)} claims"))
        notes = (
            (sum(reply.malformed for reply in replies), "facts of the model lacked a part and were left out"),
            (sum(reply.unread for reply in replies), f"chunks gave no call of {TOOL.name}"),
        )
        return Found(
            tuple(claim for reply in replies for claim in reply.claims),
            sum(reply.unsupported for reply in replies),
            tuple(f"{count} {text}" for count, text in notes if count),
        )

    return find


def _asked(model: LM, config: Config, item: tuple[Document, str]) -> _Reply:
    document, chunk = item
    head = f"Title: {document.title}\n\n" if document.title else ""
    messages = (Message("system", SYSTEM), Message("user", head + chunk))
    try:
        completion = model.complete(Chat(messages, (TOOL,), config.max_new_tokens))
    except PromptTooLongError:
        if len(chunk) <= _SHORTEST_CHARS:
            return _Reply(unread=1)
        halves = _chunks(chunk, max(_SHORTEST_CHARS, len(chunk) // 2))
        return _sum([_asked(model, config, (document, half)) for half in halves])
    calls = [call for call in completion.tool_calls if call.name == TOOL.name]
    rows = [row for call in calls for row in _rows(call.arguments)]
    reported = [one for row in rows if (one := _reported(row))]
    claims = [claim for one in reported if (claim := _supported(one, document, chunk))]
    return _Reply(tuple(claims), len(reported) - len(claims), len(rows) - len(reported), not calls)


def _chunks(text: str, size: int) -> list[str]:
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        chunk_size=size, chunk_overlap=0, separators=["\n\n", "\n", ". ", " ", ""], keep_separator="end"
    )
    return splitter.split_text(text)


def _sum(replies: Sequence[_Reply]) -> _Reply:
    return _Reply(
        tuple(claim for reply in replies for claim in reply.claims),
        sum(reply.unsupported for reply in replies),
        sum(reply.malformed for reply in replies),
        sum(reply.unread for reply in replies),
    )


def _rows(arguments: dict[str, Any]) -> Iterator[object]:
    """Whatever a model wrote for facts: one without a grammar may have written anything."""
    facts = arguments.get("facts")
    yield from facts if isinstance(facts, list) else [facts]


def _reported(row: object) -> _Reported | None:
    if not isinstance(row, dict):
        return None
    named = {"start" if key == "from" else "end" if key == "to" else key: value for key, value in row.items()}
    try:
        return _ROW.validate_python({key: value for key, value in named.items() if value is not None})
    except ValidationError:
        return None


def _supported(one: _Reported, document: Document, chunk: str) -> Claim | None:
    """The claim with the passage that states it; None where its subject, its value or a day stands nowhere."""
    attribute, value = attribute_label(one.attribute) if one.attribute.strip() else "", " ".join(one.value.split())
    subject, quote = " ".join(one.subject.split()), _plain(one.quote)
    if not attribute or not subject or not value or not _stands(subject, f"{document.title} {document.text}"):
        return None
    telling = [passage.text for passage in passages(document) if _stands(value, passage.text)]
    telling.sort(key=lambda text: _plain(text) not in quote and quote not in _plain(text))
    days = [bound(text) if text.strip() else None for text in (one.start, one.end)]
    said = [text for text, day in zip((one.start, one.end), days, strict=True) if text.strip()]
    if not telling or not _stands(value, chunk) or not all(_dated(text, telling[0]) for text in said):
        return None
    start, end = days
    if start and end and start >= end:
        return None
    return Claim(subject, attribute, value, document.id, telling[0], start, end)


def _dated(text: str, passage: str) -> bool:
    """Whether the text is a day whose year the passage names."""
    day: date | None = bound(text)
    return day is not None and str(day.year) in passage


def _stands(text: str, within: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(_plain(text))}(?!\w)", _plain(within)) is not None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


_ROW = TypeAdapter(_Reported)
