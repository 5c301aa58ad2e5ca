"""Whether a model's hidden states still carry their tokens: how long they are, layer by layer, beside the embeddings.

    python -m benchmarks.hidden_scale mini
    python -m benchmarks.hidden_scale runs/mini --lessons 50

bf16 keeps eight bits. Where a hidden state is hundreds of times longer than an embedding, what a token is has been
rounded away, and nothing can be copied from there. Matrices whose updates only ever add up end up so.
"""

import argparse
import random
import statistics
import sys
from collections import defaultdict

import torch

from benchmarks.output import Table, guarded
from kinject.lab import encoding, lessons
from kinject.lm.loading import load

LEVEL = lessons.LEVELS[3]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="mini, a folder or a Hugging Face id")
    parser.add_argument("--lessons", type=int, default=20, help="reading lessons that are looked at")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    print(measure(chosen.model, chosen.lessons, chosen.seed).markdown())


def measure(name: str, count: int, seed: int) -> Table:
    """Means over the tokens of `count` reading lessons, with the smallest and the largest lesson in brackets."""
    loaded = load(name, "cpu")
    rng = random.Random(seed)
    lengths: dict[int, list[float]] = defaultdict(list)
    alike: dict[int, list[float]] = defaultdict(list)
    for _ in range(count):
        lesson = lessons.of_ability(rng, "reading", LEVEL)
        ids = loaded.tokenizer("".join(piece.text for piece in encoding.render(lesson)), add_special_tokens=False)
        with torch.no_grad():
            states = loaded.model(
                input_ids=torch.tensor([ids["input_ids"]]), use_cache=False, output_hidden_states=True
            ).hidden_states
        for layer, state in enumerate(states[:-1]):  # the last one is normalised
            lengths[layer].append(float(state[0].float().norm(dim=-1).mean()))
            alike[layer].append(float(torch.cosine_similarity(state[0].float(), states[0][0].float(), dim=-1).mean()))
    rows = tuple((_place(layer), _range(lengths[layer], "{:.1f}"), _range(alike[layer], "{:.2f}")) for layer in lengths)
    columns = ("after", "length of a hidden state", "cosine with its embedding")
    return Table(f"{name}, {count} lessons", columns, rows)


def _place(layer: int) -> str:
    return f"layer {layer}" if layer else "embedding"


def _range(values: list[float], form: str) -> str:
    middle, low, high = (form.format(f(values)) for f in (statistics.mean, min, max))
    return f"{middle} [{low}, {high}]"


if __name__ == "__main__":
    sys.exit(guarded(main))
