"""Blocks of text keyed by the model that reads them: the mean of their hidden states at one layer.

What landmark attention (Mohtashami & Jaggi, arXiv:2305.16300) retrieves by, without what makes it work there: no
landmark token was trained to stand for its block, and blocks are chosen once, before the model reads, rather than anew
by every head at every layer. A block is read again with the question, and not from a cache of its keys and values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from kinject.errors import ModelError
from kinject.lm.compute import computes
from kinject.lm.local import LocalLM

Vectors = NDArray[np.float32]

_FILE = "keys.safetensors"
_SHORTEST = 1e-6


@dataclass(frozen=True, eq=False)
class Keys:
    """`blocks` [blocks, width] have length 1; `asked` [width] is the mean of questions as the model reads them.

    Blocks and questions are centred each by their own mean: what all of them have in common outweighs what they say.
    """

    blocks: Vectors
    asked: Vectors

    @classmethod
    def of(cls, blocks: Vectors, questions: Vectors) -> "Keys":
        return cls(_unit(blocks - blocks.mean(axis=0)), questions.mean(axis=0))

    @classmethod
    def load(cls, folder: Path) -> "Keys":
        return cls(**load_file(folder / _FILE))

    def save(self, folder: Path) -> None:
        save_file({"blocks": self.blocks, "asked": self.asked}, folder / _FILE)

    def scores(self, question: Vectors) -> Vectors:
        """The cosine of one question's hidden state [width] with every block's."""
        found: Vectors = self.blocks @ _unit(question - self.asked)
        return found


@computes
def hidden(model: LocalLM, texts: Sequence[str], layer: int) -> Vectors:
    """The mean hidden state of each text after `layer` layers, 0 being its embeddings: [texts, width].

    Raises ModelError for a layer that the model does not have.
    """
    rows = []
    # One by one: padding would change what a convolution sees.
    with model.network() as network, torch.no_grad():
        for text in texts:
            ids = torch.tensor([model.ids(text)], device=network.device)
            states = network(input_ids=ids, use_cache=False, output_hidden_states=True).hidden_states
            if layer >= len(states):
                raise ModelError(f"no layer={layer}: the model has layers 0 to {len(states) - 1}")
            rows.append(states[layer][0].float().mean(dim=0).cpu().numpy())
    return np.stack(rows)


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Vectors = (vectors / np.maximum(lengths, _SHORTEST)).astype(np.float32)
    return scaled
