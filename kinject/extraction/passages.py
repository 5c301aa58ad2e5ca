"""A document as the passages that a fact can stand in: sentences, and pairs of lists, lines and tables.

Markdown is read as such, and plain text as Markdown without marks. Knows nothing of what a sentence means.
"""

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from kinject.types import Document

# Headings that name a part of a page and not what the page is about.
_SECTIONS = (
    "about abstract acknowledgements api appendix background biography build career changelog "
    "configuration contents contributing data description details development discussion documentation "
    "example examples facts faq features general getting started history how info information install "
    "installation introduction legacy license licence limits links measurements method methods news note "
    "notes options overview parameters performance properties quickstart references related requirements "
    "results roadmap security see also specification specifications specs summary support table technical "
    "testing tests troubleshooting usage use uses values"
)
_SECTION_WORDS = frozenset(_SECTIONS.split())
_ABBREVIATED = re.compile(
    r"(?:\b[^\Wa-z\d_]|\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Inc|Ltd|Co|Corp|No|vs|etc|approx|ca|cf|e\.g|i\.e|Fig|Vol|Gen|Sen"
    r"|Rep|Gov|Jan|Feb|Mar|Apr|Aug|Sept?|Oct|Nov|Dec))\.$"
)
_END = re.compile(r"(?<=[.!?])[\"'\u201d\u2019)]*\s+(?=[\"'\u201c(]?[^\Wa-z_])")
_PAIR = re.compile(r"([^\W\d_][^:\n|]{0,48}?)\s*:\s+(\S.{0,199})")
_MOST_WORDS, _MOST_VALUE_WORDS = 5, 10  # in front of a colon, and behind it
# A colon between two clauses makes no pair.
_CLAUSE = re.compile(r"(?i)\b(?:is|are|was|were|has|have|had|does|do|can|will|would|it|he|she|they|you|we|this|that)\b")
# What stands above the two columns of a table of properties; above others stand kinds of things.
_KEYS = frozenset(
    ("", "property", "attribute", "field", "key", "feature", "parameter", "characteristic", "spec", "fact")
)
_VALUES = frozenset(("", "value", "values", "detail", "details", "data"))


@dataclass(frozen=True)
class Pair:
    attribute: str
    value: str


@dataclass(frozen=True)
class Passage:
    """`topic` is what the page or its part is about, "" where no heading says so. A pair is no sentence."""

    text: str
    topic: str
    pairs: tuple[Pair, ...] = ()


def passages(document: Document) -> list[Passage]:
    """In the order of the text."""
    tokens = _parser().parse(document.text)
    body = document.text.replace("\n", " ")
    named = document.title if _is_name(document.title) and body.count(document.title) else ""
    found: list[Passage] = []
    headings: list[tuple[int, str]] = []
    rows = _Rows()
    for index, token in enumerate(tokens):
        if token.type == "inline" and tokens[index - 1].type == "heading_open":
            level = int(tokens[index - 1].tag[1:])
            headings = [one for one in headings if one[0] < level] + [(level, _plain(token))]
        elif token.type == "inline" and tokens[index - 1].type in ("th_open", "td_open"):
            rows.cell(_plain(token))
        elif token.type == "inline":
            found += _of_paragraph(_plain(token), _topic(headings, named))
        elif token.type == "tr_close":
            rows.end()
        elif token.type == "table_close":
            found += rows.passages(_topic(headings, named))
            rows = _Rows()
    return found


def sentences(text: str) -> list[str]:
    """Split behind full stops, but not behind initials and the usual abbreviations."""
    found, start = [], 0
    for end in _END.finditer(text):
        head = text[start : end.start()].rstrip("\"'\u201d\u2019)")
        if not _ABBREVIATED.search(head) or re.search(r"\b[A-Z]\.[A-Z]\.$", head):
            found.append(text[start : end.start()].strip())
            start = end.end()
    return [sentence for sentence in (*found, text[start:].strip()) if sentence]


class _Rows:
    """The cells of one table: attributes and their values, or things, one a row."""

    def __init__(self) -> None:
        self._rows: list[list[str]] = []
        self._open: list[str] = []

    def cell(self, text: str) -> None:
        self._open.append(text)

    def end(self) -> None:
        self._rows.append(self._open)
        self._open = []

    def passages(self, topic: str) -> list[Passage]:
        header, *rows = self._rows
        found = []
        for row in rows:
            cells = dict(zip(header, row, strict=False))
            text = " | ".join(row)
            if len(header) == 2 and (header[0].casefold() in _KEYS or header[1].casefold() in _VALUES):
                found.append(Passage(text, topic, _pairs([(row[0], row[1])])))
            elif len(header) > 1 and row[0]:
                found.append(Passage(text, row[0], _pairs(list(cells.items())[1:])))
        return found


def _pairs(cells: Sequence[tuple[str, str]]) -> tuple[Pair, ...]:
    short = [(key.strip(" :"), value) for key, value in cells if 0 < len(value.split()) <= _MOST_VALUE_WORDS]
    return tuple(Pair(key, value) for key, value in short if key)


def _of_paragraph(text: str, topic: str) -> Iterator[Passage]:
    """Lines that are pairs by themselves, and the sentences of the rest."""
    prose: list[str] = []
    lines = text.split("\n")
    for number, line in enumerate(lines):
        line = line.strip()
        following = lines[number + 1].strip() if number + 1 < len(lines) else ""
        if following.startswith(": "):  # a definition list: the term, then ": what it is"
            yield Passage(f"{line}\n{following}", topic, _pairs([(line, following[2:])]))
        elif not line.startswith(": "):
            prose.append(line)
    whole = [line for line in prose if (pair := _pair(line)) and not re.search(r"\w[.!?]\s+[^\Wa-z_]", pair.value)]
    if len(whole) == len(prose):
        for line in prose:
            pair = _pair(line)
            yield Passage(line, topic, (pair,) if pair else ())
        return
    for sentence in sentences(" ".join(prose)):
        pair = _pair(sentence)
        yield Passage(sentence, topic, (pair,) if pair else ())


def _pair(line: str) -> Pair | None:
    found = _PAIR.fullmatch(line)
    if not found or len(found[1].split()) > _MOST_WORDS or len(found[2].split()) > _MOST_VALUE_WORDS:
        return None
    if found[1].startswith("http") or _CLAUSE.search(found[1]) or _CLAUSE.match(found[2]):
        return None
    return Pair(found[1], found[2].rstrip(".;, "))


def _topic(headings: Sequence[tuple[int, str]], named: str) -> str:
    for _, heading in reversed(headings):
        if not set(re.findall(r"[a-z]+", heading.casefold())) & _SECTION_WORDS and _is_name(heading):
            return heading
    return named


def _is_name(text: str) -> bool:
    return 0 < len(text.split()) <= 8 and text[-1] not in ".?!:" and any(c.isalnum() for c in text)


def _plain(token: Token) -> str:
    """The text of an inline token without its marks; lines stay lines."""
    parts = []
    for child in token.children or ():
        if child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif child.type in ("text", "code_inline"):
            parts.append(child.content)
    return "".join(parts).strip()


@functools.cache
def _parser() -> MarkdownIt:
    # Indented text is code to Markdown and only indented to everybody else.
    return MarkdownIt("commonmark").enable("table").disable("code")
