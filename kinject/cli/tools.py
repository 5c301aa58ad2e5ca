"""The commands for other programs and about this machine: `mcp` serves a run's tools, `doctor` looks for trouble."""

import json
from dataclasses import asdict
from importlib import import_module
from typing import Annotated

import typer

from kinject.cli.arguments import RunFolder
from kinject.cli.runs import service_package
from kinject.edge import Exit
from kinject.errors import OptionError


def mcp(run: RunFolder) -> None:
    """Offer a run to MCP clients over stdin and stdout: `ask`, and the tools of its knowledge graph.

    Needs pip install 'kinject[mcp]'. A client's configuration names the command:

    \b
      {"mcpServers": {"catalog": {"command": "kinject", "args": ["mcp", "/full/path/of/runs/catalog"]}}}
    """
    try:
        server = import_module(f"{service_package()}.mcp")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise OptionError("kinject mcp needs the official MCP SDK: pip install 'kinject[mcp]'") from error
    options = import_module(f"{service_package()}.options").Options()
    typer.echo(f"answering for {run} over stdin and stdout; Ctrl-C stops", err=True)
    server.serve(run, options)


def doctor(
    corpus: Annotated[
        str, typer.Argument(metavar="[CORPUS]", help="also say how long its study would take", show_default=False)
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="one object a line")] = False,
) -> None:
    """Say what is installed, what is missing, and how fast this machine is. Exit 1 where something is broken.

    \b
      kinject doctor
      kinject doctor catalog --json
    """
    from kinject.doctor import examine

    broken = False
    for row in examine(corpus):
        broken = broken or row.state == "broken"
        text = "  ".join(part for part in (f"{row.state:<8}", f"{row.name:<38}", row.found, row.advice) if part)
        typer.echo(json.dumps(asdict(row), ensure_ascii=False) if as_json else text)
    if broken:
        raise typer.Exit(Exit.ERROR)
