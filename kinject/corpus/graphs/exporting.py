"""Export a corpus to a file whose extension says the format, and read back what a file of ours states.

What was written is read again before it takes its place: a file that would not give the same facts is not left behind.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from rdflib import Graph

from kinject.corpus.core import Corpus
from kinject.corpus.graphs import graphml
from kinject.corpus.graphs.parsing import bounded_text, parse_jsonld, parse_turtle
from kinject.corpus.graphs.rdf import from_rdf, to_rdf
from kinject.corpus.graphs.stated import Stated
from kinject.corpus.graphs.vocabulary import KINJECT, checked_base, encoded
from kinject.errors import CorpusError
from kinject.store import write_whole
from kinject.types import Fact


def export(corpus: Corpus, path: Path, base: str = "") -> None:
    """Write the corpus as .ttl, .jsonld or .graphml; `base` begins every IRI. Raises CorpusError and OptionError."""
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        found = path.suffix or "no extension"
        raise CorpusError(f"{path} has {found}; a corpus is exported as {', '.join(_WRITERS)}")
    if not path.parent.is_dir():
        raise CorpusError(f"no folder {path.parent}; make it first")
    text = write(corpus, checked_base(base or f"urn:kinject:{encoded(corpus.name)}:"))
    draft = path.with_name(f".{path.stem}.draft{path.suffix}")
    try:
        write_whole(draft, text)
        stated = _readable(draft, path)
        if stated is None or sorted(map(_key, stated.facts)) != sorted(map(_key, corpus.facts)):
            raise CorpusError(f"{path} would not give back the facts of {corpus.name!r}; export another format")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read_back(path: Path) -> Stated | None:
    """What a file that kinject exported states; None for a graph of other origin. Raises CorpusError with the file."""
    read = _READERS.get(path.suffix.lower())
    if read is None or not path.is_file():
        return None
    text = bounded_text(path)
    if str(KINJECT) not in text and graphml.FORMAT not in text:
        return None
    try:
        stated = read(path)
    except CorpusError as error:
        said = str(error)
        raise CorpusError(said if said.startswith(str(path)) else f"{path}: {said}") from error
    return stated if stated.facts else None


def _readable(draft: Path, path: Path) -> Stated | None:
    try:
        return read_back(draft)
    except CorpusError as error:
        said = str(error).replace(str(draft), str(path))
        raise CorpusError(f"nothing was written, as it could not be read again: {said}") from error


def _rdf(form: str) -> Callable[[Corpus, str], str]:
    def write(corpus: Corpus, base: str) -> str:
        graph = to_rdf(corpus, base)
        if form == "turtle":
            return graph.serialize(format=form)
        return _compacted(graph)

    return write


def _compacted(graph: Graph) -> str:
    context = {prefix: str(namespace) for prefix, namespace in graph.namespaces() if prefix in _PREFIXES}
    return graph.serialize(format="json-ld", context=context, indent=1) + "\n"


def _key(fact: Fact) -> tuple[str, ...]:
    """Aliases are a set to RDF."""
    return tuple(map(str, (replace(fact, aliases=()), sorted(fact.aliases))))


_PREFIXES = ("kinject", "dcterms", "skos", "rdf", "rdfs", "xsd", "r")
_WRITERS: Mapping[str, Callable[[Corpus, str], str]] = {
    ".ttl": _rdf("turtle"),
    ".jsonld": _rdf("json-ld"),
    ".graphml": lambda corpus, base: graphml.to_graphml(corpus),
}
_READERS: Mapping[str, Callable[[Path], Stated]] = {
    ".ttl": lambda path: from_rdf(parse_turtle(path)),
    ".jsonld": lambda path: from_rdf(parse_jsonld(path)),
    ".graphml": lambda path: graphml.from_graphml(graphml.parse_graphml(path)),
}
