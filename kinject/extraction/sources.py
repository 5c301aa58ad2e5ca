"""Documents from files: Markdown and plain text, folders of them, lines of documents.jsonl, or a whole corpus.

A corpus brings its relations and facts along. Reads no other format, and leaves other files of a folder alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from kinject.corpus import load
from kinject.corpus.files import HEADER
from kinject.corpus.strict_json import decode
from kinject.corpus.table import read_text
from kinject.errors import CorpusError
from kinject.types import Document, Fact, Relation

TEXT = (".md", ".markdown", ".txt")
LINES = (".jsonl", ".ndjson")
MAX_BYTES = 8 << 20  # of one text file: a book has one or two million characters
MAX_DOCUMENTS = 200_000
_HEADING = re.compile(r"^#{1,2}[ \t]+(.+?)[ \t#]*$|^(\S[^\n]*)\n(?:=+|-{3,})[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Sources:
    documents: tuple[Document, ...]
    relations: tuple[Relation, ...] = ()
    facts: tuple[Fact, ...] = ()
    day: date | None = None  # what "now" means to a corpus among them
    notes: tuple[str, ...] = ()


def read_sources(paths: Sequence[Path]) -> Sources:
    """Everything that the paths hold. Raises CorpusError with the file for what is no text, too large or not there."""
    found = Sources(())
    for path in paths:
        found = _joined(found, _read(path))
    documents = tuple(document for document in found.documents if document.text.strip())
    if not documents:
        raise CorpusError(f"no document holds any text: {', '.join(map(str, paths))}")
    if len(documents) > MAX_DOCUMENTS:
        raise CorpusError(f"{len(documents)} documents; at most {MAX_DOCUMENTS} are read at once; give fewer")
    empty = len(found.documents) - len(documents)
    notes = (f"{empty} documents are empty and were left out",) if empty else ()
    return replace(found, documents=_distinct(documents), notes=notes)


def _read(path: Path) -> Sources:
    if (path / HEADER).is_file():
        corpus = load(path)
        return Sources(corpus.documents, corpus.relations, corpus.facts, corpus.day)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in TEXT and file.is_file())
        if not files:
            raise CorpusError(f"{path} holds no {', '.join(TEXT)}")
        return Sources(tuple(_text(file, file.relative_to(path).as_posix()) for file in files))
    if not path.is_file():
        raise CorpusError(f"no file {path}; check the path")
    if path.suffix.lower() in LINES:
        return Sources(_lines(path))
    if path.suffix.lower() not in TEXT:
        found = path.suffix or "no extension"
        raise CorpusError(f"{path} has {found}; documents are {', '.join((*TEXT, *LINES))}; a table: kinject import")
    return Sources((_text(path, path.name),))


def _text(path: Path, name: str) -> Document:
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise CorpusError(f"{path} has {size >> 20} MB; the most is {MAX_BYTES >> 20} MB a document; split it")
    text = read_text(path) if path.read_bytes().strip() else ""
    heading = _HEADING.search(text)
    title = (heading[1] or heading[2]) if heading else ""
    return Document(name, text, re.sub(r"[*_`]", "", title).strip())


def _lines(path: Path) -> tuple[Document, ...]:
    documents = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        row = decode(line.strip(), 0, path, number).value
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise CorpusError(f"{path}:{number}: expected an object with a 'text'; a table: kinject import")
        documents.append(Document(str(row.get("id", number)), row["text"], str(row.get("title") or "")))
    return tuple(documents)


def _joined(one: Sources, two: Sources) -> Sources:
    names = {relation.name for relation in one.relations}
    relations = (*one.relations, *(relation for relation in two.relations if relation.name not in names))
    return Sources((*one.documents, *two.documents), relations, (*one.facts, *two.facts), one.day or two.day)


def _distinct(documents: Sequence[Document]) -> tuple[Document, ...]:
    seen: dict[str, int] = {}
    named = []
    for document in documents:
        seen[document.id] = seen.get(document.id, 0) + 1
        again = f" ({seen[document.id]})" if seen[document.id] > 1 else ""
        named.append(replace(document, id=document.id + again))
    return tuple(named)
