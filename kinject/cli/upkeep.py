"""The commands before and after a study: what it will cost, new facts for its run, and whether its files are whole."""

import shlex
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from kinject.cli.arguments import RunFolder, Setting, names
from kinject.edge import Exit

Systems = Annotated[str | None, typer.Option("--systems", metavar="A,B", help="only these systems")]


def update(
    run: RunFolder,
    changes: Annotated[
        Path, typer.Argument(metavar="CHANGES", help="a table of changed facts, or a corpus folder: the new state")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="where the new run goes (default: RUN-updated)")
    ] = None,
    systems: Systems = None,
    n: Annotated[int, typer.Option("--n", min=1, help="questions about changed facts, and about others")] = 100,
) -> None:
    """Bring changed facts to every system, and measure what stays stale.

    CHANGES has the columns subject, relation, object, and if need be on (the day from which it holds), old (which of
    several values it replaces) and document (the new text). An empty object ends a fact. The old run stays as it is.

    \b
      kinject update runs/catalog prices.csv --systems rag,kg
    """
    from kinject import freshness
    from kinject.terminal import Display, updated

    plan = freshness.Update(run, changes, date.today(), out, names(systems), n)
    with Display() as display:
        folder = freshness.update(plan, display)
    typer.echo(updated(folder))
    typer.echo(f"wrote {folder / 'update.md'}; next: kinject serve {shlex.quote(str(folder))}")


def plan(
    source: Annotated[
        str, typer.Argument(metavar="CORPUS_OR_FILE", help="a corpus folder, a shipped name or a data file")
    ],
    entity: Annotated[str, typer.Option(metavar="COLUMN", help="column that names what each row is about")] = "",
    model: Annotated[str, typer.Option(help="mini, a Hugging Face id or a folder")] = "mini",
    systems: Systems = None,
    n_entities: Annotated[int, typer.Option(min=0, help="forecast for so many (default: as many as there are)")] = 0,
    settings: Setting = None,
    full: Annotated[bool, typer.Option("--full", help="of the full study")] = False,
    hours: Annotated[float, typer.Option(min=0.01, help="what one stage may take")] = 1.0,
    gib: Annotated[float, typer.Option(min=0.1, help="memory that it may take")] = 4.0,
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Say what a study would take here: time, memory and disk a stage.

    Measured now on a sample, through the systems' own code, and carried to the full size. Nothing is kept.

    \b
      kinject plan parts.csv --entity name --n-entities 50000
    """
    from kinject import corpus as corpora
    from kinject.forecast import Budget, Wanted, forecast
    from kinject.terminal import Display, forecast_json, forecast_table

    path = Path(source) if Path(source).is_file() else corpora.find(source)
    wanted = Wanted(path, entity, model, names(systems), tuple(settings or ()), full, n_entities)
    with Display() as display:
        found = forecast(wanted, display)
    budget = Budget(hours, gib)
    typer.echo(forecast_json(found, budget) if as_json else forecast_table(found, budget))


def verify(run: RunFolder) -> None:
    """Check every file of a run against its checksums.

    A line for each problem, and then exit code 1. A study that is not finished is none.

    \b
      kinject verify runs/catalog
    """
    from kinject import study

    found = study.verify(run)
    for problem in found.problems:
        typer.echo(problem.what)
    if found.problems:
        typer.echo(f"next: kinject repair {shlex.quote(str(run))}")
        raise typer.Exit(Exit.ERROR)
    state = "finished" if found.finished else "not finished: the same kinject study command goes on"
    typer.echo(f"{run} is whole: {found.records} records, {found.artifacts} artifacts; {state}")


def repair(run: RunFolder) -> None:
    """Set aside what is damaged in a run, and keep the rest.

    `kinject study`, given again, then makes what is missing. What was damaged stays beside, as NAME.damaged-1.

    \b
      kinject repair runs/catalog
    """
    from kinject import study

    done = study.repair(run)
    for line in done:
        typer.echo(line)
    last = "next: the kinject study command that made this run; it goes on" if done else "nothing is damaged"
    typer.echo(last)
