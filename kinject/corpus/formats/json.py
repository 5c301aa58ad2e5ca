"""Read a JSON list of objects, alone or under one key of an object. Each row keeps the line on which it begins."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kinject.corpus.nested import Flattener
from kinject.corpus.strict_json import decode
from kinject.corpus.table import DEFAULT, ReadOptions, Rejected, Row, Table, read_text, table_of
from kinject.errors import CorpusError

_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True)
class _Element:
    line: int
    value: Any
    text: str


class _Scan:
    """Walks the outer list or object by hand, since json forgets where the elements stood."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text, self.at = path, text, 0
        self._counted, self._line = 0, 1

    @property
    def line(self) -> int:
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line

    def peek(self) -> str:
        found = _SPACE.match(self.text, self.at)
        assert found
        self.at = found.end()
        return self.text[self.at : self.at + 1]

    def take(self, expected: str) -> str:
        mark = self.peek()
        if not mark or mark not in expected:
            found = repr(mark) if mark else "the end of the file"
            wanted = " or ".join(repr(c) for c in expected)
            raise CorpusError(f"{self.path}:{self.line}: not JSON: expected {wanted}, found {found}")
        self.at += 1
        return mark

    def value(self) -> Any:
        self.peek()
        value, self.at = decode(self.text, self.at, self.path)
        return value

    def elements(self) -> Iterator[_Element]:
        """The elements of the list that begins here."""
        self.take("[")
        if self.peek() == "]":
            self.at += 1
            return
        while True:
            self.peek()
            line, start = self.line, self.at
            value = self.value()
            yield _Element(line, value, self.text[start : min(self.at, start + 120)])
            if self.take(",]") == "]":
                return

    def lists(self) -> dict[str, list[_Element]]:
        """The lists under the keys of the object that begins here; other values are passed over."""
        found: dict[str, list[_Element]] = {}
        self.take("{")
        if self.peek() == "}":
            self.at += 1
            return found
        while True:
            if self.peek() != '"':
                self.take('"')
            key = self.value()
            self.take(":")
            if self.peek() == "[":
                found[key] = list(self.elements())
            else:
                self.value()
            if self.take(",}") == "}":
                return found

    def end(self) -> None:
        if self.peek():
            hint = "; if each line is an object of its own, name the file .jsonl"
            raise CorpusError(f"{self.path}:{self.line}: not JSON: more text behind the end{hint}")


def read(path: Path, options: ReadOptions = DEFAULT) -> Table:
    """Raises CorpusError with file:line."""
    scan = _Scan(path, read_text(path))
    if scan.peek() == "{":
        elements = _chosen(scan, options.records)
    elif scan.peek() == "[":
        elements = list(scan.elements())
    else:
        scan.value()
        raise CorpusError(f"{path}: expected a list of objects, found {scan.text.strip()[:40]!r}")
    scan.end()
    if not elements:
        raise CorpusError(f"{path}: the list is empty; nothing to import")
    rows, rejected, flattener = [], [], Flattener()
    for element in elements:
        location = f"{path}:{element.line}"
        if not isinstance(element.value, dict):
            rejected.append(Rejected(location, "expected an object", element.text))
            continue
        try:
            rows.append(Row(location, flattener.cells(element.value)))
        except ValueError as error:
            raise CorpusError(f"{location}: {error}") from error
    return replace(table_of(path, flattener.columns, rows, rejected), notes=flattener.notes)


def _chosen(scan: _Scan, records: str) -> list[_Element]:
    lists = scan.lists()
    if records and records not in lists:
        raise CorpusError(f"{scan.path}: no list under the key {records!r}; lists: {', '.join(lists) or 'none'}")
    tables = [key for key, elements in lists.items() if any(isinstance(e.value, dict) for e in elements)]
    if records or len(tables) == 1:
        return lists[records or tables[0]]
    if tables:
        raise CorpusError(f"{scan.path}: several lists of objects ({', '.join(tables)}); choose one with --records KEY")
    scan.end()
    raise CorpusError(f"{scan.path}: expected a list of objects, alone or under one key; found an object without one")
