"""The commands that judge finished runs: `diff` compares two of them, `gate` holds one to its limits."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinject.cli.arguments import FailOver, FailUnder, Junit, Repeated, RunFolder, Summary
from kinject.edge import Exit
from kinject.errors import OptionError

if TYPE_CHECKING:
    from kinject.gates import Limit
    from kinject.study import Study


def diff(
    run_a: Annotated[Path, typer.Argument(metavar="RUN_A", help="folder of the run before")],
    run_b: Annotated[Path, typer.Argument(metavar="RUN_B", help="folder of the run after")],
    system: Annotated[Repeated, typer.Option(help="only this one; may be repeated")] = None,
    against: Annotated[str, typer.Option(metavar="SYSTEM", help="of run B, to compare that one --system with")] = "",
    kind: Annotated[Repeated, typer.Option(metavar="FAMILY", help="only this one; may be repeated")] = None,
    items: Annotated[int, typer.Option(min=0, help="how many of the changed answers to show")] = 10,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="write the same as Markdown")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="as JSON, with every changed answer")] = False,
) -> None:
    """Compare two runs on the same probes: what was gained and lost.

    \b
      kinject diff runs/before runs/after --system rag --items 20
      kinject diff runs/catalog runs/catalog --system rag --against kg
    """
    from kinject.diff import diff as compared
    from kinject.diff.table import markdown, plain
    from kinject.report.results import read
    from kinject.store import write_whole
    from kinject.terminal import changes

    see_folders(out)
    found = compared(read(run_a), read(run_b), tuple(system or ()), tuple(kind or ()), against)
    if out:
        write_whole(out, markdown(found, items))
    typer.echo(json.dumps(plain(found), ensure_ascii=False, indent=1) if as_json else changes(found, items))


def gate(
    run: RunFolder,
    fail_under: FailUnder = None,
    fail_over: FailOver = None,
    junit: Junit = None,
    summary: Summary = None,
) -> None:
    """Hold a finished run to limits: exit 100 where one is not kept.

    A limit is on SYSTEM.FAMILY (its accuracy), SYSTEM.FAMILY.METRIC, or SYSTEM.METRIC where only one family is known
    by it. It is kept where the whole 95 % interval keeps it.

    \b
      kinject gate runs/catalog --fail-under rag.recall=0.90 --fail-over sft.hallucination=0.2
      kinject gate runs/catalog --fail-over kg.flip_rate=0.1 --junit junit.xml --summary summary.md
    """
    from kinject.gates import files, limits
    from kinject.report.results import read

    if not (fail_under or fail_over or junit or summary):
        raise OptionError("nothing to judge: give --fail-under or --fail-over, such as --fail-under rag.recall=0.90")
    see_folders(junit, summary)
    results = read(run)
    asked = limits(fail_under or (), fail_over or (), results.systems, files.families(results))
    finish(run, asked, junit, summary)


def of_study(study: "Study", fail_under: Repeated, fail_over: Repeated) -> "list[Limit]":
    """The gates of a study that has not begun. Raises KinjectError for one that it could not judge."""
    if not (fail_under or fail_over):
        return []
    from kinject.gates import limits
    from kinject.probes import own
    from kinject.study.plan import settle

    plan = settle(study)
    kinds = [*plan.sizes, *([own.KIND] if study.probes else [])]
    return limits(fail_under or (), fail_over or (), tuple(plan.configs), kinds)


def finish(run: Path, limits: "list[Limit]", junit: Path | None, summary: Path | None) -> None:
    """Judge a run, write what was asked for, and end with 100 if a gate failed."""
    if not (limits or junit or summary):
        return
    from kinject import gates
    from kinject.report.results import read
    from kinject.store import write_whole

    results = read(run)
    judged = gates.judge(limits, results)
    if junit:
        write_whole(junit, gates.junit(results, judged))
    if summary:
        write_whole(summary, gates.summary(results, judged))
    for one in judged:
        typer.echo(str(one))
    if not all(one.passed for one in judged):
        raise typer.Exit(Exit.GATE)


def see_folders(*files: Path | None) -> None:
    """Raises OptionError for a file that could not be written, before hours of work."""
    for file in files:
        if file and not file.parent.is_dir():
            raise OptionError(f"{file} cannot be written: there is no folder {file.parent}; make it first")
