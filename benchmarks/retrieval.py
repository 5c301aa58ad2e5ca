"""How often the passage that states the answer is found, without a language model.

    python -m benchmarks.retrieval catalog
    python -m benchmarks.retrieval corpora/presidents --embedder minilm,static --index flat,hnsw --k 1,4

Asked are the test phrasings of the recall probes, about facts that hold now; each is ranked by meaning, by words and by
both. Intervals are by entity. An index is built afresh for each embedder and kind, and compared with an exact search.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

from benchmarks.output import RESULTS, Table, guarded, publish, rate
from benchmarks.probing import positive
from kinject import corpus as corpora
from kinject import stats
from kinject.corpus import Corpus
from kinject.errors import OptionError
from kinject.probes import recall
from kinject.systems import rag
from kinject.systems.rag import building, embed
from kinject.systems.rag.index import Retriever
from kinject.systems.rag.metrics import measured
from kinject.systems.rag.vectors import Choice
from kinject.types import Estimate, Probe

Row = dict[str, Any]
RETRIEVERS: tuple[Retriever, ...] = get_args(Retriever)
KINDS: tuple[Choice, ...] = get_args(Choice)
_SHORT = {"minilm": embed.MINILM}
_NO_MODEL: Any = None


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", help="a corpus folder or a shipped name; it must have both facts and documents")
    parser.add_argument("--n", type=positive, default=1000, help="at most so many questions (default 1000)")
    parser.add_argument("--k", type=listed(positive), default=[1, 3, 5, 10], help="of recall@k (default 1,3,5,10)")
    parser.add_argument(
        "--embedder", type=listed(str), default=[embed.AUTO], help="of auto, minilm, static, a folder or an id"
    )
    parser.add_argument("--index", type=listed(_kind), default=["auto"], help=f"of {', '.join(KINDS)}")
    parser.add_argument("--seed", type=int, default=1, help="of the questions (default 1: not the study's 0)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON (default: benchmarks/results)")
    chosen = parser.parse_args(argv)
    corpus = corpora.load(corpora.find(chosen.corpus))
    probes = recall.make(corpus, chosen.n, random.Random(chosen.seed))
    if not probes:
        raise OptionError(
            f"corpus {corpus.name!r} has no fact that holds now and has test questions: there is nothing to ask"
        )
    names = [_SHORT.get(name, name) for name in chosen.embedder]
    configs = [rag.Config(embedder=name, index=kind) for name in names for kind in chosen.index]
    rows = [measure(corpus, probes, config, chosen.k) for config in configs]
    content = {"seed": chosen.seed, "rows": rows}
    run = SimpleNamespace(corpus=corpus, manifest={"model": None})
    publish("retrieval", run, content, tables(corpus, rows), chosen.out, date.today())


def measure(corpus: Corpus, probes: Sequence[Probe], config: rag.Config, cutoffs: Sequence[int]) -> Row:
    """One index: how it was made, and under each retriever the estimates by metric."""
    with tempfile.TemporaryDirectory(prefix="kinject-retrieval-") as folder:
        system = rag.build(corpus, Path(folder), _NO_MODEL, config)
        made = building.read_made(Path(folder) / "index")
        found = {name: _shares(_by(system, name), corpus, probes, cutoffs) for name in RETRIEVERS}
    return asdict(made) | {"rate": made.rate} | found


def tables(corpus: Corpus, rows: Sequence[Row]) -> list[Table]:
    metrics = list(rows[0][RETRIEVERS[0]])
    quality = [
        (row["embedder"], row["kind"], name, *(rate(Estimate(**row[name][metric])) for metric in metrics))
        for row in rows
        for name in RETRIEVERS
    ]
    made = [
        (row["embedder"], row["kind"], str(row["passages"]), f"{row['rate']:.0f}", f"{100 * row['recall']:.1f} %")
        for row in rows
    ]
    columns = ("embedder", "index", "passages", "embedded a second", "recall@10 against exact search")
    return [
        Table(f"{corpus.name}: passages found", ("embedder", "index", "retriever", *metrics), tuple(quality)),
        Table("indexes", columns, tuple(made)),
    ]


def listed(kind: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    """Values of one kind by commas, for argparse."""

    def values(text: str) -> list[Any]:
        return [kind(part) for part in text.split(",")]

    return values


def _kind(text: str) -> str:
    if text not in KINDS:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(KINDS)}, found {text!r}")
    return text


def _by(system: rag.Rag, retriever: Retriever) -> rag.Rag:
    return replace(system, config=replace(system.config, retriever=retriever))


def _shares(system: rag.Rag, corpus: Corpus, probes: Sequence[Probe], cutoffs: Sequence[int]) -> dict[str, Row]:
    facts = {fact.id: fact for fact in corpus.facts}
    rankings = [system.ranking(probe.question, [facts[id] for id in probe.facts]) for probe in probes]
    values = measured(rankings, cutoffs)
    about = [probe.subject for probe in probes]
    return {metric: asdict(stats.clustered_rate([one[metric] for one in values], about)) for metric in values[0]}


if __name__ == "__main__":
    sys.exit(guarded(main))
