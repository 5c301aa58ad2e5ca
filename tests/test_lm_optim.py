"""Mixed-precision optimisation: masters take what bf16 rounds away, and decay keeps matrices in scale."""

import pytest
import torch
from torch import nn

from kinject.lab import pretrain
from kinject.lm.optim import MasterWeights, any_shape, linear


def trained(weight_decay, steps=400):
    """A matrix whose gradient is noise, so that updates lead nowhere and only decay is left to see."""
    torch.manual_seed(0)
    layer = nn.Linear(32, 32, bias=False).to(torch.bfloat16)
    nn.init.constant_(layer.weight, 3.0)
    optimizer = MasterWeights(layer, matrix_lr=0.01, other_lr=0.01, weight_decay=weight_decay)
    for _ in range(steps):
        layer.weight.grad = torch.randn(32, 32).to(torch.bfloat16)
        optimizer.step()
    return float(layer.weight.detach().float().mean())


def test_matrices_decay_by_the_rate_times_the_decay_a_step():
    assert trained(0.0) == pytest.approx(3.0, rel=0.02)
    assert trained(0.5) == pytest.approx(3.0 * (1 - 0.01 * 0.5) ** 400, rel=0.1)


def test_embeddings_and_vectors_do_not_decay():
    model = nn.Sequential(nn.Embedding(4, 8), nn.LayerNorm(8)).to(torch.bfloat16)
    optimizer = MasterWeights(model, matrix_lr=0.1, other_lr=0.1, weight_decay=0.5)
    before = [p.detach().clone() for p in model.parameters()]
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))


def test_updates_too_small_for_bf16_add_up():
    layer = nn.Linear(8, 8, bias=False).to(torch.bfloat16)
    nn.init.ones_(layer.weight)
    optimizer = MasterWeights(layer, matrix_lr=1e-4, other_lr=1e-4)
    for _ in range(400):
        layer.weight.grad = torch.eye(8, dtype=torch.bfloat16)
        optimizer.step()
    assert float(layer.weight[0, 0].detach()) < 1


@pytest.mark.parametrize(("step", "factor"), [(0, 0.1), (9, 1.0), (10, 1.0), (55, 0.5), (100, 0.0), (120, 0.0)])
def test_the_rate_warms_up_and_then_falls_to_the_end(step, factor):
    assert linear(step, 100, warmup=10) == pytest.approx(factor)


def test_the_rate_falls_to_its_floor():
    assert linear(100, 100, warmup=10, floor=0.02) == pytest.approx(0.02)


def test_a_resumed_optimizer_goes_on_as_if_it_had_not_stopped():
    def steps(optimizer, layer, count, seed):
        torch.manual_seed(seed)
        for _ in range(count):
            layer.weight.grad = torch.randn(8, 8).to(torch.bfloat16)
            optimizer.step()

    def fresh():
        torch.manual_seed(1)
        layer = nn.Linear(8, 8, bias=False).to(torch.bfloat16)
        return layer, MasterWeights(layer, matrix_lr=1e-2, other_lr=1e-2, weight_decay=0.1)

    whole, optimizer = fresh()
    steps(optimizer, whole, 5, 2)
    kept = {name: tensor.clone() for name, tensor in optimizer.tensors().items()}
    steps(optimizer, whole, 5, 3)
    resumed, other = fresh()
    other.load(kept)
    steps(other, resumed, 5, 3)
    assert torch.equal(whole.weight, resumed.weight)


@pytest.mark.parametrize("architecture", ["lfm2", "qwen3"])
def test_a_model_for_any_shape_computes_what_it_computed(architecture):
    """And gives its gradients, also where it is in bf16; afterwards it is as it was."""
    config = pretrain.Config(architecture=architecture, layers=2, width=32, heads=2, vocabulary=64)
    model = pretrain.architecture(config, 0, 1)
    ids = torch.tensor([[3, 4, 5, 6, 7]])

    def run():
        model.zero_grad()
        logits = model(input_ids=ids, use_cache=False).logits
        logits.float().square().sum().backward()
        return logits.detach(), model.model.embed_tokens.weight.grad.clone()

    before = run()
    with any_shape(model):
        during = run()
        norms = [part for name, part in model.named_modules() if name.endswith("norm")]
        assert norms
        assert all("forward" in vars(norm) for norm in norms)
    assert [torch.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in zip(before, during, strict=True)] == [True, True]
    assert not [name for name, part in model.named_modules() if "forward" in vars(part)]
    model.bfloat16()
    with any_shape(model):
        assert run()[0].dtype == torch.bfloat16
