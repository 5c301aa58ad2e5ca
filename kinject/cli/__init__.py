"""The command line: one file a group of commands. They say what libraries return.

Everything heavy is imported inside the command that needs it, so that `--help` answers at once.
"""

import io
import platform
import sys
from importlib import metadata
from typing import Annotated

import typer

from kinject import __version__
from kinject.cli import checks, corpora, instructions, keys, models, runs, tools, upkeep
from kinject.edge import Edge
from kinject.lm.quiet import quieten

EXAMPLES = """Teach a language model one corpus three ways, by training, by retrieval and by a knowledge graph, and
measure which one holds.

\b
  kinject study catalog                                build, probe, push back, report
  kinject study parts.csv --entity name                the same from your own table
  kinject ask runs/catalog "What does the Vontriq 20 weigh?" --system kg
  kinject serve runs/catalog                           the same over HTTP: /ask?system=kg&question=...
  kinject gate runs/catalog --fail-under rag.recall=0.90   exit 100 where the limit is not kept

Exit codes: 0 done, 1 failed, 2 wrong usage or input, 100 a gate failed, 130 interrupted. No telemetry."""

app = typer.Typer(cls=Edge, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A console that cannot show a character shows a question mark: a study must not end on that.
            stream.reconfigure(errors="replace")
    quieten()
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


# In the order in which --help shows them.
app.command("list")(corpora.list_)
app.command("import")(corpora.import_)
app.command()(corpora.extract)
app.command()(corpora.export)
app.command()(runs.study)
app.command()(upkeep.plan)
app.command()(upkeep.update)
app.command()(runs.ask)
app.command()(runs.serve)
app.add_typer(keys.app, name="key")
app.command()(tools.mcp)
app.command()(runs.report)
app.command()(checks.diff)
app.command()(checks.gate)
app.command()(upkeep.verify)
app.command()(upkeep.repair)
app.command()(models.pretrain)
app.command()(models.exam)
app.command()(instructions.instruct)
app.command()(tools.doctor)
