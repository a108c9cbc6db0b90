"""Fidelities of tomography, G(u) = sum over rays of phi(l), l = A u the line integrals: three phi, and one proximal operator.

phi is convex and twice differentiable almost everywhere, so prox_{lam G}(z) is the minimum of a strongly convex
function, and Newton's method finds it in a few steps. Its systems are solved by conjugate gradients.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from pnp_course._checks import check_count, check_counts, check_image, check_positive, check_same_shape, per_image
from pnp_course.fidelities import Weight, prox_kl
from pnp_course.operators import LinearOperator, conjugate_gradient
from pnp_course.operators.projector import Projector

HALVINGS = 30  # of a Newton step, at most
FORCING = 0.1  # the relative residual to which each Newton system is solved


class RayFidelity(ABC):
    """G(u) = <1, phi(A u)> with a convex phi that acts on each ray.

    Args:
        operator: A, the line integrals of an image in units of a pixel's side.
        y: what was observed on each ray, in the space A maps to.
        tol: the error of `prox`, relative to its argument: ||result - prox(z)|| <= tol ||z||, for each image.
        max_newton: the largest number of Newton steps.
    """

    exact_prox = False

    def __init__(self, operator: LinearOperator, y: Tensor, *, tol: float = 1e-3, max_newton: int = 30):
        self.operator, self.y = operator, check_image(y, "y")
        self.tol, self.max_newton = check_positive(tol, "tol"), check_count(max_newton, "max_newton")

    @abstractmethod
    def cost(self, rays: Tensor) -> Tensor:
        """phi at line integrals, elementwise."""

    @abstractmethod
    def slope(self, rays: Tensor) -> Tensor:
        """phi', elementwise."""

    @abstractmethod
    def curvature(self, rays: Tensor) -> Tensor:
        """phi'' >= 0, elementwise."""

    @abstractmethod
    def largest_curvature(self) -> float:
        """The least upper bound of phi'' over all rays and all line integrals."""

    def rays(self, u: Tensor) -> Tensor:
        """The line integrals A u of images (B, C, n, n)."""
        rays = self.operator(u)
        check_same_shape(rays, self.y, "A x", "y")
        return rays

    def value(self, u: Tensor) -> float:
        """<1, phi(A u)>, summed over the batch."""
        return float(self.values(u).sum())

    def values(self, u: Tensor) -> Tensor:
        """<1, phi(A u)> of each image, (B,) in float64 on the CPU."""
        return self.cost(self.rays(u)).double().flatten(1).sum(1).cpu()

    def grad(self, u: Tensor) -> Tensor:
        """A^T phi'(A u)."""
        return self.operator.adjoint(self.slope(self.rays(u)))

    def lipschitz(self, x: Tensor) -> float:
        """max phi'' ||A||^2, for images like x."""
        return self.largest_curvature() * self.operator.norm(x) ** 2

    def prox(self, z: Tensor, lam: Weight) -> Tensor:
        """prox_{lam G}(z) = argmin_v lam G(v) + ||v - z||^2 / 2, by Newton's method with a line search.

        The function is 1-strongly convex, so its gradient bounds the error: ||v - prox(z)|| <= ||gradient at v||. An
        image stops once this is below tol ||z||. lam: a number, or one for each image (B,).
        """
        return self._newton(z, lam)[0]

    def newton_steps(self, z: Tensor, lam: Weight) -> tuple[int, float]:
        """The number of Newton steps of `prox` at z, and the largest bound of an image's error, relative to ||z||."""
        _, steps, error = self._newton(z, lam)
        return steps, float(error.max())

    def _newton(self, z: Tensor, lam: Weight) -> tuple[Tensor, int, Tensor]:
        weight = per_image(check_positive(lam, "lam"), z, "lam")
        v, rays, size = z, self.rays(z), _norm(z).clamp_min(1e-30)

        def gradient(v: Tensor, rays: Tensor) -> Tensor:
            return v - z + weight * self.operator.adjoint(self.slope(rays))

        g, k = gradient(v, rays), 0
        while bool((active := _norm(g) > self.tol * size).any()) and k < self.max_newton:
            c = weight * self.curvature(rays)
            step = self._solved(-g, c) * active
            moved = self.operator(step)
            length = self._length(v, rays, step, moved, z, weight, (g * step).double().flatten(1).sum(1))
            v, rays = v + length.to(v) * step, rays + length.to(v) * moved
            g, k = gradient(v, rays), k + 1
        return v, k, _norm(g) / size

    def _solved(self, right: Tensor, c: Tensor) -> Tensor:
        """(I + A^T diag(c) A)^{-1} right, to a tenth; where A is a projector, preconditioned by Fourier transforms."""

        def apply(p: Tensor) -> Tensor:
            return p + self.operator.adjoint(c * self.operator(p))

        precondition = None
        if isinstance(self.operator, Projector):
            mean = c.flatten(1).mean(1).reshape(-1, 1, 1, 1)
            spectrum = 1 / (1 + mean * self.operator.gram_spectrum(right))
            precondition = lambda r: torch.fft.irfft2(torch.fft.rfft2(r) * spectrum, s=r.shape[-2:])  # noqa: E731
        return conjugate_gradient(apply, right, tol=FORCING, max_iter=50, precondition=precondition)[0]

    def _length(
        self, v: Tensor, rays: Tensor, step: Tensor, moved: Tensor, z: Tensor, weight: Weight, slope: Tensor
    ) -> Tensor:
        """The step length of each image (B, 1, 1, 1): 1, halved until the function decreases by 1e-4 of what its slope says."""

        def total(length: Tensor) -> Tensor:
            s = length.to(v)
            fit = (weight * self.cost(rays + s * moved)).double().flatten(1).sum(1)
            return fit + 0.5 * (v + s * step - z).double().square().flatten(1).sum(1)

        length = torch.ones(len(v), 1, 1, 1, dtype=torch.float64, device=v.device)
        now = total(0 * length)
        for _ in range(HALVINGS):
            rounding = 1e-6 * now.abs()  # of sums in single precision
            short = total(length) > now + 1e-4 * length.flatten() * slope + rounding
            if not bool(short.any()):
                break
            length = torch.where(short.reshape(-1, 1, 1, 1), length / 2, length)
        return length


class Emission(RayFidelity):
    """phi(l) = the Moreau envelope, of parameter delta, of l - y log l (l >= 0): counts y = Poisson(peak A u) / peak, [B] (2).

    The Poisson term itself has an infinite slope at l = 0, and is infinite below. Its envelope min_p p - y log p + (l -
    p)^2 / (2 delta) is finite everywhere, has the same minimum at l = y, a slope that is 1 / delta-Lipschitz, and tends to
    the term as delta goes to 0. At l = y its curvature is 1 / (y + delta) in place of 1 / y: short rays weigh a little less.

    Args:
        delta: in the units of line integrals, pixels times intensity; small beside the path through a body.
    """

    def __init__(
        self, operator: LinearOperator, y: Tensor, *, delta: float = 5.0, tol: float = 1e-3, max_newton: int = 30
    ):
        super().__init__(operator, check_counts(y, "y"), tol=tol, max_newton=max_newton)
        self.delta = check_positive(delta, "delta")

    def _nearest(self, rays: Tensor) -> Tensor:
        return prox_kl(rays, self.y, self.delta)

    def cost(self, rays: Tensor) -> Tensor:
        p = self._nearest(rays)
        return p - torch.xlogy(self.y, p.clamp_min(1e-30)) + (rays - p).square() / (2 * self.delta)

    def slope(self, rays: Tensor) -> Tensor:
        p = self._nearest(rays)
        return torch.where(p > 0, 1 - self.y / p.clamp_min(1e-30), rays / self.delta)

    def curvature(self, rays: Tensor) -> Tensor:
        p = self._nearest(rays)  # 1 / phi'' = delta + 1 / (the Poisson term's own curvature y / p^2)
        return 1 / (self.delta + torch.where(p > 0, p.square() / self.y, 0.0))

    def largest_curvature(self) -> float:
        return 1 / self.delta


class Transmission(RayFidelity):
    """phi(l) = exp(-kappa l) + y kappa l for l >= 0: counts behind the patient, y = Poisson(I0 exp(-kappa A u)) / I0.

    That is the negative log-likelihood of Beer and Lambert's law, divided by the photons I0 that enter each ray (Lange,
    Carson 1984). Below l = 0, where no body is, exp(-kappa l) is continued by its parabola, so that phi'' <= kappa^2.

    Args:
        y: the share of the photons that arrives, counts / I0.
        kappa: attenuation of intensity 1 along one pixel.
    """

    def __init__(self, operator: LinearOperator, y: Tensor, kappa: float, *, tol: float = 1e-3, max_newton: int = 30):
        super().__init__(operator, check_counts(y, "y"), tol=tol, max_newton=max_newton)
        self.kappa = check_positive(kappa, "kappa")

    def cost(self, rays: Tensor) -> Tensor:
        q = self.kappa * rays
        return torch.where(q >= 0, (-q).exp(), 1 - q + q.square() / 2) + self.y * q

    def slope(self, rays: Tensor) -> Tensor:
        q = self.kappa * rays
        return self.kappa * (self.y - torch.where(q >= 0, (-q).exp(), 1 - q))

    def curvature(self, rays: Tensor) -> Tensor:
        return self.kappa**2 * (-(self.kappa * rays).clamp_min(0)).exp()

    def largest_curvature(self) -> float:
        return self.kappa**2


class WeightedLeastSquares(RayFidelity):
    """phi(l) = w (l - y)^2 / 2: penalised weighted least squares, PWLS (Sauer, Bouman 1993; Fessler 1994).

    Args:
        y: line integrals as observed.
        weights: w >= 0 of the shape of y, one over the variance of each ray, up to a common factor.
    """

    def __init__(
        self, operator: LinearOperator, y: Tensor, weights: Tensor, *, tol: float = 1e-3, max_newton: int = 30
    ):
        super().__init__(operator, y, tol=tol, max_newton=max_newton)
        self.weights = check_counts(weights, "weights")
        check_same_shape(weights, y, "weights", "y")

    def cost(self, rays: Tensor) -> Tensor:
        return self.weights * (rays - self.y).square() / 2

    def slope(self, rays: Tensor) -> Tensor:
        return self.weights * (rays - self.y)

    def curvature(self, rays: Tensor) -> Tensor:
        return self.weights.expand_as(rays)

    def largest_curvature(self) -> float:
        return float(self.weights.max())


def _norm(v: Tensor) -> Tensor:
    """The norm of each image, (B, 1, 1, 1)."""
    return v.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)
