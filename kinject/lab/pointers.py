"""Train attention heads to look where the answer stands: supervised attention (Mi et al., arXiv:1608.00112).

Train also what they find there: before the last attention, the place where a value begins has to hold the name of the
attribute that a sentence states in other words (deep supervision, Lee et al., arXiv:1409.5185).

The gradient that reaches an attention head through the next token is scaled by the attention that it already pays, so a
head that has to find one place among hundreds learns nothing for millions of tokens. Lessons know the place, and the
cross-entropy between a head's attention and that place has a full gradient from the first step. What is trained stays
a plain causal model: nothing of this is left in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from kinject.lab.encoding import Encoded, Link

# A PreTrainedModel or a part of one, of which transformers leaves half the methods untyped.
Network = Any
Array = NDArray[Any]  # what processes send each other: a tensor costs them more
_NAME = "kinject_recorded"
_NEVER = -1e9
_NAMING_SCALE = 4.0  # of scores: a part of what is known is enough, since a place has to know its value too


@dataclass(frozen=True, slots=True)
class Pointers:
    """Links of a batch: `positions` and `weights` [rows, links], 0 for padding; `targets` [3, targets of all links].

    A target is a row, the number of a link in it and the position to look at.
    """

    positions: Array
    targets: Array
    weights: Array


@dataclass(frozen=True, slots=True)
class Names:
    """The names in a batch, and where values of what they name begin.

    Tokens `ids` [names, tokens] with weights `spelled`, 0 for padding; flat `positions` [values] in the batch, and
    `labels` [values], the row of `ids` that is the name.
    """

    ids: Array
    spelled: Array
    positions: Array
    labels: Array


@dataclass(frozen=True, slots=True)
class Supervision:
    """What heads of two layers should look at, and what should be known where they look."""

    copies: Pointers
    ahead: Pointers
    beyond: Pointers
    owners: Pointers
    cues: Pointers
    names: Names


def collate(group: Sequence[Encoded], length: int) -> Supervision:
    """What lessons, which become rows of this length, say of where to look."""
    return Supervision(
        _padded([e.copies for e in group]),
        _padded([e.ahead for e in group]),
        _padded([e.beyond for e in group]),
        _padded([e.owners for e in group]),
        _padded([e.cues for e in group]),
        _numbered(group, length),
    )


def placed(array: Array, device: torch.device) -> torch.Tensor:
    """The array as a tensor on the device; what an accelerator is doing is not waited for."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


def _numbered(group: Sequence[Encoded], length: int) -> Names:
    """Each name once, shorter ones padded."""
    found = [(row * length + name.position, name.ids) for row, e in enumerate(group) for name in e.names]
    numbers = {ids: n for n, ids in enumerate(dict.fromkeys(ids for _, ids in found))}
    names = list(numbers) or [(0,)]
    longest = max(map(len, names))
    return Names(
        np.array([[*name, *[0] * (longest - len(name))] for name in names]),
        np.array([[1 / len(name)] * len(name) + [0.0] * (longest - len(name)) for name in names], dtype=np.float32),
        np.array([position for position, _ in found], dtype=np.int64),
        np.array([numbers[ids] for _, ids in found], dtype=np.int64),
    )


def _padded(rows: Sequence[Sequence[Link]]) -> Pointers:
    most = max(1, *map(len, rows))
    positions = np.zeros((len(rows), most), dtype=np.int64)
    weights = np.zeros((len(rows), most), dtype=np.float32)
    targets: list[tuple[int, int, int]] = []
    for row, links in enumerate(rows):
        positions[row, : len(links)] = [link.position for link in links]
        weights[row, : len(links)] = [link.weight for link in links]
        targets += [(row, n, target) for n, link in enumerate(links) for target in link.targets]
    return Pointers(positions, np.array(targets, dtype=np.int64).reshape(-1, 3).T.copy(), weights)


class Recorder:
    """Keeps the queries and keys of a model's attention layers during a forward pass, and what enters the last one."""

    def __init__(self, model: Network) -> None:
        self._entered = torch.empty(0)
        self._seen: dict[int, tuple[torch.Tensor, torch.Tensor, float]] = {}
        self._model, self._before = model, model.config._attn_implementation
        self._layers = [i for i, kind in enumerate(_kinds(model)) if kind == "full_attention"]
        layers = model.get_decoder().layers
        self._hook = layers[self._layers[-1]].self_attn.register_forward_pre_hook(self._enter, with_kwargs=True)
        AttentionInterface.register(_NAME, self._attend)
        AttentionMaskInterface.register(_NAME, sdpa_mask)
        model.set_attn_implementation(_NAME)

    def _attend(
        self, module: Network, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: Any, **options: Any
    ) -> tuple[torch.Tensor, None]:
        self._seen[module.layer_idx] = (query, key, module.scaling)
        return sdpa_attention_forward(module, query, key, value, mask, **options)

    def _enter(self, module: Network, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        self._entered = options["hidden_states"]

    def loss(self, wanted: Supervision) -> torch.Tensor:
        """Mean cross-entropies, in nats, added up.

        The heads of the last attention layer look at what is copied, half of the middle one's at owners and the others
        at cues, so that the last can match both at once. While copying, they look ahead: a place in the context knows
        what came before it, and whether a copy ends is told by what comes after it.
        """
        last, middle = self._layers[-1], self._layers[(len(self._layers) - 1) // 2]
        seen, (query, key, scaling) = self._seen[last], self._seen[middle]
        half, groups = query.shape[1] // 2, max(1, key.shape[1] // 2)
        one, other = (query[:, :half], key[:, :groups], scaling), (query[:, -half:], key[:, -groups:], scaling)
        values = self._of(one, wanted.owners) + self._of(other, wanted.cues)
        return self._of(seen, wanted.copies) + values + self._of(one, wanted.ahead) + self._of(other, wanted.beyond)

    def _of(self, seen: tuple[torch.Tensor, torch.Tensor, float], wanted: Pointers) -> torch.Tensor:
        """Of heads with these queries [rows, heads, length, size] and keys of as many or fewer heads."""
        query, key, scaling = seen
        rows, heads, length, size = query.shape
        positions = placed(wanted.positions, query.device)
        at = positions[:, None, :, None].expand(rows, heads, positions.shape[1], size)
        keys = key.repeat_interleave(heads // key.shape[1], dim=1)
        scores = (query.gather(2, at) @ keys.transpose(-1, -2)).float() * scaling
        later = torch.arange(length, device=query.device) > positions[..., None]
        attention = scores.masked_fill(later[:, None], _NEVER).log_softmax(-1)
        targets = torch.zeros(later.shape, dtype=torch.bool, device=query.device)
        targets[placed(wanted.targets, query.device).unbind()] = True
        found = attention.masked_fill(~targets[:, None], _NEVER).logsumexp(-1).mean(1)
        weights = placed(wanted.weights, query.device)
        return -(found * weights).sum() / weights.sum().clamp(min=1)

    def naming(self, names: Names) -> torch.Tensor:
        """Mean cross-entropy, in nats, of telling a value's attribute among those of the batch.

        A name is the mean of its tokens' embeddings, which stay as they are: the place has to come to them.
        """
        if not len(names.positions):
            return torch.zeros((), device=self._entered.device)
        device = self._entered.device
        embedded = self._model.get_input_embeddings().weight.detach()[placed(names.ids, device)]
        wanted = (embedded * placed(names.spelled, device).to(embedded.dtype)[..., None]).sum(1)
        known = self._entered.flatten(0, 1)[placed(names.positions, device)]
        scores = (known @ wanted.T).float() * (_NAMING_SCALE / wanted.shape[1] ** 0.5)
        return F.cross_entropy(scores, placed(names.labels, device))

    def close(self) -> None:
        """The model attends as it did before."""
        self._hook.remove()
        self._model.set_attn_implementation(self._before)


def _kinds(model: Network) -> Sequence[str]:
    kinds: Sequence[str] | None = getattr(model.config, "layer_types", None)
    return kinds or ["full_attention"] * model.config.num_hidden_layers
