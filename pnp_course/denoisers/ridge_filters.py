"""Filter banks of norm at most 1 at every image size, with pictures continued by reflection.

The map W is z_i = w_i * x (a correlation, one output picture per filter), where x is continued by reflection at its
border: ... c b a | a b c ... So no constant and no wrap-around enters, and a constant picture stays constant.

The norm of such a map is that of the map on periodic pictures of twice the size, if the bank is closed under reflections
(see `closed_bank`), and that one is bounded by the largest value of a trigonometric polynomial (`bank_norm`), which does
not depend on the size. Proofs: book/theory/ridge.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

GRID = 256  # frequencies in each direction; the polynomial is between this grid's largest value and 1 + margin times it
BAND = 1 << 20  # numbers of W x in a band of rows, on a CPU: a few MB
ROUNDING = 1 + 1e-5  # for sums and transforms in single precision


def closed_bank(free: Tensor) -> Tensor:
    """The filters (2 n, C, k, k) made of n free ones (n, C, k, k), closed under reflections up to signs.

    The first half of the free filters is made even, w(-p) = w(p), and loses its mean; the rest is made odd,
    w(-p) = -w(p). Beside each stands its mirror image. A reflection of both axes then maps each filter to itself or its
    negative, a reflection of one axis exchanges the two of a pair, up to a sign. All filters have mean 0, each in each
    channel, so W does not see constants.
    """
    n = len(free)
    turned = free.flip(-2, -1)
    even = (free + turned)[: n - n // 2] / 2
    even = even - even.mean((-2, -1), keepdim=True)
    one = torch.cat((even, (free - turned)[n - n // 2 :] / 2))
    return torch.cat((one, one.flip(-1)))


def bank_norm(bank: Tensor, grid: int = GRID) -> Tensor:
    """An upper bound of the norm of the map of `bank` (n, C, k, k) on pictures of every size, a scalar; differentiable.

    ||W||^2 is at most the maximum over all frequencies of the largest eigenvalue of G(w) = sum_i conj(w_i) w_i^T, (C, C). It is
    computed on a grid and divided by (1 - d)^2, d = (pi (k - 1) / grid)^2 / 2: by Bernstein's inequality a
    trigonometric polynomial of degree k - 1 in each variable falls by no more than that between its maximum and the
    nearest point of the grid.

    Raises:
        ValueError: the grid is too coarse for filters of this size.
    """
    size = bank.shape[-1]
    drop = (math.pi * (size - 1) / grid) ** 2 / 2
    if drop > 0.5:
        raise ValueError(
            f"a grid of {grid} frequencies is too coarse for filters of {size} pixels; wanted {4 * size} or more."
        )
    channels = bank.transpose(0, 1)
    sums = F.conv2d(channels, channels, padding=size - 1)  # the coefficients of G, at the lags -(k - 1), ..., k - 1
    lags = F.pad(sums, (0, grid - 2 * size + 1, 0, grid - 2 * size + 1)).roll((1 - size, 1 - size), (-2, -1))
    hat = torch.fft.rfft2(lags).permute(2, 3, 0, 1)  # G at half of the frequencies; at the others it is conjugate
    if len(channels) == 1:
        top = hat.real.amax()
    else:  # one frequency has the largest eigenvalue, so a derivative needs that of one matrix
        worst = torch.linalg.eigvalsh(hat.detach())[..., -1].argmax()
        top = torch.linalg.eigvalsh(hat.flatten(0, 1)[worst])[-1]
    return top.sqrt() * (ROUNDING / (1 - drop))


def reflection(n: int, margin: int, device: torch.device) -> Tensor:
    """For the positions -margin, ..., n + margin - 1 of a line of n pixels, which pixel stands there (all integers)."""
    index = torch.arange(-margin, n + margin, device=device).remainder(2 * n)
    return torch.minimum(index, 2 * n - 1 - index)


class Reflected:
    """W and its adjoint for a bank (n, C, k, k), k odd, on pictures of one size, ready for many products.

    Args:
        bank: the filters.
        shape: (H, W) of the pictures; any size from 1 x 1 up.
    """

    def __init__(self, bank: Tensor, shape: tuple[int, int]):
        # a training's filters may lie channels last, as its network does, and so would their answers: profiles go through
        # them filter by filter, and an evaluation in colour then took more than twice as long
        self.bank, self.size, self.shape = bank.contiguous(), bank.shape[-1], tuple(shape)
        self.flat_t = bank.reshape(len(bank), -1).T.contiguous()
        self.rows, self.columns = (reflection(n, self.size // 2, bank.device) for n in shape)

    def apply(self, x: Tensor) -> Tensor:
        """W x (B, n, H, W) of x (B, C, H, W)."""
        wide = x.index_select(-2, self.rows).index_select(-1, self.columns)
        return F.conv2d(wide, self.bank)

    def adjoint(self, z: Tensor) -> Tensor:
        """W^T z (B, C, H, W) of z (B, n, H, W); as a matrix product, which is faster here than a transposed convolution."""
        columns = torch.matmul(self.flat_t, z.flatten(2))
        return self._inside(F.fold(columns, (len(self.rows), len(self.columns)), self.size))

    @torch.no_grad()
    def sandwich(self, x: Tensor, middle: Callable[[Tensor, slice], Tensor]) -> Tensor:
        """W^T middle(W x) of x (B, C, H, W), without a graph, in bands of rows whose W x stays in the cache of a core.

        Args:
            middle: a function of some rows of W x, (B, n, rows, W), which it may overwrite, and of their place in H.
        """
        wide = x.index_select(-2, self.rows).index_select(-1, self.columns)
        out, (h, w), margin = torch.zeros_like(wide), x.shape[-2:], self.size - 1
        band = max(8, BAND // (len(x) * len(self.bank) * w)) if x.device.type == "cpu" else h
        for top in range(0, h, band):
            rows = slice(top, min(top + band, h))
            z = middle(F.conv2d(wide[..., top : rows.stop + margin, :], self.bank), rows)
            columns = torch.matmul(self.flat_t, z.flatten(2)).reshape(len(x), -1, self.size, self.size, *z.shape[-2:])
            for i in range(self.size):
                for j in range(self.size):
                    out[..., top + i : rows.stop + i, j : j + w] += columns[:, :, i, j]
        return self._inside(out)

    def _inside(self, wide: Tensor) -> Tensor:
        """The transpose of the continuation by reflection: what lies outside is added to the pixels that it mirrors."""
        tall = wide.new_zeros(*wide.shape[:-1], self.shape[1]).index_add(-1, self.columns, wide)
        return tall.new_zeros(*tall.shape[:-2], *self.shape).index_add(-2, self.rows, tall)


def cosine_bank(n: int, channels: int, size: int) -> Tensor:
    """A start for n free filters (n, C, size, size): sums of two functions of the cosine basis, slanted by their sum.

    A pair of equal parity under turning by 180 degrees, one even and one odd under reflection of an axis, gives with
    its mirror image a basis of the plane of both. Lower frequencies come first; if there are not enough, random filters fill up.
    """
    line = torch.arange(size, dtype=torch.float64) + 0.5
    basis = torch.stack([torch.cos(math.pi * u * line / size) for u in range(size)])
    basis = basis / basis.norm(dim=1, keepdim=True)

    def product(u: int, v: int) -> Tensor:
        return torch.outer(basis[u], basis[v])

    odd = [(product(u, v) + product(v, u)) / 2**0.5 for u in range(0, size, 2) for v in range(1, size, 2)]
    order = sorted(range(len(odd)), key=lambda i: [(u + v, u) for u in range(0, size, 2) for v in range(1, size, 2)][i])
    odd = [odd[i] for i in order]
    both_even = sorted(((u, v) for u in range(0, size, 2) for v in range(0, size, 2) if u + v), key=sum)
    both_odd = sorted(((u, v) for u in range(1, size, 2) for v in range(1, size, 2)), key=sum)
    even = [(product(*a) + product(*b)) / 2**0.5 for a, b in zip(both_even, both_odd, strict=False)]
    even += [product(*a) / 2**0.5 for a in both_even[len(both_odd) :]]
    generator = torch.Generator().manual_seed(0)

    def filled(given: list[Tensor], count: int) -> list[Tensor]:
        fresh = [torch.randn(size, size, generator=generator, dtype=torch.float64) / size for _ in range(count)]
        return [*given, *fresh][:count]

    gray = torch.stack(filled(even, n - n // 2) + filled(odd, n // 2)).float()[:, None]
    gray = gray + 0.01 * torch.randn(gray.shape, generator=generator)
    if channels == 1:
        return gray
    # a channel basis: one filter in two sees the brightness, the others two differences of colours
    mixes = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, 1.0, 1.0], [0.5, -1.0, 0.5]])
    mixes = mixes / mixes.norm(dim=1, keepdim=True)
    return gray * mixes[torch.arange(n) % 4][:, :, None, None]
