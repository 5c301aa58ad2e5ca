"""Does instruction tuning inject facts, or activate what is there? The same questions without and with their document.

    python -m benchmarks.activation catalog --entities 40
    python -m benchmarks.activation presidents --n 60 --set sft.epochs=12 --set ift.tasks=tasks.json

Three models: the untouched one, one tuned on instructions that state no fact of the corpus (ift), and one trained on
the facts (sft). Each is asked closed-book and then with the right document in context. What is injected shows without
a document; what is activated shows only with one.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.output import RESULTS, Table, guarded, publish, rate
from benchmarks.probing import positive, put
from kinject import corpus as corpora
from kinject import plugins
from kinject.corpus import Corpus
from kinject.errors import OptionError
from kinject.grading import Grader
from kinject.lm import open_model
from kinject.lm.base import LM
from kinject.options import fill
from kinject.probes import recall
from kinject.stats import paired_difference
from kinject.store import record_to_row
from kinject.systems import closed_book, oracle
from kinject.terminal import Display
from kinject.types import Estimate, Outcome, Probe, Record

TUNED = ("ift", "sft")
CLOSED, OPEN = "closed-book", "with the document"
METRICS = ("accuracy", "attempt_rate")


@dataclass(frozen=True)
class Measured:
    """What is published: records by model and condition."""

    corpus: Corpus
    manifest: dict[str, Any]
    records: dict[tuple[str, str], list[Record]] = field(default_factory=dict)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", help="a corpus folder or a shipped name")
    parser.add_argument("--entities", type=positive, default=40, help="entities, drawn (default 40)")
    parser.add_argument("--n", type=positive, default=80, help="questions (default 80)")
    parser.add_argument("--model", default="mini", help="mini, a Hugging Face id or a folder (default mini)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="SYSTEM.KEY=VALUE", help="an option of ift or sft"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the entities and the questions (default 1)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON (default: benchmarks/results)")
    options = parser.parse_args(argv)
    rng = random.Random(options.seed)
    corpus = sample(corpora.load(corpora.find(options.corpus)), options.entities, rng)
    configs = settled(options.set)
    probes = recall.make(corpus, options.n, rng)
    model = open_model(options.model)
    with tempfile.TemporaryDirectory(prefix="kinject-activation-") as folder:
        found = measure(corpus, model, configs, probes, Path(folder))
    shares = summarize(found)
    content = {
        "entities": len(corpus.entities()),
        "seed": options.seed,
        "systems": {name: asdict(config) for name, config in configs.items()},
        "rows": shares,
        "records": [record_to_row(record) for records in found.records.values() for record in records],
    }
    publish("activation", found, content, tables(found, shares), options.out, date.today())


def sample(corpus: Corpus, entities: int, rng: random.Random) -> Corpus:
    """The facts of some entities and the documents that state them."""
    known = corpus.entities()
    chosen = set(rng.sample(known, min(entities, len(known))))
    facts = tuple(fact for fact in corpus.facts if fact.subject in chosen)
    told = {fact.document_id for fact in facts}
    return replace(corpus, facts=facts, documents=tuple(page for page in corpus.documents if page.id in told))


def settled(settings: Sequence[str]) -> dict[str, Any]:
    """The options of the systems that are trained."""
    wanted: dict[str, list[str]] = {name: [] for name in TUNED}
    for setting in settings:
        system, _, option = setting.partition(".")
        if system not in wanted:
            raise OptionError(f"no setting {setting!r}: write SYSTEM.KEY=VALUE for one of {', '.join(TUNED)}")
        wanted[system].append(option)
    return {name: fill(_plugin(name).Config, options) for name, options in wanted.items()}


def measure(corpus: Corpus, model: LM, configs: dict[str, Any], probes: Sequence[Probe], folder: Path) -> Measured:
    """Train in a folder that is thrown away, and ask every model the very same questions twice."""
    found = Measured(corpus, {"model": asdict(model.info)})
    grader, weights = Grader(corpus), {"base": model}
    with Display() as display:
        for name, config in configs.items():
            weights[name] = _plugin(name).build(corpus, folder / name, model, config, display).model
    for name, lm in weights.items():
        asked = {
            CLOSED: closed_book.build(corpus, folder, lm, closed_book.Config()),
            OPEN: oracle.build(corpus, folder, lm, oracle.Config()),
        }
        for condition, system in asked.items():
            found.records[name, condition] = put(system, name, probes, grader, 0)
    return found


def summarize(found: Measured) -> list[dict[str, Any]]:
    """Accuracy and attempts of every model in both conditions, and tuned less base on the same questions."""
    rows = []
    for (name, condition), records in found.records.items():
        of_all = recall.summarize(records)
        own = {metric: of_all[metric] for metric in METRICS}
        if name != "base":
            own["accuracy_less_base"] = _difference(records, found.records["base", condition])
        rows += [{"model": name, "condition": condition, "metric": m, **asdict(e)} for m, e in own.items()]
    return rows


def tables(found: Measured, rows: Sequence[dict[str, Any]]) -> list[Table]:
    models = tuple(dict.fromkeys(row["model"] for row in rows))
    cells = {
        (row["condition"], row["metric"], row["model"]): rate(Estimate(row["value"], row["low"], row["high"], row["n"]))
        for row in rows
    }
    lines = dict.fromkeys((row["condition"], row["metric"]) for row in rows)
    ordered = sorted(lines, key=lambda line: line[0] != CLOSED)
    body = tuple((*line, *(cells.get((*line, model), "") for model in models)) for line in ordered)
    title = f"{found.corpus.name}: {len(found.corpus.entities())} entities"
    return [Table(title, ("condition", "metric", *models), body)]


def _difference(records: Sequence[Record], base: Sequence[Record]) -> Estimate:
    right = [[float(r.verdicts[0].outcome is Outcome.CORRECT) for r in some] for some in (records, base)]
    return paired_difference(*right, [record.probe.subject for record in records])


def _plugin(name: str) -> ModuleType:
    return plugins.load("kinject.systems", name)


if __name__ == "__main__":
    sys.exit(guarded(main))
