"""An import's plan as text for a terminal: what each column becomes, what was rejected, what would be asked.

Cells are cut to fit and shown without control or direction characters, which stay in the data.
"""

import unicodedata
from collections.abc import Sequence

from kinject.corpus.plans import ImportPlan
from kinject.corpus.schema import Column

SHOWN_REJECTED = 5
_HEADER = ("column", "becomes", "kind", "unit", "filled", "example")
_WIDTHS = (24, 10, 10, 8, 6, 36)


def preview(plan: ImportPlan) -> str:
    """Plain text, at most 110 columns wide where notes are short."""
    counts = plan.counts
    lines = [
        f"{visible(plan.source.name)} -> corpus {plan.name!r}: {counts['entities']} entities named by "
        f"{plan.entity!r}, {counts['facts']} facts in {counts['relations']} relations",
        "",
        _line(_HEADER),
        _line(["-" * min(width, 24) for width in _WIDTHS]),
        *(_line(_cells(column)) for column in plan.columns),
    ]
    notes = [f"  {visible(column.name)}: {visible(note)}" for column in plan.columns for note in column.notes]
    if notes or plan.notes:
        lines += ["", "notes", *(f"  {visible(note)}" for note in plan.notes), *notes]
    if plan.rejected:
        lines += ["", f"rejected: {len(plan.rejected)} of {counts['rows']} lines"]
        lines += [f"  {r.location}: {r.reason}: {cut(visible(r.text), 60)}" for r in plan.rejected[:SHOWN_REJECTED]]
        if more := len(plan.rejected) - SHOWN_REJECTED:
            lines += [f"  and {more} more"] if more > 0 else []
    lines += ["", "it would ask"]
    lines += [f"  {visible(sample.question)}  [{cut(visible(sample.gold), 60)}]" for sample in plan.samples]
    return "\n".join(lines)


def visible(text: str) -> str:
    """The text on one line, without control characters and with direction marks spelled out."""
    return "".join(_shown(character) for character in text)


def cut(text: str, width: int) -> str:
    """The text in at most `width` terminal cells; wide characters count two."""
    room, end = width, 0
    for place, character in enumerate(text):
        room -= _width(character)
        if room >= 1:
            end = place + 1
        if room < 0:
            return f"{text[:end]}\u2026"
    return text


def _cells(column: Column) -> tuple[str, ...]:
    kind = column.kind if column.role == "fact" else ""
    name = column.name
    return (name, column.role, kind, column.unit, str(column.filled), column.example)


def _line(cells: Sequence[str]) -> str:
    shown = [cut(visible(cell), width) for cell, width in zip(cells, _WIDTHS, strict=True)]
    padded = [cell + " " * (width - _width(cell)) for cell, width in zip(shown, _WIDTHS, strict=True)]
    return "  ".join(padded).rstrip()


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf":
        return f"<U+{ord(character):04X}>"
    return " " if category in ("Cc", "Zl", "Zp") else character


def _width(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)
