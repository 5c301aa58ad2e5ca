"""A table in a file -> a plan that can be shown -> a corpus.

Planning reads and decides everything and writes nothing. Formats, the meaning of columns, names and phrasings live
beside this file; it only puts them together.
"""

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rapidfuzz import process

from kinject import plugins
from kinject.corpus.core import Corpus
from kinject.corpus.mapping import SavedMapping, mapping_toml, overridden, read_mapping
from kinject.corpus.naming import Names, check_entity, clean, unique_names
from kinject.corpus.phrasing import relation_of, thing_of
from kinject.corpus.plans import DEFAULT, ImportOptions, ImportPlan, Sample
from kinject.corpus.preview import preview
from kinject.corpus.prose import page
from kinject.corpus.questions import questions
from kinject.corpus.schema import KINDS, Column, Inferred, Settings, infer
from kinject.corpus.table import ReadOptions, Table
from kinject.errors import CorpusError
from kinject.types import Document, Fact, Relation

__all__ = [
    "ImportOptions",
    "ImportPlan",
    "SavedMapping",
    "check_name",
    "corpus_of",
    "mapping_toml",
    "overridden",
    "pairs",
    "plan",
    "plan_of",
    "preview",
    "read_mapping",
    "read_table",
    "relations_of",
]

FORMATS = "kinject.corpus.formats"
MAX_REJECTED = 0.1  # above this share of rejected lines an import stops, unless told otherwise
SAMPLES = 3


def plan(
    path: Path, name: str, entity: str, options: ImportOptions = DEFAULT, table: Table | None = None
) -> ImportPlan:
    """Read a table and decide what becomes of it; writes nothing. Raises CorpusError, always one line.

    `table` is what was read from `path` already, or a part of it.
    """
    check_name(name)
    table = table or read_table(path, options)
    check_entity(table, entity)
    _check_columns(table, entity, options)
    cleaned = clean(table, entity)
    _check_rejected(cleaned.table, options)
    settings = Settings(options.roles, options.units, options.labels, options.keep, options.decimal, options.date_order)
    columns = infer(cleaned.table, entity, settings)
    names = unique_names(columns, cleaned.table.rows)
    relations = relations_of(columns)
    if not relations:
        dropped = "; ".join(f"{one.column.name}: {one.column.notes[-1]}" for one in columns[1:] if one.column.notes)
        raise CorpusError(f"{path}: no column states a fact about {entity!r} ({dropped or 'it is the only column'})")
    facts = _facts(columns, names)
    if not facts:
        raise CorpusError(f"{path}: no fact is left once equal names are told apart; choose another --entity")
    documents = _documents(columns, names, facts, relations, options.seed)
    written = {document.id for document in documents}
    counts = {
        "rows": len(table.rows) + len(table.rejected),
        "merged": cleaned.merged,
        "rejected": len(cleaned.table.rejected),
        "entities": len(written),
        "facts": len(facts),
        "relations": len(relations),
    }
    notes = [note for note in [table.notes.get("", "")] if note]
    if cleaned.merged:
        notes.append(f"{cleaned.merged} rows repeat another one in every cell and were merged")
    if silent := len(names.names) - len(written):
        notes.append(f"{silent} rows say nothing but their name and were left out")
    return ImportPlan(
        name=name,
        source=path,
        entity=entity,
        columns=tuple(one.column for one in columns),
        rejected=cleaned.table.rejected,
        notes=(*notes, *names.notes),
        samples=_samples(facts, relations, options.seed),
        counts=counts,
        options=options,
        documents=documents,
        facts=facts,
        relations=relations,
        description=f"Imported from {path.name}: one entity a row, named by its column {entity!r}.",
    )


def plan_of(corpus: Corpus, source: Path, options: ImportOptions = DEFAULT) -> ImportPlan:
    """A corpus that is whole already as a plan, so that it can be shown before it is written."""
    check_name(corpus.name)
    columns = [Column("subject", "subject", "entity", "entity", "", corpus.entities()[0], len(corpus.entities()))]
    for relation in corpus.relations:
        texts = [fact.object for fact in corpus.facts if fact.relation == relation.name]
        example = texts[0] if texts else ""
        shown = Column(relation.name, relation.name, "fact", relation.kind, relation.unit, example, len(texts))
        columns.append(replace(shown, distinct=len(set(texts))))
    counts = {"rows": 0, "merged": 0, "rejected": 0, "entities": len(corpus.entities()), "facts": len(corpus.facts)}
    return ImportPlan(
        name=corpus.name,
        source=source,
        entity="subject",
        columns=tuple(columns),
        rejected=(),
        notes=(),
        samples=_samples(corpus.current().facts, corpus.relations, options.seed),
        counts={**counts, "relations": len(corpus.relations)},
        options=options,
        documents=corpus.documents,
        facts=corpus.facts,
        relations=corpus.relations,
        day=corpus.day,
        description=corpus.description,
    )


def corpus_of(plan: ImportPlan) -> Corpus:
    """The corpus of a plan, checked."""
    corpus = Corpus(plan.name, plan.documents, plan.facts, plan.relations, plan.day, plan.description)
    corpus.check()
    return corpus


def read_table(path: Path, options: ImportOptions = DEFAULT) -> Table:
    """Read a file by its extension. Raises CorpusError for one that is missing, unreadable or of no known format."""
    known = plugins.names(FORMATS)
    if path.is_dir():
        raise CorpusError(f"{path} is a folder; give one file ({', '.join(f'.{ext}' for ext in known)})")
    if not path.exists():
        raise CorpusError(f"no file {path}; check the path")
    if not path.is_file():
        raise CorpusError(f"{path} is no regular file; give one that can be read twice")
    extension = path.suffix.lower().removeprefix(".")
    if extension not in known:
        found = f".{extension}" if extension else "no extension"
        hint = "; for documents say kinject extract" if extension in ("md", "markdown", "txt") else ""
        raise CorpusError(f"{path} has {found}; known: {', '.join(f'.{ext}' for ext in known)}{hint}")
    reading = ReadOptions(options.delimiter, options.records, options.max_rejected is not None)
    try:
        table: Table = plugins.load(FORMATS, extension).read(path, reading)
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    return table


def check_name(name: str) -> None:
    """Raises CorpusError for what cannot be the name of a corpus and of its folder."""
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise CorpusError(f"{name!r} cannot name a corpus; use letters, digits, '-', '_' and '.'")


def pairs(settings: Sequence[str], flag: str) -> dict[str, str]:
    """{"weight": "kg"} of ["weight=kg"], as flags give them. Raises CorpusError naming the flag."""
    found = {}
    for setting in settings:
        column, equals, value = setting.rpartition("=")
        if not equals or not column.strip() or not value.strip():
            raise CorpusError(f"{flag} expects COLUMN=VALUE, found {setting!r}")
        found[column.strip()] = value.strip()
    return found


def _check_columns(table: Table, entity: str, options: ImportOptions) -> None:
    for column in (*options.roles, *options.units, *options.labels, *options.keep):
        if column not in table.columns:
            near = process.extractOne(column, table.columns, score_cutoff=60)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise CorpusError(f"no column {column!r}{hint}; columns: {', '.join(table.columns)}")
    for column, role in options.roles.items():
        if role not in (*KINDS, "document", "drop") or column == entity:
            known = ", ".join((*KINDS, "document", "drop"))
            fault = f"{column!r} is the entity" if column == entity else f"no role {role!r}; choose one of: {known}"
            raise CorpusError(f"--role {column}={role}: {fault}")
    for flag, value, allowed in (
        ("--decimal", options.decimal, (".", ",")),
        ("--date-order", options.date_order, ("dmy", "mdy")),
    ):
        if value and value not in allowed:
            raise CorpusError(f"{flag} {value!r}: choose {allowed[0]!r} or {allowed[1]!r}")


def _check_rejected(table: Table, options: ImportOptions) -> None:
    limit = MAX_REJECTED if options.max_rejected is None else options.max_rejected
    lines = len(table.rows) + len(table.rejected)
    if len(table.rejected) > limit * lines:
        first = table.rejected[0]
        raise CorpusError(
            f"{first.location}: {first.reason}: {first.text[:60]!r} ({len(table.rejected)} of {lines} lines rejected, "
            f"more than {limit:.0%}); mend them or allow more with --max-rejected"
        )


def relations_of(columns: Sequence[Inferred]) -> tuple[Relation, ...]:
    """The relations of columns that state facts, the first column being the entity's; none of no columns."""
    if not columns:
        return ()
    thing = thing_of(columns[0].column.label)
    found = []
    for one in columns[1:]:
        if one.column.role == "fact":
            counts = Counter(value.text for value in one.values if value)
            distinctive = one.column.kind in ("identifier", "text", "number", "date")
            is_unique = distinctive and len(counts) > 1 and max(counts.values()) == 1
            found.append(relation_of(one.column, thing, is_unique=is_unique))
    return tuple(found)


def _facts(columns: Sequence[Inferred], names: Names) -> tuple[Fact, ...]:
    facts = []
    for index, subject in enumerate(names.names):
        document = _document_id(index)
        for one in columns[1:]:
            column, value = one.column, one.values[index] if one.values else None
            # A value that became part of the name would be asked for in a question that gives it away.
            if column.role != "fact" or value is None or (index, column.name) in names.used:
                continue
            slug = re.sub(r"\W+", "-", column.label).strip("-")
            facts.append(Fact(f"{document}-{slug}", subject, column.label, value.text, document, value.aliases))
    return tuple(facts)


def _documents(
    columns: Sequence[Inferred], names: Names, facts: Sequence[Fact], relations: Sequence[Relation], seed: int
) -> tuple[Document, ...]:
    by_document: dict[str, list[Fact]] = {}
    for fact in facts:
        by_document.setdefault(fact.document_id, []).append(fact)
    by_name = {relation.name: relation for relation in relations}
    prose = [one for one in columns if one.column.role == "document"]
    documents = []
    for index, name in enumerate(names.names):
        id_ = _document_id(index)
        texts = [value.text for one in prose if (value := one.values[index])]
        if stated := by_document.get(id_, []):
            documents.append(Document(id_, page(stated, texts, by_name, random.Random(f"{seed}/{name}")), name))
        elif texts:
            documents.append(Document(id_, "\n\n".join([f"{name}:", *texts]), name))
    return tuple(documents)


def _samples(facts: Sequence[Fact], relations: Sequence[Relation], seed: int) -> tuple[Sample, ...]:
    rng = random.Random(seed)
    by_name = {relation.name: relation for relation in relations}
    seen: Counter[str] = Counter()
    ranked = []
    for fact in rng.sample(facts, len(facts)):
        ranked.append((seen[fact.relation], fact))
        seen[fact.relation] += 1
    # One of each relation first, then any.
    order = [fact for _, fact in sorted(ranked, key=lambda pair: pair[0])]
    return tuple(
        Sample(rng.choice(questions(by_name[fact.relation], "test")).format(subject=fact.subject), fact.object)
        for fact in order[:SAMPLES]
    )


def _document_id(index: int) -> str:
    return f"e{index + 1:05d}"
