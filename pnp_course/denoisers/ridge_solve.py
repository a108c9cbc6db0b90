"""The minimisation behind a ridge denoiser, with a certified error, and its implicit derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pnp_course.denoisers.ridge_filters import Reflected
from pnp_course.denoisers.ridge_profile import Profile

ROUNDING = 30  # the gradient's rounding error is below this many units in the last place of its terms, measured


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
def minimise(objective: Objective, tol: float, max_iterations: int) -> Tensor:
    """The minimiser (B, C, H, W), each image with a root mean squared error of at most `tol`, in units of intensity.

    The error of x is at most ||gradient at x|| / (1 - rho), because the objective is (1 - rho)-strongly convex: iterations
    stop when this bound is reached, each image alone. Where `tol` is below the rounding error, that of pictures far
    outside [0, 1] in single precision, ROUNDING times the image's root mean square is taken for it.

    Nesterov's method, which forgets its momentum wherever that points uphill; source: O'Donoghue and Candes 2015.

    Raises:
        RuntimeError: an image has not reached its tolerance after `max_iterations`, or holds a NaN or an infinity.
    """
    y, now = objective.y, objective
    out, left = torch.empty_like(y), torch.arange(len(y), device=y.device)
    root = y[0].numel() ** 0.5
    goal = (1 - objective.rho) * (ROUNDING * torch.finfo(y.dtype).eps * _norms(y)).clamp_min(tol * root)
    lipschitz, clock = objective.lipschitz(), y.new_ones(len(y))
    x = v = y
    for _ in range(max_iterations):
        gradient = now.gradient(v)
        reached = _norms(gradient) <= goal
        if bool(reached.any()):
            out[left[reached]] = v[reached]
            keep = (~reached).nonzero().flatten()
            if not len(keep):
                return out
            now, left, goal, lipschitz, clock = now[keep], left[keep], goal[keep], lipschitz[keep], clock[keep]
            x, v, gradient = x[keep], v[keep], gradient[keep]
        stepped = v - gradient / _column(lipschitz)
        uphill = (gradient * (stepped - x)).flatten(1).sum(1) > 0
        clock = torch.where(uphill, 1.0, clock)
        later = (1 + (1 + 4 * clock.square()).sqrt()) / 2
        v = stepped + _column((clock - 1) / later) * (stepped - x)
        x, clock = stepped, later
    worst = float(_norms(now.gradient(v)).max()) / ((1 - now.rho) * root)
    raise RuntimeError(
        f"the denoiser's error bound is {worst:.2g} after {max_iterations} iterations; wanted {tol:.2g}: raise the denoiser's "
        "tol, or use double precision: denoiser.double()."
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
    """w -> H^{-1} w with a symmetric H: it is its own transpose and its own derivative."""

    @staticmethod
    def forward(w: Tensor, solve: Callable[[Tensor], Tensor]) -> Tensor:
        return solve(w)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        ctx.solve = inputs[1]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        return _Solve.apply(grads[0], ctx.solve), None  # type: ignore[no-untyped-call]

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        return _Solve.apply(tangents[0], ctx.solve)  # type: ignore[no-untyped-call]


class _Implicit(torch.autograd.Function):
    """Value x, derivative H^{-1} in the argument `fixed`."""

    @staticmethod
    def forward(fixed: Tensor, x: Tensor, solve: Callable[[Tensor], Tensor]) -> Tensor:
        return x.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        ctx.solve = inputs[2]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        return _Solve.apply(grads[0], ctx.solve), None, None  # type: ignore[no-untyped-call]

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        return _Solve.apply(tangents[0], ctx.solve)  # type: ignore[no-untyped-call]


def implicit(fixed: Tensor, x: Tensor, objective: Objective, tol: float) -> Tensor:
    """The minimiser x of the objective, with the derivatives that it has as a function of y and of the weights.

    At the minimiser x = y - grad R(x). Where y or the weights move, x moves by H^{-1} times the movement of the right side
    at fixed x, H = I + Hess R(x): the implicit function theorem.

    Args:
        fixed: y - grad R(x), differentiable in y and in the weights, where x is held.
    """
    return _Implicit.apply(fixed, x, lambda w: solve_hessian(objective, x, w, tol))  # type: ignore[no-untyped-call]
