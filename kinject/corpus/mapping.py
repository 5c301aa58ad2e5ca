"""The mapping of an import as TOML, kept beside the corpus so that the next import of the file decides the same.

Holds decisions only; neither values nor the table's place on disk.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import TypeAdapter, ValidationError

from kinject.corpus.plans import DEFAULT, ImportOptions, ImportPlan
from kinject.errors import CorpusError

FILE = "mapping.toml"


@dataclass(frozen=True)
class SavedMapping:
    entity: str
    options: ImportOptions


def mapping_toml(plan: ImportPlan) -> str:
    """The [import] table of a plan; every column's kind is written out, so that it can be edited."""
    options = plan.options
    section: dict[str, Any] = {"source": plan.source.name, "entity": plan.entity, "seed": options.seed}
    for key in ("delimiter", "decimal", "date_order", "records"):
        if value := getattr(options, key):
            section[key] = value
    if options.max_rejected is not None:
        section["max_rejected"] = options.max_rejected
    others = [column for column in plan.columns if column.role != "entity"]
    section["labels"] = {c.name: c.label for c in plan.columns if c.role in ("fact", "entity")}
    section["roles"] = {c.name: c.kind if c.role == "fact" else c.role for c in others}
    section["units"] = {c.name: c.unit for c in others if c.unit}
    return tomli_w.dumps({"import": section})


def read_mapping(path: Path) -> SavedMapping:
    """The [import] table of mapping.toml or corpus.toml. Raises CorpusError naming the file and the key."""
    try:
        section = tomllib.loads(path.read_text(encoding="utf-8")).get("import", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: {str(error).lower()}") from error
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {(error.strerror or 'unknown reason').lower()}") from error
    if not isinstance(section, Mapping):
        raise CorpusError(f"{path}: import: expected a table")
    known = {f.name for f in fields(ImportOptions)}
    if unknown := section.keys() - known - {"source", "entity"}:
        raise CorpusError(f"{path}: unknown key {min(unknown)!r} in [import] (known: {', '.join(sorted(known))})")
    try:
        options = TypeAdapter(ImportOptions).validate_python({k: v for k, v in section.items() if k in known})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CorpusError(f"{path}: import.{where}: {first['msg'].lower()}") from error
    return SavedMapping(str(section.get("entity", "")), options)


def overridden(saved: ImportOptions, given: ImportOptions) -> ImportOptions:
    """The saved options, with whatever was given now on top, column by column."""
    changes: dict[str, Any] = {}
    for name in (f.name for f in fields(ImportOptions)):
        value, before = getattr(given, name), getattr(saved, name)
        if isinstance(value, Mapping):
            changes[name] = {**before, **value}
        elif value != getattr(DEFAULT, name):
            changes[name] = value
    # A column that is kept now was dropped then.
    roles = {c: role for c, role in changes["roles"].items() if c not in given.keep or role != "drop"}
    return replace(saved, **{**changes, "roles": roles})
