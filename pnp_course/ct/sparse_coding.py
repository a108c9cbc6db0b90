"""PWLS with convolutional sparse coding and gradient regularisation, PWLS-CSCGR (Bao and others 2019), small.

minimise over the image u and coefficient maps m_i    sum of phi(A u) + beta (||u - low - sum d_i * m_i||^2 / 2
    + l1 sum |m_i|_1 + l2 sum ||grad m_i||^2 / 2),

by turns: u by the proximal operator of the fidelity, the maps by ADMM with one inversion for each frequency (Wohlberg 2016).
The d_i are filters learned on training phantoms. `low` is the smooth part of u, which filters of seven pixels cannot carry;
it follows u.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from pnp_course._checks import check_positive
from pnp_course.ray_fidelities import RayFidelity
from pnp_course.solvers import Iterate

FILE = Path(__file__).parent / "filters.safetensors"
SMOOTHING = 6.0  # of `low`: (1 + 6 |grad|^2)^-1 u
PENALTY = 0.05  # of the ADMM for the maps, in units of intensity


@cache
def learned_filters() -> Tensor:
    """The shipped filters (K, h, w), each of norm 1, learned by `learn_filters` on training phantoms."""
    from safetensors.torch import load_file

    return load_file(FILE)["filters"].float()


class Coder:
    """The coding step for pictures (B, 1, H, W) of one size, periodic: coefficients of what is left when `low` is taken away.

    Args:
        filters: (K, h, w). size: (H, W). l1, l2: the weights of the model.
    """

    def __init__(self, filters: Tensor, size: tuple[int, int], l1: float, l2: float = 0.1):
        self.size, self.l1, self.l2 = size, check_positive(l1, "l1"), l2
        self.d = spectra(filters, size)
        f = torch.meshgrid(torch.fft.fftfreq(size[0]), torch.fft.rfftfreq(size[1]), indexing="ij")
        self.g = sum((2 - 2 * (2 * torch.pi * v).cos() for v in f), torch.zeros(())).to(filters.device)  # |grad|^2
        self.z: Tensor | None = None

    def low(self, u: Tensor) -> Tensor:
        """The smooth part of u."""
        return torch.fft.irfft2(torch.fft.rfft2(u) / (1 + SMOOTHING * self.g), s=self.size)

    def picture(self, z: Tensor) -> Tensor:
        """sum d_i * z_i of maps z (B, K, H, W): (B, 1, H, W)."""
        return torch.fft.irfft2((self.d * torch.fft.rfft2(z)).sum(1, keepdim=True), s=self.size)

    def code(self, s: Tensor, iterations: int) -> Tensor:
        """Maps (B, K, H, W) after so many iterations of ADMM from where the last call ended."""
        if self.z is None:
            self.z = self.v = s.new_zeros(len(s), len(self.d), *self.size)
        right, a = self.d.conj() * torch.fft.rfft2(s), self.l2 * self.g + PENALTY
        power = self.d.abs().square().sum(0)
        for _ in range(iterations):
            b = right + PENALTY * torch.fft.rfft2(self.z - self.v)
            along = (self.d * b).sum(1, keepdim=True) / (a + power)  # the matrix is a I + d^H d: Sherman and Morrison
            m = torch.fft.irfft2((b - self.d.conj() * along) / a, s=self.size)
            q = m + self.v
            self.z = q.sign() * (q.abs() - self.l1 / PENALTY).clamp_min(0)
            self.v = q - self.z
        return self.z


def spectra(filters: Tensor, size: tuple[int, int]) -> Tensor:
    """The half spectra (K, H, W // 2 + 1) of filters (K, h, w), with their centres at the origin."""
    h, w = filters.shape[-2:]
    padded = filters.new_zeros(len(filters), *size)
    padded[:, :h, :w] = filters
    return torch.fft.rfft2(padded.roll((-(h // 2), -(w // 2)), (1, 2)))


def pwls_cscgr(
    fidelity: RayFidelity, x0: Tensor, *, beta: float, l1: float, filters: Tensor | None = None, inner: int = 4
) -> Iterator[Iterate]:
    """Take turns between image and maps.

    Args:
        fidelity: of the rays. x0: first image (B, 1, n, n).
        beta: weight of the coding term. l1: sparsity, in units of intensity.
        filters: (K, h, w); the learned ones by default. inner: ADMM iterations for the maps in each turn.

    Yields:
        Iterate with x.
    """
    lam = 1 / check_positive(beta, "beta")
    filters = (learned_filters() if filters is None else filters).to(x0)
    coder = Coder(filters, (x0.shape[-2], x0.shape[-1]), l1)
    u = x0
    while True:
        low = coder.low(u)
        model = low + coder.picture(coder.code(u - low, inner))
        u = fidelity.prox(model, lam)
        yield Iterate(u, denoiser_input=u, model=model)


def learn_filters(
    pictures: Tensor, count: int = 24, side: int = 7, l1: float = 0.01, rounds: int = 60, seed: int = 0
) -> Tensor:
    """Filters (count, side, side) of norm 1 that code these pictures (B, 1, H, W): coding and gradient steps in turn."""
    generator = torch.Generator().manual_seed(seed)
    filters = _unit(torch.randn(count, side, side, generator=generator))
    size = (pictures.shape[-2], pictures.shape[-1])
    filters.requires_grad_(True)
    optimizer = torch.optim.Adam([filters], lr=0.03)
    for k in range(rounds):
        s = pictures[k % len(pictures)][None]
        coder = Coder(filters.detach(), size, l1)
        s = s - coder.low(s)
        z = coder.code(s, 20)
        fit = torch.fft.irfft2((spectra(filters, size) * torch.fft.rfft2(z)).sum(1, keepdim=True), s=size)
        optimizer.zero_grad()
        (fit - s).square().sum().backward()
        optimizer.step()
        with torch.no_grad():
            filters.copy_(_unit(filters))
    return filters.detach()


def _unit(filters: Tensor) -> Tensor:
    return filters / filters.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None]
