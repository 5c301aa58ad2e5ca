"""How fast the recipe of mini trains beside what the machine can multiply, and how its abilities came.

    python -m benchmarks.pretraining speed
    python -m benchmarks.pretraining speed --workers 1 2 --tokens 200000
    python -m benchmarks.pretraining curve mini

Speed trains a fresh model of the recipe's sizes for a while, with each number of processes in turn, and says what
share of the padded tokens was text: lessons are sorted by length into batches, so that little is padding. Curve prints
the running scores that training wrote: teacher-forced, on lessons of the hardest level and the easier ones in between,
so they stand higher than the exam's.
"""

import argparse
import json
import math
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import training
from benchmarks.output import Table, guarded, machine
from benchmarks.probing import positive
from kinject.errors import OptionError
from kinject.lab import encoding, lessons, pretrain
from kinject.lab.batches import collate, grouped
from kinject.lm.loading import find_device, find_dtype, find_folder, load

_ABILITIES = (
    "reading",
    "abstaining",
    "reading_dated",
    "holding",
    "tool_call",
    "tool_dated_call",
    "tool_chain_call",
    "tool_aggregate_call",
)
_DRAW = 96  # lessons at a time: the rate is taken between draws
_HARDEST = len(lessons.LEVELS) - 1


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(dest="part", required=True)
    speed = parts.add_parser("speed", help="tokens a second and the share of the matmul rate")
    speed.add_argument("--workers", type=positive, nargs="+", default=[1, 2], help="numbers of processes")
    speed.add_argument("--tokens", type=positive, default=150_000, help="tokens that are read by each")
    curve = parts.add_parser("curve", help="ability against tokens")
    curve.add_argument("model", help="mini or a folder that pretrain wrote")
    curve.add_argument("--rows", type=positive, default=12)
    chosen = parser.parse_args(argv)
    if chosen.part == "speed":
        print(f"{machine()['processor']}, {machine()['cores']} cores, load {machine()['load_average']:.1f}\n")
        print(measure(chosen.workers, chosen.tokens).markdown())
    else:
        print(against_tokens(chosen.model, chosen.rows).markdown())


def measure(workers: Sequence[int], tokens: int, config: pretrain.Config | None = None) -> Table:
    """Tokens a second of the recipe at its hardest level; the rate of plain products is measured before each."""
    config = config or pretrain.Config()
    config = replace(config, draw=_DRAW, tokens=tokens, pace=0.0, checkpoint_s=float("inf"))
    device = find_device("auto")
    model = pretrain.architecture(config, 0, 1).to(device, find_dtype(device))
    rows = [_row(replace(config, workers=n), model) for n in workers]
    columns = ("processes", "tokens/s", "text share of padded", "FLOP a token", "matmul FLOP/s", "share of it")
    return Table(f"Pretraining, {tokens} tokens each", columns, tuple(rows))


def _row(config: pretrain.Config, model: pretrain.Network) -> tuple[str, ...]:
    text, learnt = _shares(config)
    flop = training.flop_per_token(model, learnt)
    rate = training.matmul_rate(model, config.batch_tokens)
    with tempfile.TemporaryDirectory(prefix="kinject-speed-") as folder:
        made = pretrain.run(config, Path(folder) / "model")
        curve = _rows(made.with_name("model.work") / pretrain.CURVE)
    opened = [row for row in curve if row["level"] == _HARDEST]
    if len(opened) < 2:
        raise OptionError(
            f"--tokens {config.tokens} ends before the second draw of {config.draw} hard lessons; give more"
        )
    per_s = (opened[-1]["tokens"] - opened[0]["tokens"]) / (opened[-1]["seconds"] - opened[0]["seconds"])
    share = per_s * flop / rate
    return (str(config.workers), f"{per_s:.0f}", f"{text:.2f}", f"{flop:.3g}", f"{rate:.3g}", f"{share:.2f}")


def _shares(config: pretrain.Config) -> tuple[float, float]:
    """The share of padded tokens that is text, and the share of the text whose next token is predicted, of a worker.

    On lessons of the hardest level, drawn and sorted into batches as the recipe does.
    """
    fast = load("mini", "cpu").tokenizer
    rng = random.Random(0)
    drawn = [lessons.draw(rng, _HARDEST) for _ in range(pretrain.Config().draw // config.workers)]
    encoded = encoding.encode(fast.backend_tokenizer, drawn)
    groups = grouped(encoded, config.batch_tokens // config.workers, config.longest)
    batches = [collate(rng, group, 0, config.prompt_weight, config.prompt_share) for group in groups]
    text = sum(batch.tokens for batch in batches)
    predicted = sum(len(batch.positions) for batch in batches)
    return text / sum(batch.ids.size for batch in batches), predicted / text


def against_tokens(name: str, count: int) -> Table:
    path = find_folder(name) / pretrain.CURVE
    if not path.is_file():
        raise OptionError(f"found no {path}; give mini or a folder that pretrain wrote")
    rows = _rows(path)
    every = max(1, math.ceil((len(rows) - 1) / max(1, count - 1)))
    kept = [row for n, row in enumerate(rows) if n % every == 0 or n == len(rows) - 1]
    cells = tuple(
        (f"{row['tokens'] / 1e6:.1f} M", *(_percent(row["exact"].get(ability)) for ability in _ABILITIES))
        for row in kept
    )
    return Table(f"{name}: running scores in %", ("tokens", *(a.replace("_", " ") for a in _ABILITIES)), cells)


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f}"


if __name__ == "__main__":
    sys.exit(guarded(main))
