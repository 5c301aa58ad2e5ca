"""How the run was made and what its numbers can not say: the last section of every report."""

from collections.abc import Iterator
from typing import Any

from kinject.report import metrics, wording
from kinject.report.parts import Cell, Section, Table
from kinject.report.results import Results

_FULL_PROBES, _FULL_SEEDS = 400, 3


def methods(results: Results) -> Section:
    made = Table("How this run was made.", ("", "value"), tuple(_made(results)), "words", folded=True)
    meant = tuple((Cell(term), Cell(meaning)) for term, meaning in metrics.DEFINITIONS)
    defined = Table("How the numbers are defined.", ("term", "definition"), meant, "words")
    return Section("methods", "Methods and limits", tables=(made, defined), notes=tuple(_limits(results)))


def _made(results: Results) -> Iterator[tuple[Cell, Cell]]:
    corpus = results.corpus
    size = f"{wording.count(len(corpus.documents))} documents, {len(corpus.relations)} relations"
    yield Cell("corpus"), Cell(f"{corpus.name} ({size}), fingerprint {corpus.fingerprint()}")
    if corpus.day:
        yield Cell("\u201cnow\u201d means"), Cell(corpus.day.isoformat())
    for key, value in _flat(results.manifest):
        yield Cell(key), Cell(value)


def _flat(manifest: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The manifest as it was written, one line a value, so that nothing it says can go missing here."""
    for key, value in manifest.items():
        label = f"{prefix} {key}".strip().replace("_", " ")
        if isinstance(value, dict):
            yield from _flat(value, label)
        elif isinstance(value, list):
            yield label, ", ".join(str(item) for item in value)
        elif value not in (None, ""):
            yield label, f"{value:.6g}" if isinstance(value, float) else str(value)


def _limits(results: Results) -> Iterator[str]:
    """What a reader should not conclude from this very run."""
    seeds = len({record.seed for record in results.records if record.system == "sft"})
    if seeds and seeds < _FULL_SEEDS:
        yield (
            f"sft was trained with {seeds} {'seed' if seeds == 1 else 'seeds'}: its intervals hold for these weights "
            f"and do not include the luck of training ({_FULL_SEEDS} or more would)."
        )
    small = {kind: n for kind in results.kinds if (n := _probes(results, kind)) < _FULL_PROBES}
    if small:
        sizes = wording.listed([f"{wording.name(kind)} {n}" for kind, n in small.items()])
        yield f"Families with fewer than {_FULL_PROBES} probes have wide intervals: {sizes}."
    yield "All numbers are of this model, this corpus and these phrasings; another model can turn the order round."
    yield "Probes are made from the corpus's own facts, so an error in the corpus counts as truth here."


def _probes(results: Results, kind: str) -> int:
    return len({record.probe.id for record in results.records if record.probe.kind == kind})
