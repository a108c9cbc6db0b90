"""The minimisation behind a ridge denoiser, with a certified error, and its implicit derivative."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pnp_course.denoisers.ridge_filters import Reflected
from pnp_course.denoisers.ridge_profile import Profile


def _norms(x: Tensor) -> Tensor:
    return x.flatten(1).norm(dim=1)


def _column(values: Tensor) -> Tensor:
    return values.reshape(-1, 1, 1, 1)


class Objective:
    """x -> R(x) + ||x - y||^2 / 2, R(x) = sum of psi_i(W x), for a batch y (B, C, H, W) of separate problems.

    It is (1 - rho)-strongly convex, and its gradient is L-Lipschitz with L = 1 + max(0, largest slope of psi').
    """

    def __init__(self, y: Tensor, operator: Reflected, profile: Profile, rho: float):
        self.y, self.operator, self.profile, self.rho = y, operator, profile, rho

    def detached(self) -> Objective:
        """The same without a graph."""
        profile = Profile(self.profile.scales[:, :, 0, 0].detach(), self.profile.slope.detach(), self.profile.knots)
        operator = Reflected(self.operator.bank.detach(), self.y.shape[-2:])  # type: ignore[arg-type]
        return Objective(self.y.detach(), operator, profile, self.rho)

    def __getitem__(self, index: Tensor) -> Objective:
        """Some of the problems."""
        return Objective(self.y[index], self.operator, self.profile[index], self.rho)

    def lipschitz(self) -> Tensor:
        """L, (B,)."""
        return 1 + self.profile.slope.amax(1).clamp_min(0)

    def gradient_r(self, x: Tensor) -> Tensor:
        """grad R(x) = W^T psi'(W x), differentiable."""
        return self.operator.adjoint(self.profile.derivative(self.operator.apply(x)))

    def gradient(self, x: Tensor) -> Tensor:
        """x - y + grad R(x), without a graph."""
        z = self.profile.replace_by_derivative(self.operator.apply(x))
        return self.operator.adjoint(z).add_(x).sub_(self.y)

    def value(self, x: Tensor) -> Tensor:
        """The objective (B,)."""
        return self.profile.value(self.operator.apply(x)) + 0.5 * (x - self.y).flatten(1).square().sum(1)


@torch.no_grad()
def minimise(objective: Objective, tol: float, max_iterations: int, start: Tensor | None = None) -> Tensor:
    """The minimiser, each image to ||error|| <= tol sqrt(number of pixels and channels): Nesterov's method.

    The error of x is at most ||gradient at x|| / (1 - rho), because the objective is (1 - rho)-strongly convex. It contracts like
    1 - sqrt((1 - rho) / L). Source: Nesterov 2004, section 2.2.1 (constant scheme III).

    Raises:
        RuntimeError: an image has not reached `tol` after `max_iterations`: the tolerance is below the rounding error.
    """
    out = objective.y.clone() if start is None else start.clone()
    left = torch.arange(len(out), device=out.device)
    allowed = (1 - objective.rho) * tol * out[0].numel() ** 0.5
    now, x, v = objective, out, out
    for _ in range(max_iterations):
        gradient = now.gradient(v)
        reached = _norms(gradient) <= allowed
        if bool(reached.any()):
            out[left[reached]] = v[reached]
            keep = (~reached).nonzero().flatten()
            if not len(keep):
                return out
            left, now, x, v, gradient = left[keep], now[keep], x[keep], v[keep], gradient[keep]
        lipschitz = now.lipschitz()
        root = ((1 - now.rho) / lipschitz).sqrt()
        stepped = v - gradient / _column(lipschitz)
        v = stepped + _column((1 - root) / (1 + root)) * (stepped - x)
        x = stepped
    worst = float(_norms(now.gradient(v)).max()) / ((1 - now.rho) * out[0].numel() ** 0.5)
    raise RuntimeError(
        f"the denoiser's error bound is {worst:.2g} after {max_iterations} iterations; wanted {tol:.2g}: raise its tol or "
        "max_iterations, or use double precision."
    )


@torch.no_grad()
def solve_hessian(objective: Objective, x: Tensor, right: Tensor, tol: float, max_iterations: int = 500) -> Tensor:
    """(I + W^T psi''(W x) W)^{-1} right by conjugate gradients, each image until ||residual|| <= tol ||right||."""
    weights = objective.profile.curvature(objective.operator.apply(x))

    def hessian(p: Tensor) -> Tensor:
        return p + objective.operator.adjoint(weights * objective.operator.apply(p))

    out, residual = torch.zeros_like(right), right.clone()
    direction, square = residual.clone(), residual.flatten(1).square().sum(1)
    goal = tol**2 * square
    for _ in range(max_iterations):
        going = square > goal
        if not bool(going.any()):
            break
        product = hessian(direction)
        curvature = (direction * product).flatten(1).sum(1)
        step = torch.where(going, square / curvature.where(going, torch.ones_like(curvature)), 0.0)
        out = out + _column(step) * direction
        residual = residual - _column(step) * product
        new = torch.where(going, residual.flatten(1).square().sum(1), square)
        ratio = torch.where(going, new / square.where(going, torch.ones_like(square)), 0.0)
        direction = residual + _column(ratio) * direction
        square = new
    return out


class _Solve(torch.autograd.Function):
    """w -> H^{-1} w, which is its own transpose and its own derivative."""

    @staticmethod
    def forward(ctx: Any, w: Tensor, solve: Any) -> Tensor:
        ctx.solve = solve
        return solve(w)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        return _Solve.apply(grads[0], ctx.solve), None  # type: ignore[no-untyped-call]


class Implicit(torch.autograd.Function):
    """The minimiser x of the objective, as a function of fixed = y - grad R(x) with x held: dx = H^{-1} d(fixed)."""

    @staticmethod
    def forward(ctx: Any, fixed: Tensor, x: Tensor, objective: Objective, tol: float) -> Tensor:
        ctx.solve = lambda w: solve_hessian(objective, x, w, tol)
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        return _Solve.apply(grads[0], ctx.solve), None, None, None  # type: ignore[no-untyped-call]
