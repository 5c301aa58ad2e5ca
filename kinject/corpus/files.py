"""A corpus on disk: a folder of corpus.toml, documents.jsonl, facts.jsonl and relations.jsonl.

Other files in the folder (a data card, the script that made it) are left alone. Tables in foreign formats are
imported elsewhere.
"""

import glob
import json
import os
import shutil
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import tomli_w
from pydantic import TypeAdapter, ValidationError
from rapidfuzz import process

from kinject.corpus.core import Corpus, values
from kinject.errors import CorpusError, UnknownNameError
from kinject.store import crash_point
from kinject.types import Document, Fact, Relation

HEADER = "corpus.toml"
_TABLES = ("relations", "documents", "facts")
_PACKAGE = Path(__file__).parents[1]
# The wheel carries the corpora inside the package, a checkout beside it.
_SHIPPED = (_PACKAGE / "_corpora", _PACKAGE.parent / "corpora")
_DEFAULTS = {kind: {field.name: field.default for field in fields(kind)} for kind in (Document, Fact, Relation)}
_NOTHING: Mapping[str, str] = MappingProxyType({})

Row = TypeVar("Row", Document, Fact, Relation)


@dataclass(frozen=True)
class _Header:
    name: str = ""
    description: str = ""
    day: date | None = None


def load(path: Path) -> Corpus:
    """Read and check a corpus folder. Raises CorpusError with the file, and the line where there is one."""
    header = _read_header(path / HEADER)
    corpus = Corpus(
        name=header.name or path.resolve().name,
        documents=_read_rows(path / "documents.jsonl", Document),
        facts=_read_rows(path / "facts.jsonl", Fact),
        relations=_read_rows(path / "relations.jsonl", Relation),
        day=header.day,
        description=header.description,
    )
    corpus.check()
    return corpus


def save(corpus: Corpus, path: Path, beside: Mapping[str, str] = _NOTHING) -> None:
    """Check a corpus and write it whole or not at all; `beside` are further files of the folder, name to text.

    A new folder appears by one rename. In a folder that exists, corpus.toml goes first and comes back last:
    a save that is cut off leaves no corpus there, never a mixture of two.
    """
    corpus.check()
    if path.exists() and not path.is_dir():
        raise CorpusError(f"{path} is a file; a corpus is saved as a folder")
    texts = {f"{table}.jsonl": _lines(getattr(corpus, table)) for table in _TABLES} | {
        **beside,
        HEADER: _header(corpus),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.tmp-*"):  # of a save that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.tmp-", dir=path.parent))
    try:
        temporary.chmod(0o755)
        for name, text in texts.items():
            _write(temporary / name, text)
        crash_point("corpus.written")
        if path.exists():
            _replace(temporary, path, texts)
        else:
            temporary.replace(path)
        crash_point("corpus.replaced")
        _sync(path)
        _sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace(new: Path, path: Path, names: Iterable[str]) -> None:
    (path / HEADER).unlink(missing_ok=True)
    _sync(path)
    crash_point("corpus.unsealed")
    for name in names:
        (new / name).replace(path / name)
        crash_point("corpus.half_replaced")


def find(name_or_path: str) -> Path:
    """The folder of a corpus: a path, or the name of one that kinject ships ("catalog", "corpora/catalog").

    Raises UnknownNameError with the shipped names and the nearest one.
    """
    if (Path(name_or_path) / HEADER).is_file():
        return Path(name_or_path)
    shipped = {header.parent.name: header.parent for root in _SHIPPED for header in sorted(root.glob(f"*/{HEADER}"))}
    name = name_or_path.rstrip("/").removeprefix("corpora/")
    if name in shipped:
        return shipped[name]
    near = process.extractOne(name, list(shipped), score_cutoff=60)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise UnknownNameError(
        f"no corpus {name_or_path!r}{hint}: give a folder that holds {HEADER}, or one of: {', '.join(shipped)}"
    )


def _header(corpus: Corpus) -> str:
    header: dict[str, Any] = {"name": corpus.name, "description": corpus.description}
    return tomli_w.dumps(header if corpus.day is None else header | {"day": corpus.day})


def _lines(rows: tuple[Row, ...]) -> str:
    return "".join(json.dumps(_short(row), ensure_ascii=False, default=str) + "\n" for row in rows)


def _short(row: Document | Fact | Relation) -> dict[str, Any]:
    """The fields that differ from their default: a line shows what there is to know."""
    default = _DEFAULTS[type(row)]
    return {name: value for name, value in values(row).items() if default[name] is MISSING or value != default[name]}


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_header(path: Path) -> _Header:
    try:
        return TypeAdapter(_Header).validate_python(tomllib.loads(_text(path)))
    except tomllib.TOMLDecodeError as error:
        raise CorpusError(f"{path}: {str(error).lower()}") from error
    except ValidationError as error:
        raise CorpusError(f"{path}: {_reason(error)}") from error


def _read_rows(path: Path, kind: type[Row]) -> tuple[Row, ...]:
    adapter, known = TypeAdapter(kind), {f.name for f in fields(kind)}
    rows = []
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if isinstance(row, dict) and (unknown := row.keys() - known):
                raise CorpusError(
                    f"{path}:{number}: unknown field {min(unknown)!r} (known: {', '.join(sorted(known))})"
                )
            rows.append(adapter.validate_python(row))
        except json.JSONDecodeError as error:
            raise CorpusError(f"{path}:{number}: not JSON: {error.msg.lower()} at column {error.colno}") from error
        except ValidationError as error:
            raise CorpusError(f"{path}:{number}: {_reason(error)}") from error
    return tuple(rows)


def _reason(error: ValidationError) -> str:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"]) or "the line"
    return f"{field}: {first['msg'].lower()}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CorpusError(f"no {path.name} in {path.parent}; a corpus has {HEADER} and {_names()}") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: not utf-8 at byte {error.start}; save it as utf-8") from error


def _names() -> str:
    return ", ".join(f"{table}.jsonl" for table in _TABLES)
