"""What the options of sft are worth: recall, seconds and bits a parameter for every combination of some of them.

Each combination is really trained, on a sample of the corpus's entities, and asked the same recall probes. Differences
between samples of 40 entities are not those of a corpus: read the intervals.

    python -m benchmarks.ablation_sft corpora/catalog --method full,lora --dose 1,4 --epochs 4,8 --entities 40
    python -m benchmarks.ablation_sft corpora/catalog --vary style=diverse,same --vary permute=true,false
"""

import argparse
import itertools
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.output import RESULTS, Table, guarded, publish, rate
from benchmarks.probing import positive, put
from kinject import corpus as corpora
from kinject.corpus import Corpus
from kinject.errors import OptionError
from kinject.grading import Grader
from kinject.lm import open_model
from kinject.lm.local import LocalLM
from kinject.options import fill
from kinject.probes import recall
from kinject.study.measures import of_observations
from kinject.systems import sft
from kinject.systems.sft.exposure import about
from kinject.types import Estimate, Probe

_PROBES = 400


@dataclass(frozen=True)
class Subject:
    """What is measured, for the file that is written."""

    corpus: Corpus
    manifest: dict[str, Any]


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments().parse_args(argv)
    corpus = sample(corpora.load(options.corpus), options.entities, options.seed)
    model = open_model(options.model)
    probes = recall.make(corpus, _PROBES, random.Random(options.seed))
    varied = variations({"method": options.method, "paraphrases": options.dose, "epochs": options.epochs}, options.vary)
    rows = [measure(corpus, model, settings, options.set, probes) for settings in combinations(varied)]
    model.close()
    subject = Subject(corpus, {"model": asdict(model.info)})
    content = {"entities": len(corpus.entities()), "facts": len(corpus.facts), "rows": rows}
    publish("ablation_sft", subject, content, [table(rows, list(varied))], options.out, date.today())


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="folder of a corpus, such as corpora/catalog")
    parser.add_argument("--method", default="full,lora", help="of full, lora and frozen (default: full,lora)")
    parser.add_argument("--dose", default="1,4", help="paraphrases an epoch (default: 1,4)")
    parser.add_argument("--epochs", default="4,8", help="(default: 4,8)")
    parser.add_argument("--vary", action="append", default=[], metavar="OPTION=A,B", help="any other option of sft")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE", help="for every combination")
    parser.add_argument("--entities", type=positive, default=40, help="taught and asked about (default: 40)")
    parser.add_argument("--model", default="mini", help="mini, a folder or a Hugging Face id")
    parser.add_argument("--seed", type=int, default=0, help="of the sample and the probes (default: 0)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON (default: benchmarks/results)")
    return parser


def sample(corpus: Corpus, entities: int, seed: int) -> Corpus:
    names = corpus.entities()
    return about(corpus, random.Random(seed).sample(names, min(entities, len(names))))


def variations(named: dict[str, str], others: Sequence[str]) -> dict[str, list[str]]:
    """The values of each option that is varied. Raises OptionError for one without values."""
    given = [*named.items(), *(tuple(other.split("=", 1)) for other in others)]
    for setting in given:
        if len(setting) != 2 or not all(value.strip() for value in setting[1].split(",")):
            raise OptionError(f"expected OPTION=A,B with a value or more, found {'='.join(setting)!r}")
    return {name: [value.strip() for value in values.split(",")] for name, values in given}


def combinations(varied: dict[str, list[str]]) -> Iterator[dict[str, str]]:
    for values in itertools.product(*varied.values()):
        yield dict(zip(varied, values, strict=True))


def measure(
    corpus: Corpus, model: LocalLM, settings: dict[str, str], fixed: Sequence[str], probes: Sequence[Probe]
) -> dict[str, Any]:
    """Train with these settings in a folder that is thrown away, ask, and sum up."""
    config = fill(sft.Config, [*fixed, *(f"{name}={value}" for name, value in settings.items())])
    with tempfile.TemporaryDirectory(prefix="kinject-ablation-") as folder:
        system = sft.build(corpus, Path(folder), model, config)
        last = sft.curve(Path(folder))[-1]
        records = put(system, "sft", probes, Grader(corpus), config.seed)
        observed = of_observations("sft", sft.diagnose(system, corpus, records))
        bits = {row["metric"]: row for row in observed}
        if config.method != "lora":
            system.model.close()
    found = recall.summarize(records)["accuracy"]
    numbers = {"recall": asdict(found), "seconds": last.seconds, "tokens": last.tokens, "steps": last.step}
    kept = {name: {key: bits[name][key] for key in ("value", "low", "high", "n")} for name in bits}
    return {"settings": settings, "fixed": list(fixed), **numbers, "trained_parameters": system.parameters, **kept}


def table(rows: Sequence[dict[str, Any]], varied: Sequence[str]) -> Table:
    columns = (*varied, "recall", "training", "tokens", "bits stored", "bits a parameter")
    body = tuple(
        (
            *(row["settings"][name] for name in varied),
            rate(Estimate(**row["recall"])),
            f"{row['seconds']:.0f} s",
            f"{row['tokens']:,}",
            f"{row['bits_stored']['value']:,.0f} of {row['bits_of_corpus']['value']:,.0f}",
            f"{row['bits_per_parameter']['value']:.2g}",
        )
        for row in rows
    )
    return Table("sft by its options", columns, body)


if __name__ == "__main__":
    sys.exit(guarded(main))
