"""The command line: list, import, study, ask, serve, report, pretrain, exam. It says what libraries return.

Everything heavy is imported inside the command that needs it, so that `--help` answers at once.
"""

import io
import json
import platform
import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module, metadata, util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinject import __version__
from kinject.edge import Edge
from kinject.errors import OptionError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from kinject.corpus.importing import ImportOptions


# Where imports and studies go, below the current folder.
CORPORA, RUNS = Path("corpora"), Path("runs")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
EXAMPLES = """Teach a language model one corpus three ways, by training, by retrieval and by a knowledge graph, and
measure which one holds.

\b
  kinject study catalog                                build, probe, push back, report
  kinject study parts.csv --entity name                the same from your own table
  kinject ask runs/catalog "What does the Vontriq 20 weigh?" --system kg
  kinject serve runs/catalog                           the same over HTTP: /ask?system=kg&question=...

Exit codes: 0 done, 1 failed, 2 wrong usage or input, 130 interrupted. No telemetry."""


app = typer.Typer(cls=Edge, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="folder of a run, such as runs/catalog")]
Repeated = list[str] | None
Entity = Annotated[str | None, typer.Option(metavar="COLUMN", help="column that names what each row is about")]
Yes = Annotated[bool, typer.Option("--yes", help="do not ask before anything is written")]
Setting = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="an option; may be repeated")]
Seed = Annotated[int, typer.Option(min=0, help="decides every random choice")]


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A console that cannot show a character shows a question mark: a study must not end on that.
            stream.reconfigure(errors="replace")
    app(prog_name="kinject")


def _version(wanted: bool) -> None:
    if wanted:
        parts = [f"{name} {metadata.version(name)}" for name in ("torch", "transformers")]
        typer.echo(f"kinject {__version__} ({', '.join(parts)}, Python {platform.python_version()})")
        raise typer.Exit


@app.callback(help=EXAMPLES)
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="versions")] = False,
) -> None: ...


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False) -> None:
    """Name the systems, probes and formats there are."""
    from kinject.terminal import indented, plugin_list

    found = plugin_list()
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for kind, rows in found.items():
        typer.echo("\n".join([kind, *indented(rows)]))


@app.command("import")
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
    folder = _import(file, name, entity, options, lambda target: yes or _agreed(target))
    typer.echo(f"wrote {folder}; next: kinject study {shlex.quote(str(folder))}")


@app.command()
def study(
    corpus: Annotated[
        str, typer.Argument(metavar="CORPUS_OR_FILE", help="a corpus folder, a shipped name or a data file")
    ],
    entity: Entity = None,
    model: Annotated[str, typer.Option(help="mini, a Hugging Face id or a folder")] = "mini",
    systems: Annotated[str | None, typer.Option(metavar="A,B", help="only these systems")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="where the run goes (default: runs/CORPUS)")
    ] = None,
    settings: Setting = None,
    full: Annotated[bool, typer.Option("--full", help="more probes and seeds: narrower intervals, more hours")] = False,
    seed: Seed = 0,
    yes: Yes = False,
) -> None:
    """Build the systems, probe them, push back, and write a report. A stopped study goes on where it was.

    \b
      kinject study catalog --systems rag,kg --out runs/quick
      kinject study parts.csv --entity name --set sft.epochs=20
    """
    from kinject import corpus as corpora
    from kinject import study as studies
    from kinject.corpus.importing import ImportOptions
    from kinject.report import write
    from kinject.terminal import Display, results

    if Path(corpus).is_file():
        folder = _import(Path(corpus), None, entity, ImportOptions(), lambda target: True)
    elif entity:
        raise OptionError(f"--entity is for a data file, and {corpus!r} is none")
    else:
        folder = corpora.find(corpus)
    wanted = tuple(name.strip() for name in (systems or "").split(",") if name.strip())
    out = out or RUNS / folder.resolve().name
    plan = studies.Study(folder, out, model, wanted, tuple(settings or ()), full, seed)
    with Display() as display:
        run = studies.run(plan, display)
    write(run)
    typer.echo(results(run))
    typer.echo(f"report: {run / 'report.html'}; next: kinject serve {shlex.quote(str(run))}")


@app.command()
def ask(
    run: RunFolder,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="in quotes")],
    system: Annotated[list[str] | None, typer.Option(help="sft, rag, kg, ...; may be repeated (default: all)")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one object a line")] = False,
) -> None:
    """Ask a finished run one question.

    \b
      kinject ask runs/catalog "What does the Vontriq 20 weigh?" --system kg --json
    """
    from kinject.study import open_run
    from kinject.terminal import answer_lines

    opened = open_run(run)
    for name in system or opened.systems:
        answer = opened.system(name).ask(question)
        row = {"system": name, "question": question, **asdict(answer)}
        typer.echo(json.dumps(row, ensure_ascii=False) if as_json else "\n".join(answer_lines(name, answer)))


@app.command()
def serve(
    run: RunFolder,
    host: Annotated[str, typer.Option(help="interface to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
) -> None:
    """Answer over HTTP: /ask, /systems, /health, /docs.

    \b
      curl "http://127.0.0.1:8000/ask?system=kg&question=What+does+the+Vontriq+20+weigh"
    """
    import uvicorn

    create_app: Callable[..., FastAPI] = import_module(f"{_service()}.app").create_app
    if host in LOOPBACK:
        service = create_app(run)
    else:
        typer.echo(f"kinject: whoever reaches {host} can ask: the service has no password", err=True)
        service = create_app(run, hosts=())
    typer.echo(f"answering for {run} at http://{host}:{port}/ask (how: /docs); Ctrl-C stops", err=True)
    uvicorn.run(service, host=host, port=port, log_level="warning", timeout_graceful_shutdown=20)


@app.command()
def report(run: RunFolder) -> None:
    """Write a run's report.html and report.md again."""
    from kinject.report import write

    write(run)
    typer.echo(f"wrote {run / 'report.html'} and {run / 'report.md'}")


@app.command()
def pretrain(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="where the model goes")],
    settings: Setting = None,
    seed: Seed = 0,
) -> None:
    """Train the embedded model, or go on from it. A stopped run goes on too.

    \b
      kinject pretrain --out models/mini --set tokens=100000000
      kinject pretrain --out models/hold --set start=mini --set stance=hold --set tokens=425000000
    """
    from kinject.lab import pretrain as recipe
    from kinject.options import fill
    from kinject.terminal import Display

    config = fill(recipe.Config, [*(settings or ()), f"seed={seed}"])
    with Display() as display:
        folder = recipe.run(config, out, display)
    typer.echo(f"wrote {folder}; next: kinject exam {shlex.quote(str(folder))}")


@app.command()
def exam(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="mini, a Hugging Face id or a folder")] = "mini",
    settings: Setting = None,
) -> None:
    """Measure a model's abilities on worlds that it has never seen."""
    from kinject.lab import exam as abilities
    from kinject.lm import open_model
    from kinject.options import fill
    from kinject.terminal import Display, scores

    config = fill(abilities.Config, settings or ())
    with Display() as display:
        found = abilities.run(open_model(model), config, display)
    typer.echo(scores(model, found))


def _import(
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


def _service() -> str:
    """The service's package: inside kinject in the wheel, beside it in a checkout."""
    return "kinject._service" if util.find_spec("kinject._service") else "services"
