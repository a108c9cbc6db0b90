"""The network of the trial of tied weights, benchmarks/tied.py."""

import sys
from pathlib import Path

import torch
from torch import nn

from pnp_course.denoisers.drunet import DRUNet
from pnp_course.training.presets import TINY_NET

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
from tied import TiedDRUNet


def network() -> nn.Module:
    torch.manual_seed(0)
    return TiedDRUNet(**TINY_NET | {"blocks": 2}).double()


def asymmetry(net: nn.Module) -> float:
    """max |J - J^T| / max |J| at a random picture."""
    x = torch.rand(1, 3, 8, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    jacobian = torch.autograd.functional.jacobian(lambda z: net(z, 0.1), x).reshape(x.numel(), x.numel())
    return float((jacobian - jacobian.T).abs().max() / jacobian.abs().max())


def without_activations(net: nn.Module) -> nn.Module:
    for module in list(net.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU):
                setattr(module, name, nn.Identity())
    return net


def test_with_identities_for_the_activations_it_is_symmetric():
    assert asymmetry(without_activations(network())) < 1e-12


def test_with_its_activations_it_is_not():
    assert asymmetry(network()) > 1e-3


def test_the_way_up_has_no_weights_of_its_own():
    net, twice = network(), TINY_NET | {"blocks": 2}
    free = sum(p.numel() for p in DRUNet(**twice).parameters())
    assert sum(p.numel() for p in net.parameters()) < 0.51 * free
