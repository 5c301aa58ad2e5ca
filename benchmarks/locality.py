"""What injection does to text that it never saw: perplexity of the untouched model and of the trained one, held out.

    python -m benchmarks.locality runs/catalog
    python -m benchmarks.locality runs/catalog --set replay=general.txt --set replay_share=0.25

The texts are documents of another corpus, and pages about things that exist nowhere. With --set, sft is trained once
more with the run's options and these, so that the effect of replay shows beside it; its files are kept in the run's
folder, below systems. Perplexity is exp of the mean over texts of the nats a token, the first token left out.
"""

import argparse
import hashlib
import math
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

import torch

from benchmarks.output import RESULTS, Table, guarded, publish
from benchmarks.probing import positive
from kinject import corpus as corpora
from kinject.errors import OptionError
from kinject.lm.compute import computes
from kinject.lm.local import LocalLM
from kinject.options import fill
from kinject.probes._reading import Coiner, pages
from kinject.stats import clustered_mean
from kinject.study import Run, open_run
from kinject.systems import sft
from kinject.terminal import Display
from kinject.types import Estimate

BASE, GENERATED = "base", "generated pages"
SHIPPED = ("presidents", "catalog")
LONGEST = 512  # tokens of a text
Row = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a finished run with sft, such as runs/catalog")
    parser.add_argument(
        "--text", help="the other corpus: a folder or a shipped name (default: one that is not the run's)"
    )
    parser.add_argument("--n", type=positive, default=45, help="texts of each source (default 45)")
    parser.add_argument("--set", action="append", metavar="KEY=VALUE", dest="settings", help="an option of sft")
    parser.add_argument("--seed", type=int, default=1, help="of the choice of texts (default 1)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON (default: benchmarks/results)")
    options = parser.parse_args(argv)
    run = open_run(options.run)
    texts = held_out(run, options.text, options.n, random.Random(options.seed))
    weights = {BASE: run.model, **trained(run, options.settings or ())}
    nats = {
        name: {source: nats_a_token(model, own) for source, own in texts.items()} for name, model in weights.items()
    }
    rows = [row(name, source, nats) for source in texts for name in weights]
    content = {"seed": options.seed, "set": options.settings or [], "rows": rows}
    publish("locality", run, content, [table(rows)], options.out, date.today())


def held_out(run: Run, other: str | None, n: int, rng: random.Random) -> dict[str, list[str]]:
    """Up to n documents of another corpus, and n generated pages."""
    name = other or next(one for one in SHIPPED if one != run.corpus.name)
    read = corpora.load(corpora.find(name))
    if read.fingerprint() == run.corpus.fingerprint():
        raise OptionError(f"--text {name} is the run's own corpus; name another one")
    documents = rng.sample(read.documents, min(n, len(read.documents)))
    coiner = Coiner((), rng)
    made = [passage for _ in range((n + 1) // 2) for passage in pages(coiner, rng, answered=True).passages]
    return {f"documents of {read.name}": [document.text for document in documents], GENERATED: made[:n]}


def trained(run: Run, settings: Sequence[str]) -> dict[str, LocalLM]:
    """The run's sft and, with settings, one that is trained with these beside the run's own options."""
    if "sft" not in run.systems:
        raise OptionError(f"{run.folder} has no sft; run `kinject study` with it")
    found = {"sft": run.system("sft").model}  # type: ignore[attr-defined]
    if settings:
        given = {setting.partition("=")[0] for setting in settings}
        config = replace(
            run.config("sft"), **{k: v for k, v in asdict(fill(sft.Config, settings)).items() if k in given}
        )
        digest = hashlib.sha256(repr(config).encode()).hexdigest()[:8]
        with Display() as display:
            store = run.folder / "systems" / f"sft-{digest}"
            built = sft.build(run.corpus, store, run.model, config, display)
        found["sft, " + ", ".join(settings)] = built.model
    return found


@computes
def nats_a_token(model: LocalLM, texts: Sequence[str]) -> list[float]:
    """Of each text, the mean negative log-probability of its tokens given those before."""
    found = []
    with model.network() as network, torch.inference_mode():
        for text in texts:
            ids = torch.tensor([model.ids(text)[:LONGEST]], device=network.device)
            logits = network(input_ids=ids, use_cache=False).logits[0, :-1].float()
            found.append(float(torch.nn.functional.cross_entropy(logits, ids[0, 1:])))
    return found


def row(name: str, source: str, nats: dict[str, dict[str, list[float]]]) -> Row:
    """Perplexity, and how many times the untouched model's it is, text by text."""
    own, base = nats[name][source], nats[BASE][source]
    rise = [one - before for one, before in zip(own, base, strict=True)]
    ratio = None if name == BASE else asdict(_exp(rise))
    return {"model": name, "text": source, "perplexity": asdict(_exp(own)), "ratio": ratio}


def table(rows: Sequence[Row]) -> Table:
    body = tuple((r["text"], r["model"], _shown(r["perplexity"]), _shown(r["ratio"])) for r in rows)
    return Table("held-out perplexity", ("text", "model", "perplexity", "times the base's"), body)


def _exp(values: Sequence[float]) -> Estimate:
    mean = clustered_mean(values, range(len(values)))
    return Estimate(*(math.exp(min(number, 700.0)) for number in (mean.value, mean.low, mean.high)), mean.n)


def _shown(estimate: Row | None) -> str:
    return "" if estimate is None else "{value:.3g} [{low:.3g}, {high:.3g}] n {n}".format(**estimate)


if __name__ == "__main__":
    sys.exit(guarded(main))
