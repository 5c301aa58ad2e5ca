"""The commands that look at plugins and make corpora."""

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinject.cli.arguments import Entity, Repeated, Yes
from kinject.errors import OptionError

if TYPE_CHECKING:
    from kinject.corpus.importing import ImportOptions

CORPORA = Path("corpora")  # where imports go, below the current folder


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
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, TSV, JSON, JSONL or Parquet")],
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
    """Turn a table into a corpus, after a preview.

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
