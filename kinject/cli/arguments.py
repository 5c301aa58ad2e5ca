"""The arguments that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="folder of a run, such as runs/catalog")]
Repeated = list[str] | None
Entity = Annotated[str | None, typer.Option(metavar="COLUMN", help="column that names what each row is about")]
Yes = Annotated[bool, typer.Option("--yes", help="do not ask before anything is written")]
Setting = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="an option; may be repeated")]
Seed = Annotated[int, typer.Option(min=0, help="decides every random choice")]


def names(text: str | None) -> tuple[str, ...]:
    """("rag", "kg") of "rag, kg"."""
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())
