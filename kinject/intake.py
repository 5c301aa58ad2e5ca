"""From a data file and what was said on the command line to a plan, and from a plan to a corpus folder.

The mapping is kept beside the corpus as mapping.toml, and the next import of the same file starts from it. It asks
nothing and shows nothing.
"""

import re
from pathlib import Path

from kinject import corpus as corpora
from kinject.corpus import importing
from kinject.corpus.files import HEADER
from kinject.corpus.graphs.exporting import read_back
from kinject.corpus.graphs.stated import completed
from kinject.corpus.importing import ImportOptions, ImportPlan
from kinject.corpus.mapping import FILE
from kinject.errors import CorpusError, OptionError


def name_of(file: Path) -> str:
    """A corpus name made of a file's: letters, digits, dots and dashes."""
    return re.sub(r"[^\w.-]+", "-", file.stem).strip("-._").lower() or "corpus"


def planned(file: Path, folder: Path, name: str, entity: str, given: ImportOptions) -> ImportPlan:
    """What importing `file` into `folder` as `name` would write. Raises CorpusError.

    What was decided at an earlier import of the folder holds, except where `given` says otherwise.
    """
    importing.check_name(name)
    mapping, options = folder / FILE, given
    if (folder / HEADER).exists() and not mapping.is_file():
        raise CorpusError(f"{folder} holds a corpus that was not imported; choose another --name")
    if stated := read_back(file):
        if entity or given != ImportOptions():
            raise OptionError(f"{file} says itself what its facts are; leave out --entity, --role and their like")
        return importing.plan_of(completed(stated, name), file)
    if mapping.is_file():
        saved = importing.read_mapping(mapping)
        entity, options = entity or saved.entity, importing.overridden(saved.options, given)
    if not entity:
        table = importing.read_table(file, options)
        entity, columns = table.entity, ", ".join(table.columns)
    if not entity:
        raise OptionError(f"say which column names what each row is about: --entity COLUMN (columns: {columns})")
    return importing.plan(file, name, entity, options)


def write(plan: ImportPlan, folder: Path) -> None:
    """Write the plan's corpus and its mapping, both or none: the next import asks the mapping whose the corpus is."""
    corpora.save(importing.corpus_of(plan), folder, {FILE: importing.mapping_toml(plan)})
