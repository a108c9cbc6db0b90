"""Small denoisers of every kind with their exact Jacobians, and the maps built from a Jacobian."""

import torch

from pnp_course.denoisers import DRUNet, GradientStep, averaged
from pnp_course.denoisers.dncnn import FFDNet
from pnp_course.jacobian import (
    affine,
    antisymmetry,
    cocoercivity,
    pseudo_contraction,
    strict_pseudo_contraction,
    symmetric_part,
)


def make(activation, seed=0):
    torch.manual_seed(seed)
    return DRUNet(1, (4, 6, 8, 8), 1, activation).double()


def biased():
    """FFDNet has biases: its gated network is affine, not linear."""
    torch.manual_seed(3)
    net = FFDNet(1, width=8, depth=4).double()
    for name, p in net.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(p, std=0.3)
    return net


DENOISERS = {
    "elu": lambda: make("elu"), "relu": lambda: make("relu"), "biased": biased,
    "gradient step": lambda: GradientStep(make("elu")), "averaged": lambda: averaged(make("relu"), 0.3),
}  # fmt: skip


def with_jacobians(kind):
    """A denoiser of this kind, three images, and the exact Jacobians."""
    denoiser = DENOISERS[kind]()
    x = torch.rand(3, 1, 8, 8, dtype=torch.float64)
    matrices = [
        torch.autograd.functional.jacobian(lambda z: denoiser(z, 0.1), x[i : i + 1]).reshape(64, 64) for i in range(3)
    ]
    return denoiser, x, torch.stack(matrices)


EYE = torch.eye(64, dtype=torch.float64)
MAPS = {
    "asymmetry": (antisymmetry, lambda j: j - j.mT),
    "symmetric part": (symmetric_part, lambda j: (j + j.mT) / 2),
    "cocoercivity": (lambda lin: cocoercivity(lin, 0.25), lambda j: 0.5 * j - EYE),
    "residual": (lambda lin: affine(lin, 1, -1), lambda j: EYE - j),
    "strict": (lambda lin: strict_pseudo_contraction(lin, 0.7), lambda j: 0.7 * EYE + 0.3 * j),
    "pseudo": (
        lambda lin: pseudo_contraction(lin, 10), lambda j: torch.linalg.solve(j - 10 * EYE, j + 8 * EYE)
    ),
}  # fmt: skip
