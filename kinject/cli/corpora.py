"""The commands that look at plugins, make corpora and hand them over."""

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinject.cli.arguments import Entity, Repeated, Setting, Yes
from kinject.errors import OptionError

if TYPE_CHECKING:
    from kinject.corpus.importing import ImportOptions

CORPORA = Path("corpora")  # where corpora go, below the current folder


def list_(as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False) -> None:
    """Name the systems, probes and formats there are."""
    from kinject.terminal import indented, plugin_list

    found = plugin_list()
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for kind, rows in found.items():
        typer.echo("\n".join([kind, *indented(rows)]))


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, JSON, Parquet, Turtle, ...: kinject list")],
    name: Annotated[str | None, typer.Option(help="name of the corpus (default: the file's)")] = None,
    entity: Entity = None,
    role: Annotated[
        Repeated, typer.Option(metavar="COLUMN=KIND", help="what a column is, where the guess is wrong")
    ] = None,
    unit: Annotated[Repeated, typer.Option(metavar="COLUMN=UNIT", help="the unit of its numbers")] = None,
    label: Annotated[Repeated, typer.Option(metavar="COLUMN=WORDS", help="its name in questions")] = None,
    keep: Annotated[Repeated, typer.Option(metavar="COLUMN", help="keep a column that would be dropped")] = None,
    delimiter: Annotated[str, typer.Option(help="what separates the columns of a CSV")] = "",
    decimal: Annotated[str, typer.Option(help="decimal mark of numbers, '.' or ','")] = "",
    date_order: Annotated[str, typer.Option(help="of dates such as 1/2/2024: dmy or mdy")] = "",
    records: Annotated[str, typer.Option(metavar="KEY", help="where a JSON object holds the list")] = "",
    max_rejected: Annotated[float | None, typer.Option(min=0, max=1, help="share of bad lines to accept")] = None,
    yes: Yes = False,
) -> None:
    """Turn a table or a graph into a corpus, after a preview.

    \b
      kinject import parts.csv --name parts --entity name --role sku=identifier --unit weight=g
    """
    from kinject.corpus.importing import ImportOptions, pairs

    options = ImportOptions(
        roles=pairs(role or (), "--role"),
        units=pairs(unit or (), "--unit"),
        labels=pairs(label or (), "--label"),
        keep=tuple(keep or ()),
        delimiter=delimiter,
        decimal=decimal,
        date_order=date_order,
        records=records,
        max_rejected=max_rejected,
    )
    folder = imported(file, name, entity, options, lambda target: yes or _agreed(target))
    typer.echo(f"wrote {folder}; next: kinject study {shlex.quote(str(folder))}")


def export(
    corpus: Annotated[str, typer.Argument(metavar="CORPUS", help="a corpus folder or a shipped name")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a name that ends in .ttl, .jsonld or .graphml")],
    base: Annotated[
        str, typer.Option(metavar="IRI", help="what the IRIs of RDF begin with (default: urn:kinject:NAME:)")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="replace a file that exists")] = False,
) -> None:
    """Write a corpus as Turtle, JSON-LD or GraphML.

    GraphML keeps the facts with their days and units, but neither the text of documents nor phrasings.

    \b
      kinject export catalog catalog.ttl --base https://example.org/catalog/
    """
    from kinject import corpus as corpora
    from kinject.corpus.graphs import exporting

    if file.exists() and not yes:
        raise OptionError(f"{file} exists; choose another name, or add --yes to replace it")
    found = corpora.load(corpora.find(corpus))
    exporting.export(found, file, base)
    typer.echo(f"wrote {file}: {len(found.facts)} facts, which read back the same")


def extract(
    documents: Annotated[
        list[Path], typer.Argument(metavar="DOCS...", help="Markdown or text files, folders of them, or a corpus")
    ],
    name: Annotated[str, typer.Option(help="name of the corpus")],
    model: Annotated[
        str | None, typer.Option(help="a chat model that calls tools, not mini (default: patterns, no model)")
    ] = None,
    settings: Setting = None,
    yes: Yes = False,
) -> None:
    """Find facts in documents and make a corpus of both.

    \b
      kinject extract notes/ manual.md --name notes --set min_facts=2
    """
    from kinject import corpus as corpora
    from kinject import extraction
    from kinject.corpus.importing import check_name
    from kinject.extraction import chat, patterns
    from kinject.lm import open_model
    from kinject.options import fill
    from kinject.terminal import Display

    check_name(name)
    config = fill(extraction.Config, settings or ())
    folder = CORPORA / name
    if folder.exists():
        raise OptionError(f"{folder} exists already; choose another --name")
    sources = extraction.read_sources(documents)
    find = chat.extractor(open_model(model), config) if model else patterns.extractor(sources.relations)
    with Display() as display:
        plan = extraction.extract(sources, name, find, config, display)
    typer.echo(extraction.preview(plan) + "\n")
    if not (yes or _agreed(folder)):
        raise typer.Abort
    corpora.save(plan.corpus, folder)
    typer.echo(f"wrote {folder}; next: kinject study {shlex.quote(str(folder))}")


def imported(
    file: Path, name: str | None, entity: str | None, options: "ImportOptions", agreed: Callable[[Path], bool]
) -> Path:
    """Show what an import would write and, where it is agreed, write it. Returns the corpus folder."""
    from kinject import intake
    from kinject.corpus.importing import preview

    name = name or intake.name_of(file)
    folder = CORPORA / name
    plan = intake.planned(file, folder, name, entity or "", options)
    typer.echo(preview(plan) + "\n")
    if not agreed(folder):
        raise typer.Abort
    intake.write(plan, folder)
    return folder


def _agreed(folder: Path) -> bool:
    if not sys.stdin.isatty():
        raise OptionError("nothing was written: there is no terminal to ask on; add --yes")
    return typer.confirm(f"Write {folder}?")
