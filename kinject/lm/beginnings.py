"""What a model has read of a prompt, kept so that a prompt which goes on from there is not read again.

A dialogue's next question begins with all that was said before, an agent's next call with its last one, and all prompts
of one system with the same instructions. Knows caches and tokens; runs no model.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import pad
from transformers import Cache, DynamicCache, PretrainedConfig
from transformers.cache_utils import DynamicLayer, LinearAttentionLayer

Ids = tuple[int, ...]

CONV_TOKENS = 256  # inputs of a convolution that are kept of a row: what follows a prompt goes on near its end


@dataclass(frozen=True, eq=False, slots=True)
class Beginning:
    """Tokens and their states, a layer each: keys and values (heads, tokens, size), or a convolution's last inputs.

    `conv_tokens` says how many inputs of convolutions there are, `kernel` how many of them an output needs.
    """

    ids: Ids
    layers: tuple[tuple[torch.Tensor, ...], ...]
    conv_tokens: int
    kernel: int

    @property
    def size_bytes(self) -> int:
        return sum(states.numel() * states.element_size() for layer in self.layers for states in layer)

    def can_be_cut(self, length: int) -> bool:
        """Whether the states after `length` tokens are there; those of convolutions may be kept near the end only."""
        first = len(self.ids) - self.conv_tokens
        return length <= len(self.ids) and (not self.kernel or not first or length >= first + self.kernel)


@dataclass(frozen=True, eq=False, slots=True)
class Share:
    """The first `length` tokens of a beginning, as a row of a batch takes them; none without one."""

    beginning: Beginning | None = None
    length: int = 0


def can_keep(cache: Cache) -> bool:
    """Whether a cache is of layers that are understood here: full attention and short convolutions."""
    return all(type(layer) in (DynamicLayer, LinearAttentionLayer) for layer in cache.layers)


def dealt(shares: Sequence[Share], config: PretrainedConfig) -> DynamicCache:
    """A cache with one row a share, padded on the left to the longest of them, that records what it reads."""
    cache: Any = DynamicCache(config=config)
    cache.activate_past_recording()
    some = next((share.beginning for share in shares if share.beginning is not None), None)
    if some is not None:
        longest = max(share.length for share in shares)
        for place, layer in enumerate(cache.layers):
            if isinstance(layer, LinearAttentionLayer):
                states = torch.stack([_conv(share, place, some) for share in shares])
                layer.update_conv_state(states, conv_kernel_size=some.kernel)
            else:
                layer.update(*(_attention(shares, place, part, longest, some) for part in (0, 1)))
    made: DynamicCache = cache
    return made


def kept(cache: Cache, sequences: Sequence[Ids], shares: Sequence[Share]) -> Iterator[Beginning]:
    """What a recording cache holds of each row of a batch that was read; nothing where states are recurrent."""
    layers: Any = cache.layers
    linear = [layer for layer in layers if isinstance(layer, LinearAttentionLayer)]
    if any(any(layer.is_recurrent_states_initialized.values()) for layer in linear):
        return
    sizes: Any = linear[0].conv_kernel_size if linear else {}
    kernel: int = sizes.get(0, 0)
    for row, (ids, share) in enumerate(zip(sequences, shares, strict=True)):
        # Before what it has read itself, a row knows as many inputs as the kernel is wide.
        known = len(ids) - share.length + min(share.length, kernel)
        conv_tokens = len(ids) if known == len(ids) else min(known, CONV_TOKENS)
        yield Beginning(ids, tuple(_of_row(layer, row, len(ids), conv_tokens) for layer in layers), conv_tokens, kernel)


def stop_recording(cache: Cache) -> None:
    """Narrow the states of convolutions to what the next token needs."""
    layers: Any = cache.layers
    for layer in layers:
        if isinstance(layer, LinearAttentionLayer):
            size: Any = layer.conv_kernel_size[0]
            states: Any = layer.conv_states[0]
            # A copy: decoding writes in place, and what is kept must stay as it was.
            layer.conv_states[0] = pad(states, (max(0, size - states.shape[-1]), 0))[..., -size:].clone()
            layer.record_past = False


def _of_row(layer: Any, row: int, tokens: int, conv_tokens: int) -> tuple[torch.Tensor, ...]:
    if isinstance(layer, LinearAttentionLayer):
        states: Any = layer.conv_states[0]
        return (states[row, :, states.shape[-1] - conv_tokens :],)
    return layer.keys[row, :, -tokens:], layer.values[row, :, -tokens:]


def _conv(share: Share, place: int, some: Beginning) -> torch.Tensor:
    """The inputs before a row's next token, zero before its first: (channels, kernel)."""
    if share.beginning is None:
        return torch.zeros_like(some.layers[place][0][:, :1]).expand(-1, some.kernel)
    own = share.beginning
    end = share.length - (len(own.ids) - own.conv_tokens)
    return pad(own.layers[place][0][:, max(0, end - own.kernel) : end], (max(0, own.kernel - end), 0))


def _attention(shares: Sequence[Share], place: int, part: int, longest: int, some: Beginning) -> torch.Tensor:
    """The keys (part 0) or values of all rows, padded on the left: (rows, heads, longest, size)."""
    own = ((share.beginning or some).layers[place][part][:, : share.length] for share in shares)
    return torch.stack([pad(states, (0, 0, longest - states.shape[1], 0)) for states in own])
