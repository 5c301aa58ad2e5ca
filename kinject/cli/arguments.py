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

FailUnder = Annotated[
    Repeated, typer.Option(metavar="NAME=SHARE", help="exit 100 unless it is surely so much: rag.recall=0.90")
]
FailOver = Annotated[
    Repeated, typer.Option(metavar="NAME=SHARE", help="exit 100 unless it is surely less: sft.hallucination=0.2")
]
Junit = Annotated[Path | None, typer.Option(metavar="FILE", help="write the gates and numbers as JUnit XML")]
Summary = Annotated[Path | None, typer.Option(metavar="FILE", help="write a short summary in Markdown")]


def names(text: str | None) -> tuple[str, ...]:
    """("rag", "kg") of "rag, kg"."""
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())
