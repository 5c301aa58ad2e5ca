"""Start mini's weights near what they have to become: able to copy.

Copying is done by induction heads (Olsson et al., arXiv:2209.11895), and a small model on little data spends most of
its training on finding them. Structured initialization gives them from the start (mimetic initialization, Trockman and
Kolter, arXiv:2305.09828): the first convolution writes the two tokens before each position beside it, and the first
attention looks for a position whose two predecessors are the current tokens, and copies what stands there. The last
attention copies whatever it looks at; where it has to look is learnt (`pointers`). Nothing here depends on data, and
gradient descent is free to change all of it.
"""

from typing import Any

import torch
from torch import nn

# A module of transformers' LFM2, whose parts torch's types do not know.
Module = Any

EMBEDDING_STD = 0.5  # token identity must not drown in what the layers add
LOGIT_STD = 0.06  # scale of the final norm: logits of a fresh model have a deviation of about 1
SHARPNESS = 1.5  # weights of the query and key norms where tokens are matched
COPYING = 1.5  # how much larger than what it read the last attention writes: it has to outweigh the layers before it
SECOND = 1.0  # weight of the token before the last in a match: every other token is a space


def _rows(count: int, width: int) -> torch.Tensor:
    """Orthonormal rows [count, width], or orthonormal columns where count > width."""
    return nn.init.orthogonal_(torch.empty(count, width))


@torch.no_grad()
def prepare(model: Module) -> None:
    """Re-initialise a fresh LFM2 whose layers alternate convolution and attention, in float32."""
    parts: dict[str, Module] = dict(model.named_modules())
    embedding = model.get_input_embeddings().weight
    embedding.normal_(0, EMBEDDING_STD)
    # One large coordinate, equal for all tokens: a constant from which the convolution's gates can be held open.
    embedding[:, 0] = 8 * EMBEDDING_STD
    parts["model.embedding_norm"].weight.fill_(LOGIT_STD / EMBEDDING_STD)
    for name, part in parts.items():
        if name.endswith(("out_proj", "feed_forward.w2")):
            part.weight.zero_()  # every block starts as the identity
    _write_predecessors(parts["model.layers.0.conv"], embedding.shape[1])
    _match_and_copy(parts["model.layers.1.self_attn"], parts["model.layers.0.conv"])
    for i, kind in enumerate(model.config.layer_types):
        if kind == "full_attention" and i > 1:
            _match_same(parts[f"model.layers.{i}.self_attn"])
    last = max(i for i, kind in enumerate(model.config.layer_types) if kind == "full_attention")
    if last > 1:
        _copy(parts[f"model.layers.{last}.self_attn"], COPYING)


def _write_predecessors(conv: Module, width: int) -> None:
    """Half of the channels carry the token before, half the one before that, in subspaces of their own."""
    half, rms = width // 2, (1 + 63 / width) ** 0.5
    tokens = _rows(half, width)
    tokens[:, 0] = 0
    weight = 0.01 * torch.randn(3 * width, width)
    weight[: 2 * width, 0] = rms / 8  # both gates at 1
    weight[2 * width :] = torch.cat([tokens, tokens])
    conv.in_proj.weight.copy_(weight)
    conv.conv.weight.zero_()
    conv.conv.weight[:half, 0, -2] = 1
    conv.conv.weight[half:, 0, -3] = 1
    conv.out_proj.weight.copy_(EMBEDDING_STD * _rows(width, width))


def _match_and_copy(attention: Module, conv: Module) -> None:
    """Keys hold a position's two predecessors, queries the current two tokens, values the token itself."""
    written = conv.out_proj.weight
    width, half = written.shape[0], written.shape[0] // 2
    first, second = written[:, :half].T / EMBEDDING_STD, written[:, half:].T / EMBEDDING_STD
    tokens = conv.in_proj.weight[2 * width : 2 * width + half]
    size = attention.head_dim
    groups = attention.k_proj.weight.shape[0] // size
    repeats = attention.q_proj.weight.shape[0] // size // groups
    _copy(attention, 2 * EMBEDDING_STD)
    for group in range(groups):
        near, far = _rows(size, half), SECOND * _rows(size, half)
        own = slice(group * size, (group + 1) * size)
        attention.k_proj.weight[own] = near @ first + far @ second
        for repeat in range(repeats):
            head = slice((group * repeats + repeat) * size, (group * repeats + repeat + 1) * size)
            attention.q_proj.weight[head] = near @ tokens + far @ first
    attention.q_layernorm.weight.fill_(SHARPNESS)
    attention.k_layernorm.weight.fill_(SHARPNESS)


def _copy(attention: Module, gain: float) -> None:
    """Values hold as much of a token as there is room for, and come out as they went in, `gain` times as large."""
    size, width = attention.head_dim, attention.q_proj.weight.shape[1]
    groups = attention.k_proj.weight.shape[0] // size
    repeats = attention.q_proj.weight.shape[0] // size // groups
    values = _rows(groups * size, width)
    values[:, 0] = 0
    attention.v_proj.weight.copy_(values)
    for head in range(groups * repeats):
        own = slice(head // repeats * size, (head // repeats + 1) * size)
        attention.out_proj.weight[:, head * size : (head + 1) * size] = gain / repeats * values[own].T


def _match_same(attention: Module) -> None:
    """Later attention starts by looking at equal tokens: a name in a passage sees the name in the question."""
    size, width = attention.head_dim, attention.q_proj.weight.shape[1]
    groups = attention.k_proj.weight.shape[0] // size
    repeats = attention.q_proj.weight.shape[0] // size // groups
    for group in range(groups):
        shared = _rows(size, width)
        attention.k_proj.weight[group * size : (group + 1) * size] = shared
        for repeat in range(repeats):
            head = slice((group * repeats + repeat) * size, (group * repeats + repeat + 1) * size)
            attention.q_proj.weight[head] = shared + torch.randn(size, width) / 32
