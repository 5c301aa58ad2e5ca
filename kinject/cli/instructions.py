"""The command that makes instruction data."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinject.cli.arguments import Seed, Setting

if TYPE_CHECKING:
    from kinject.instructions.selection import Vectors


def instruct(
    corpus: Annotated[str, typer.Argument(metavar="CORPUS", help="a corpus folder or a shipped name")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="where the tasks go: .json or .jsonl")],
    model: Annotated[
        str | None, typer.Option(help="chat model that writes tasks (default: none, tasks from seeds and titles)")
    ] = None,
    n: Annotated[int, typer.Option(min=0, help="tasks to keep, chosen for diversity; 0 keeps all")] = 0,
    settings: Setting = None,
    seed: Seed = 0,
) -> None:
    """Make instruction data in the Alpaca format. A stopped build goes on.

    \b
      kinject instruct catalog --out tasks.json --model Qwen/Qwen3-4B --n 200 --set self_instruct=400
    """
    from kinject import corpus as corpora
    from kinject.instructions.build import Job, build, report_file
    from kinject.instructions.config import Config
    from kinject.lm import open_model
    from kinject.options import fill
    from kinject.terminal import Display

    config = fill(Config, [*(settings or ()), f"n={n}", f"seed={seed}"])
    read = corpora.load(corpora.find(corpus))
    writer = open_model(model) if model else None
    with Display() as display:
        made = build(Job(read, writer, _embed, config), out, display)
    typer.echo(f"{made.markdown()}\n\nwrote {out} and {report_file(out)}")


def _embed(texts: Sequence[str]) -> "Vectors":
    # Only where a choice is made: loading the embedder takes longer than the rest of a build without a model.
    from kinject.systems.rag import embed

    return embed.load().encode(texts)
