"""Text to an RDF graph, with errors that say where: Turtle and JSON-LD through rdflib.

Fetches nothing: a JSON-LD file that needs a context from elsewhere is refused, but for schema.org's, whose terms are
all names below one IRI.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rdflib import Graph
from rdflib.plugins.parsers.jsonld import to_rdf
from rdflib.plugins.parsers.notation3 import BadSyntax

from kinject.corpus.strict_json import decode
from kinject.corpus.table import read_text
from kinject.errors import CorpusError

MAX_BYTES = 256 << 20
MAX_TRIPLES = 3_000_000
# Relative IRIs get an address that leads nowhere, not the file's place on this machine.
_BASE = "https://file.invalid/"
_SCHEMA_ORG = re.compile(r"https?://(www\.)?schema\.org(/(docs/jsonldcontext\.jsonld?)?)?")
_BROKEN = (ValueError, KeyError, TypeError, AttributeError, AssertionError, IndexError)


def parse_turtle(path: Path) -> Graph:
    """Raises CorpusError with file:line."""
    text = bounded_text(path)
    graph = Graph()
    try:
        with _quietly():
            graph.parse(data=text, format="turtle", publicID=_BASE)
    except BadSyntax as error:
        # rdflib's own count of lines goes astray where it looks ahead.
        line = bytes(error._str[: error._i]).count(b"\n") + 1
        raise CorpusError(f"{path}:{line}: not Turtle: {error._why}") from error
    except RecursionError as error:
        raise CorpusError(f"{path}: nested too deep to be a graph") from error
    except _BROKEN as error:
        raise CorpusError(f"{path}: not Turtle: {_first_line(error)}") from error
    return _bounded(path, graph)


def parse_jsonld(path: Path) -> Graph:
    """Raises CorpusError, with file:line for what is no JSON."""
    text = bounded_text(path)
    decoded = decode(text, 0, path)
    if text[decoded.end :].strip():
        raise CorpusError(f"{path}: not JSON: more text behind the end")
    _replace_contexts(path, decoded.value)
    graph = Graph()
    try:
        with _quietly():
            # Not Graph.parse, which warns of a class of its own; and numbers stay as they were written.
            to_rdf(decoded.value, graph, base=_BASE)
    except RecursionError as error:
        raise CorpusError(f"{path}: nested too deep to be a graph") from error
    except _BROKEN as error:
        raise CorpusError(f"{path}: not JSON-LD: {_first_line(error)}") from error
    return _bounded(path, graph)


def bounded_text(path: Path) -> str:
    """The text of a file of at most 256 MB."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise CorpusError(f"{path} has {size >> 20} MB; a graph of at most {MAX_BYTES >> 20} MB can be read; split it")
    return read_text(path)


def _bounded(path: Path, graph: Graph) -> Graph:
    if len(graph) > MAX_TRIPLES:
        raise CorpusError(f"{path} holds {len(graph)} triples; the most is {MAX_TRIPLES}; split it")
    if not graph:
        raise CorpusError(f"{path}: no triples; nothing to import")
    return graph


def _replace_contexts(path: Path, value: Any) -> None:
    """Put names in the place of schema.org's context. Raises CorpusError for any other that would be fetched."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            if "@import" in found:
                raise CorpusError(_remote(path, found["@import"]))
            found.pop("@version", None)  # a number in the file, and numbers are read as text
            if "@context" in found:
                contexts = found["@context"]
                contexts = contexts if isinstance(contexts, list) else [contexts]
                found["@context"] = [_local(path, one) if isinstance(one, str) else one for one in contexts]
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found


def _local(path: Path, context: str) -> dict[str, str]:
    if not _SCHEMA_ORG.fullmatch(context):
        raise CorpusError(_remote(path, context))
    return {"@vocab": "https://schema.org/"}


def _remote(path: Path, context: Any) -> str:
    return f"{path}: its context {str(context)[:80]!r} lies elsewhere and is not fetched; put the context into the file"


def _first_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:120]


@contextmanager
def _quietly() -> Iterator[None]:
    # rdflib logs a traceback for each "0x"^^xsd:integer; such a value stays the text that it is.
    logger = logging.getLogger("rdflib.term")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
