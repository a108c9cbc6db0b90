"""Data fidelities G(u): value, gradient, proximal operator, Moreau envelope. [B] (2) and appendix A.8, (93)-(96).

Both hold an operator A and an observation y. Proximal operators are those of lam G:
prox_{lam G}(z) = argmin_v lam G(v) + ||v - z||^2 / 2.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from pnp_course._checks import check_counts, check_image, check_numbers, check_positive, check_same_shape, per_image
from pnp_course.operators import Identity, LinearOperator, Mask, ValidBlur

Weight = float | Tensor


class Fidelity(Protocol):
    """What a solver needs from a fidelity. A fidelity has no memory: equal calls give equal answers, in any order."""

    def value(self, u: Tensor) -> float: ...
    def values(self, u: Tensor) -> Tensor: ...
    def grad(self, u: Tensor) -> Tensor: ...
    def prox(self, z: Tensor, lam: Weight) -> Tensor: ...
    def lipschitz(self, x: Tensor) -> float: ...
    @property
    def exact_prox(self) -> bool: ...


class Gaussian:
    """G(u) = ||A u - y||^2 / 2, the log-likelihood of Gaussian noise times its variance.

    Args:
        operator: A.
        y: the observation, floating point, in the space A maps to.
    """

    def __init__(self, operator: LinearOperator, y: Tensor):
        self.operator, self.y = operator, check_image(y, "y")

    def value(self, u: Tensor) -> float:
        """||A u - y||^2 / 2, summed over the batch."""
        return float(self.values(u).sum())

    def values(self, u: Tensor) -> Tensor:
        """||A u - y||^2 / 2 of each image, (B,) in float64 on the CPU."""
        return 0.5 * self._misfit(u).double().flatten(1).square().sum(1).cpu()

    def grad(self, u: Tensor) -> Tensor:
        """A^T (A u - y)."""
        return self.operator.adjoint(self._misfit(u))

    def _misfit(self, u: Tensor) -> Tensor:
        au = self.operator(u)
        check_same_shape(au, self.y, "A x", "y")
        return au - self.y

    def prox(self, z: Tensor, lam: Weight) -> Tensor:
        """(I + lam A^T A)^{-1} (z + lam A^T y), exact. lam: a number, or one for each image (B,)."""
        back = self.operator.adjoint(self.y)
        check_same_shape(z, back, "x", "A^T y")
        lam = _weight(lam, z)
        return self.operator.solve(z + lam * back, lam)

    @property
    def exact_prox(self) -> bool:
        """Is `prox` exact up to rounding, and not an iteration stopped at a tolerance?"""
        return self.operator.closed_form

    def lipschitz(self, x: Tensor) -> float:
        """Lipschitz constant ||A||^2 of the gradient, for images like x."""
        return self.operator.norm(x) ** 2


def _weight(lam: Weight, z: Tensor) -> Weight:
    """A weight > 0 as a float, or as (B, 1, 1, 1) beside the images z (B, C, H, W)."""
    return per_image(check_positive(lam, "lam"), z, "lam")


def prox_kl(z: Tensor, y: Tensor, lam: Weight) -> Tensor:
    """prox of lam <1, v - y log v> at z, elementwise: the root >= 0 of v^2 - (z - lam) v - lam y = 0, [B] (95).

    Example:
        >>> prox_kl(torch.tensor([0.5, 1.0]), torch.tensor([0.5, 0.0]), 0.25)
        tensor([0.5000, 0.7500])
    """
    q = z - lam
    root = (q * q + 4 * lam * y).sqrt()
    # for q < 0 the two terms of (q + root) / 2 cancel; the conjugate form does not
    return torch.where(q >= 0, (q + root) / 2, 2 * lam * y / (root - q).clamp_min(1e-30))


def prox_kl_dark(z: Tensor, y: Tensor, lam: Weight, dark: Tensor) -> Tensor:
    """prox of lam <1, w - y log w>, w = v + dark, on v >= 0 at z, elementwise; dark >= 0."""
    return (prox_kl(z + dark, y, lam) - dark).clamp_min(0)


class Poisson:
    """G(u) = <1, w - y log w>, w = A u + b, on A u >= 0: the Poisson negative log-likelihood divided by the peak, [B] (2).

    It is convex. Without a background b its gradient A^T (1 - y / w) is not Lipschitz: it blows up where A u goes to 0.

    Args:
        operator: A, with A u >= 0 for u >= 0.
        y: counts / peak, >= 0.
        background: b, the mean number of counts / peak that come without light from the scene, such as a detector's dark
            counts: a number >= 0, or a tensor of a shape that broadcasts to that of y.
        rho: penalty of the inner ADMM for an operator of norm 1, such as a blur; it is divided by the power of two
            nearest to ||A||^2, since the residual A v - x scales with A. The authors take 2 (CoCo-ADMM) or 1
            (CoCo-PEGD) and 10 iterations; for a blurred photograph at peak 50 the error of the prox is then more than
            twice that of the defaults (a test compares them with the exact map).
        tol, max_inner: the inner ADMM stops once both relative residuals are below `tol`, or after `max_inner`.
        floor: w is kept above this inside logarithm and division; by default 0.0003 gray levels of 255. Iterates of
            the inexact prox can be slightly negative where the scene is black.

    Raises:
        ValueError: y or the background is negative or not finite, or the background does not fit y.
    """

    def __init__(
        self,
        operator: LinearOperator,
        y: Tensor,
        *,
        rho: float = 32.0,
        tol: float = 3e-4,
        max_inner: int = 20,
        floor: float = 1e-6,
        background: float | Tensor = 0.0,
    ):
        self.operator, self.y = operator, check_counts(check_image(y, "y"), "y")
        self.background = _background(background, y)
        if max_inner < 1:
            raise ValueError(f"max_inner is {max_inner}; wanted at least 1 inner iteration.")
        self.rho, self.tol, self.max_inner, self.floor = check_positive(rho, "rho"), tol, max_inner, floor

    @property
    def exact_prox(self) -> bool:
        """Is `prox` exact up to rounding? It is for A = I and for a mask; else it is an iteration stopped at `tol`."""
        return self._gains() is not None

    def _gains(self) -> Tensor | None:
        """The m >= 0 with A u = m u, pixel by pixel, if A is of this kind."""
        if isinstance(self.operator, Identity):
            return torch.ones((), dtype=self.y.dtype, device=self.y.device)
        if isinstance(self.operator, Mask) and bool((self.operator.mask >= 0).all()):
            return self.operator(torch.ones_like(self.y))
        return None

    def lipschitz(self, x: Tensor) -> float:
        """Infinity: the gradient blows up where w goes to 0, with a background outside A u >= 0 only.

        See `relative_smoothness`, and the proposition on dark counts in `book/theory/inverse_problems`.
        """
        return float("inf")

    def relative_smoothness(self) -> float:
        """L = ||y||_1, for which L h - G is convex, with Burg's entropy h = -sum log (Bauschke et al. 2017).

        The smallest such L is below this, see `book/theory/inverse_problems`; a background makes it smaller.
        """
        return float(self.y.double().sum())

    def value(self, u: Tensor) -> float:
        """<1, w - y log w>, with 0 log 0 = 0, summed over the batch."""
        return float(self.values(u).sum())

    def values(self, u: Tensor) -> Tensor:
        """<1, w - y log w> of each image, (B,) in float64 on the CPU."""
        w = self._mean(u).double()
        return (w - torch.xlogy(self.y.double(), w.clamp_min(self.floor))).flatten(1).sum(1).cpu()

    def grad(self, u: Tensor) -> Tensor:
        """A^T (1 - y / w)."""
        return self.operator.adjoint(1 - self.y / self._mean(u).clamp_min(self.floor))

    def _mean(self, u: Tensor) -> Tensor:
        """The w = A u + b, of which y is a sample."""
        au = self.operator(u)
        check_same_shape(au, self.y, "A x", "y")
        return au if self.background is None else au + self.background.to(au)

    def prox(self, z: Tensor, lam: Weight) -> Tensor:
        """prox_{lam G}(z), by a closed form for A = I or a mask, else by the inner ADMM of [B] (93)-(96).

        lam is a number, or one for each image (B,). For A u = m u with m > 0 the equation of prox_kl holds for v + b / m,
        with m lam in place of lam outside the root. Else the inner problem is split as
        min lam <1, x + b - y log(x + b)> + ||v - z||^2 / 2 subject to x = A v, with scaled dual d:

            x <- prox_{lam/rho KL}(A v - d),   v <- (I + rho A^T A)^{-1} (z + rho A^T (x + d)),   d <- d + x - A v.

        Only A v is needed until the end, and A (I + rho A^T A)^{-1} rho A^T = I - (I + rho A A^T)^{-1}, so the loop
        runs in the space of the data, one `solve_data` (two FFTs for a blur) an iteration. Each image of a batch stops
        by itself, as it would alone. A `ValidBlur` is split further: x = K v on the whole canvas, and only where there
        are data does the proximal operator of KL move x.
        """
        lam = _weight(lam, z)
        if (gains := self._gains()) is not None:
            check_same_shape(z, self.y, "z", "y")
            return self._prox_by_pixel(z, lam, gains.to(z))
        rho, a = self._penalty(z), self._split()[0]
        s, _, _ = self._inner_admm(z, lam, rho)
        return a.solve(z + rho * a.adjoint(s), rho)

    def _prox_by_pixel(self, z: Tensor, lam: Weight, gains: Tensor) -> Tensor:
        """The prox where A u = m u: v = z at pixels with m = 0, which see nothing."""
        if isinstance(self.operator, Identity) and self.background is None:
            return prox_kl(z, self.y, lam)
        m = gains.where(gains > 0, torch.ones_like(gains))
        dark = torch.zeros_like(m) if self.background is None else self.background.to(z) / m
        return prox_kl_dark(z + lam * (1 - m), self.y.to(z), lam, dark).where(gains > 0, z)

    def inner_residual(self, z: Tensor, lam: Weight) -> tuple[int, float]:
        """The number of inner ADMM iterations that `prox` makes at z, and the relative residual of its worst image."""
        _, iterations, residual = self._inner_admm(z, _weight(lam, z), self._penalty(z))
        return iterations, float(residual.max())

    def _penalty(self, z: Tensor) -> float:
        """rho divided by the power of two nearest to ||A||^2: a power of two, so that norms of about 1 change nothing."""
        norm = self.operator.norm(z, tol=0.1)
        return self.rho / 2.0 ** round(2 * math.log2(norm)) if norm > 0 else self.rho

    def _split(self) -> tuple[LinearOperator, Tensor, Tensor | None, Tensor | None]:
        """The operator of the inner problem, its data, where there are any (None: everywhere), and the background."""
        dark = self.background
        if not isinstance(self.operator, ValidBlur):
            return self.operator, self.y, None, dark
        pad = self.operator.pad
        return (
            self.operator.periodic,
            pad(self.y),
            pad(torch.ones_like(self.y)) > 0,
            None if dark is None else pad(dark),
        )

    def _inner_admm(self, z: Tensor, lam: Weight, rho: float) -> tuple[Tensor, int, Tensor]:
        a, y, seen, dark = self._split()
        a_solve_z = a(a.solve(z, rho))
        check_same_shape(a_solve_z, y, "A z", "y")
        av = x = s = a(z)
        d = torch.zeros_like(y)
        running = torch.ones(len(z), 1, 1, 1, dtype=torch.bool, device=z.device)
        residual = torch.zeros(len(z), 1, 1, 1, dtype=z.dtype, device=z.device)
        k = 0
        for k in range(1, self.max_inner + 1):
            new = prox_kl(av - d, y, lam / rho) if dark is None else prox_kl_dark(av - d, y, lam / rho, dark)
            new = new if seen is None else torch.where(seen, new, av - d)
            s_new = new + d
            av_new = a_solve_z + s_new - a.solve_data(s_new, rho)
            moved = torch.maximum(_norms(new - av_new), _norms(new - x)) / _norms(av_new).clamp_min(1e-30)
            s, residual = torch.where(running, s_new, s), torch.where(running, moved, residual)
            x, av, d = new, av_new, s_new - av_new  # for an image that has stopped only s matters
            running = running & (residual > self.tol)
            if not bool(running.any()):
                break
        return s, k, residual


def _background(b: float | Tensor, y: Tensor) -> Tensor | None:
    """The background as a tensor of the shape of y, or None where there is none."""
    b = check_numbers(b, "background").to(y)
    try:
        b = b.broadcast_to(y.shape)
    except RuntimeError:
        raise ValueError(
            f"background has shape {tuple(b.shape)} and y {tuple(y.shape)}; wanted a number, or a tensor that broadcasts to y."
        ) from None
    check_counts(b, "background")
    return b if bool(b.any()) else None


def _norms(v: Tensor) -> Tensor:
    """Euclidean norm of each image, (B, 1, 1, 1)."""
    return v.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)


def moreau_envelope(fidelity: Fidelity, u: Tensor, lam: float) -> float:
    """e(u) = min_v lam G(v) + ||u - v||^2 / 2, whose gradient is u - prox_{lam G}(u), [B] before (22)."""
    v = fidelity.prox(u, lam)
    return lam * fidelity.value(v) + 0.5 * float((u - v).double().square().sum())
