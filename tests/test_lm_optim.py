"""Mixed-precision optimisation: masters take what bf16 rounds away, and decay keeps matrices in scale."""

import pytest
import torch
from torch import nn

from kinject.lm.optim import MasterWeights, one_cycle


def trained(weight_decay, steps=200):
    torch.manual_seed(0)
    layer = nn.Linear(32, 32, bias=False).to(torch.bfloat16)
    optimizer = MasterWeights(layer, matrix_lr=0.02, other_lr=0.02, weight_decay=weight_decay)
    for _ in range(steps):
        layer.weight.grad = torch.ones(32, 32, dtype=torch.bfloat16) + 0.1 * torch.randn(32, 32).to(torch.bfloat16)
        optimizer.step()
    return layer.weight.detach().float()


def test_weight_decay_bounds_a_matrix_whose_gradient_never_turns():
    spectral = {decay: float(torch.linalg.matrix_norm(trained(decay), 2)) for decay in (0.0, 1.0)}
    # An update's spectral norm is 0.2 * sqrt(32) times the rate; decay holds the sum of all of them at that of one.
    assert spectral[1.0] < 1.5 * 0.2 * 32**0.5
    assert spectral[0.0] > 2 * spectral[1.0]


def test_updates_too_small_for_bf16_add_up():
    layer = nn.Linear(8, 8, bias=False).to(torch.bfloat16)
    nn.init.ones_(layer.weight)
    optimizer = MasterWeights(layer, matrix_lr=1e-4, other_lr=1e-4)
    for _ in range(400):
        layer.weight.grad = torch.eye(8, dtype=torch.bfloat16)
        optimizer.step()
    assert float(layer.weight[0, 0].detach()) < 1


@pytest.mark.parametrize(("step", "factor"), [(0, 0.1), (9, 1.0), (70, 1.0), (85, 0.5), (100, 0.0)])
def test_the_rate_warms_up_stays_and_decays(step, factor):
    assert one_cycle(step, 100, warmup=10) == pytest.approx(factor)
