"""The commands for the API keys that `kinject serve --keys` reads."""

from pathlib import Path
from typing import Annotated

import typer

from kinject import keys

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="API keys for `kinject serve --keys`.")


@app.callback()
def _group() -> None: ...


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="keeps a hash of each key; made where there is none")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="whom it is for; the log of the service shows it")],
) -> None:
    """Make a key, and show it this once. To withdraw it, take its line out of the file and serve again.

    \b
      kinject key add keys.txt alice
      kinject serve runs/catalog --keys keys.txt
      curl -H "Authorization: Bearer KEY" http://127.0.0.1:8000/systems
    """
    key = keys.add(file, name)
    typer.echo(key)
    typer.echo(f"kinject: this is shown once; {file} keeps only its hash", err=True)
