"""The commands that make runs and use them."""

import json
import shlex
from collections.abc import Callable
from dataclasses import asdict, replace
from enum import StrEnum
from importlib import import_module, util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinject.cli import checks
from kinject.cli.arguments import (
    Entity,
    FailOver,
    FailUnder,
    Junit,
    RunFolder,
    Seed,
    Setting,
    Summary,
    Yes,
    names,
)
from kinject.cli.corpora import imported
from kinject.errors import OptionError

if TYPE_CHECKING:
    from fastapi import FastAPI

RUNS = Path("runs")  # where studies go, below the current folder
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Log(StrEnum):
    plain = "plain"
    json = "json"


def study(
    corpus: Annotated[
        str, typer.Argument(metavar="CORPUS_OR_FILE", help="a corpus folder, a shipped name or a data file")
    ],
    entity: Entity = None,
    model: Annotated[
        str, typer.Option(help="mini, a Hugging Face id, a folder (each also with @int8) or openai:MODEL@URL")
    ] = "mini",
    systems: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="only these (default: closed_book,sft,rag,kg,oracle; all with --full)"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="where the run goes (default: runs/CORPUS)")
    ] = None,
    settings: Setting = None,
    full: Annotated[bool, typer.Option("--full", help="more probes and seeds: narrower intervals, more hours")] = False,
    seed: Seed = 0,
    yes: Yes = False,
    probes: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="your own questions and gold, .jsonl or .csv; may be repeated"),
    ] = None,
    reuse: Annotated[
        Path | None, typer.Option(metavar="RUN", help="take over from a finished run what would come out the same")
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=1, help="systems at a time, each in a process with its own copy of the model")
    ] = 1,
    fail_under: FailUnder = None,
    fail_over: FailOver = None,
    junit: Junit = None,
    summary: Summary = None,
) -> None:
    """Build the systems, probe them, push back, and write a report. A stopped study goes on where it was.

    \b
      kinject study catalog --systems rag,kg --out runs/quick
      kinject study parts.csv --entity name --set sft.epochs=20
      kinject study catalog --probes questions.csv
      kinject study catalog --fail-under rag.recall=0.90 --junit junit.xml
    """
    from kinject import corpus as corpora
    from kinject import study as studies
    from kinject.corpus.importing import ImportOptions
    from kinject.lm.endpoint import is_remote
    from kinject.report import write
    from kinject.terminal import Display, results

    if Path(corpus).is_file():
        folder = imported(Path(corpus), None, entity, ImportOptions(), lambda target: True)
    elif entity:
        raise OptionError(f"--entity is for a data file, and {corpus!r} is none")
    else:
        folder = corpora.find(corpus)
    out = out or RUNS / folder.resolve().name
    given = tuple(settings or ()), full, seed, tuple(probes or ()), reuse, jobs
    plan = studies.Study(folder, out, model, names(systems), *given)
    for name in studies.left_out(plan) if is_remote(model) else ():
        typer.echo(f"kinject: {name} is left out: it trains weights, and those of {model} are elsewhere", err=True)
    gates = checks.of_study(plan, fail_under, fail_over)
    checks.see_folders(junit, summary)
    with Display() as display:
        run = studies.run(plan, display)
    write(run)
    typer.echo(results(run))
    typer.echo(f"report: {run / 'report.html'}; next: kinject serve {shlex.quote(str(run))}")
    checks.finish(run, gates, junit, summary)


def ask(
    run: RunFolder,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="in quotes")],
    system: Annotated[list[str] | None, typer.Option(help="sft, rag, kg, ...; may be repeated (default: all)")] = None,
    min_confidence: Annotated[
        str | None,
        typer.Option(
            metavar="P", help="withhold answers that are right with a lesser chance; auto: the study's own threshold"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one object a line")] = False,
) -> None:
    """Ask a finished run one question.

    \b
      kinject ask runs/catalog "What does the Vontriq 20 weigh?" --system kg --json
      kinject ask runs/catalog "What does the Vontriq 20 weigh?" --min-confidence 0.8
    """
    from kinject.confidence import Gate, least
    from kinject.study import open_run
    from kinject.terminal import answer_lines

    opened = open_run(run)
    wanted = least(min_confidence)
    for name in system or opened.systems:
        asked = opened.system(name)
        gated = Gate(name, opened.calibrations.get(name), wanted)(asked.ask(question))
        row = {"system": name, "question": question, **asdict(gated.answer)}
        row |= {"calibrated_confidence": gated.calibrated, "withheld": gated.withheld}
        typer.echo(json.dumps(row, ensure_ascii=False) if as_json else "\n".join(answer_lines(name, gated)))


def serve(
    run: RunFolder,
    host: Annotated[str, typer.Option(help="interface to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    deadline: Annotated[float, typer.Option(metavar="SECONDS", min=0.1, help="for one answer; then it is 504")] = 60.0,
    allow_edits: Annotated[
        bool, typer.Option("--allow-edits", help="let a fact be changed: a new run beside this one")
    ] = False,
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="answer only who sends one of its keys (kinject key add)")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="listen to other machines without keys")] = False,
    allow_origin: Annotated[
        list[str] | None, typer.Option(metavar="ORIGIN", help="let web pages from there ask; may be repeated")
    ] = None,
    per_minute: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="requests of one key or address; beyond them it is 429")
    ] = None,
    log: Annotated[Log, typer.Option(help="how each request is logged on stderr")] = Log.plain,
    otel: Annotated[bool, typer.Option("--otel", help="send traces to OTEL_EXPORTER_OTLP_ENDPOINT")] = False,
) -> None:
    """Answer over HTTP: /ask, /systems, /health, /metrics, /docs. To other machines only with keys.

    \b
      kinject serve runs/catalog --host 0.0.0.0 --keys keys.txt --per-minute 60 --log json
      curl "http://127.0.0.1:8000/ask?system=kg&question=What+does+the+Vontriq+20+weigh"
    """
    from kinject.keys import read

    create_app: Callable[..., FastAPI] = import_module(f"{service_package()}.app").create_app
    choices = import_module(f"{service_package()}.options")
    options = choices.Options(
        allow_edits=allow_edits,
        keys=read(keys) if keys else None,
        origins=tuple(allow_origin or ()),
        per_minute=per_minute,
        log=log.value,
    )
    options = replace(options, limits=replace(options.limits, deadline_s=deadline))
    choices.check_bind(host, options, force)
    if host not in LOOPBACK:
        if not options.keys:
            typer.echo(f"kinject: whoever reaches {host} can ask: the service wants no key", err=True)
        options = replace(options, hosts=())
    service = create_app(run, options)
    if otel:
        import_module(f"{service_package()}.tracing").install(service)
    typer.echo(f"answering for {run} at http://{host}:{port}/ask (how: /docs); Ctrl-C stops", err=True)
    import_module(f"{service_package()}.serving").run(service, host, port)


def report(run: RunFolder) -> None:
    """Write a run's report.html, report.md and records.parquet again."""
    from kinject.report import write

    write(run)
    typer.echo(f"wrote {run / 'report.html'}, {run / 'report.md'} and {run / 'records.parquet'}")


def service_package() -> str:
    """The service's package: inside kinject in the wheel, beside it in a checkout."""
    return "kinject._service" if util.find_spec("kinject._service") else "services"
