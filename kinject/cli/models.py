"""The commands that make models and measure them."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from kinject.cli.arguments import Seed, Setting


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
