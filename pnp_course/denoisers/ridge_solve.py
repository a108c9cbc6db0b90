"""The minimisation behind a ridge denoiser, with a certified error, and its implicit derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pnp_course.denoisers.ridge_filters import Reflected
from pnp_course.denoisers.ridge_profile import Profile

ROUNDING = 30  # the gradient's rounding error is below this many units in the last place of its terms, measured
QUICK, MEMORY = 100, 4  # gradients for L-BFGS before it gives way to Nesterov's method; pairs that it remembers


def _norms(x: Tensor) -> Tensor:
    return x.flatten(1).norm(dim=1)


def _inner(a: Tensor, b: Tensor) -> Tensor:
    return _column((a * b).flatten(1).sum(1))


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
        pull = self.operator.sandwich(x, lambda z, _: self.profile.replace_by_derivative(z))
        return pull.add_(x).sub_(self.y)

    def start(self) -> Tensor:
        """A point near the minimiser: y without the answers of the filters that are more likely noise than detail."""
        return self.y - self.operator.sandwich(self.y, lambda z, _: self.profile.near(z))

    def value(self, x: Tensor) -> Tensor:
        """The objective (B,)."""
        return self.profile.value(self.operator.apply(x)) + 0.5 * (x - self.y).flatten(1).square().sum(1)


class QuasiNewton:
    """Steps of L-BFGS (Nocedal 1980) without a search along the line, each image with its own memory of the last pairs.

    On ridge objectives it needs about half the gradients of Nesterov's method, but nothing is proved of it.
    """

    def __init__(self, objective: Objective):
        self.first = _column(2 / objective.lipschitz())  # the first step, a gradient step, is nonexpansive
        self.pairs: list[tuple[Tensor, Tensor, Tensor]] = []  # moves, changes of the gradient, their inner product
        self.last: tuple[Tensor, Tensor] | None = None

    def keep(self, index: Tensor) -> None:
        """Go on with some of the images."""
        self.first = self.first[index]
        self.pairs = [(s[index], u[index], product[index]) for s, u, product in self.pairs]
        if self.last:
            self.last = self.last[0][index], self.last[1][index]

    def step(self, x: Tensor, gradient: Tensor) -> Tensor:
        """The next point, from the gradient at x, the point given before."""
        if self.last:
            s, u = x - self.last[0], gradient - self.last[1]
            product = _inner(s, u).clamp_min(torch.finfo(x.dtype).tiny)  # positive up to rounding: strong convexity
            self.pairs = [*self.pairs[1 - MEMORY :], (s, u, product)]
        self.last = x, gradient
        if not self.pairs:
            return x - self.first * gradient
        q, shares = gradient.clone(), []
        for s, u, product in reversed(self.pairs):
            shares.append(_inner(s, q) / product)
            q -= shares[-1] * u
        _, u, product = self.pairs[-1]
        q *= product / _inner(u, u).clamp_min(torch.finfo(x.dtype).tiny)
        for (s, u, product), share in zip(self.pairs, reversed(shares), strict=True):
            q += (share - _inner(u, q) / product) * s
        return x - q


class Nesterov:
    """Nesterov's method with constant momentum, for functions that are m-strongly convex with an L-Lipschitz gradient.

    The value falls by the factor 1 - sqrt(m / L) in each step, up to a constant. Source: Nesterov 2018, section 2.2.1.
    """

    def __init__(self, objective: Objective, x: Tensor):
        self.lipschitz, self.x = _column(objective.lipschitz()), x
        ratio = ((1 - objective.rho) / self.lipschitz).sqrt()
        self.momentum = (1 - ratio) / (1 + ratio)

    def keep(self, index: Tensor) -> None:
        """Go on with some of the images."""
        self.lipschitz, self.x, self.momentum = self.lipschitz[index], self.x[index], self.momentum[index]

    def step(self, v: Tensor, gradient: Tensor) -> Tensor:
        """The next point, from the gradient at v, the point given before."""
        stepped = v - gradient / self.lipschitz
        last, self.x = self.x, stepped
        return stepped + self.momentum * (stepped - last)


@torch.no_grad()
def minimise(objective: Objective, tol: float, max_iterations: int) -> Tensor:
    """The minimiser (B, C, H, W), each image with a root mean squared error of at most `tol`, in units of intensity.

    The error of x is at most ||gradient at x|| / (1 - rho), because the objective is (1 - rho)-strongly convex: iterations
    stop when this bound is reached, each image alone. Where `tol` is below the rounding error, that of pictures far
    outside [0, 1] in single precision, ROUNDING times the image's root mean square is taken for it.

    The fast method goes first; what it has not solved after QUICK gradients is left to the one that is proved, which
    begins anew.

    Raises:
        RuntimeError: an image has not reached its tolerance after `max_iterations`, or holds a NaN or an infinity.
    """
    y, now = objective.y, objective
    out, left = torch.empty_like(y), torch.arange(len(y), device=y.device)
    root = y[0].numel() ** 0.5
    goal = (1 - objective.rho) * (ROUNDING * torch.finfo(y.dtype).eps * _norms(y)).clamp_min(tol * root)
    x = now.start()
    method: QuasiNewton | Nesterov = QuasiNewton(now)
    for iteration in range(max_iterations):
        if iteration == QUICK:
            x = now.start()
            method = Nesterov(now, x)
        gradient = now.gradient(x)
        reached = _norms(gradient) <= goal
        if bool(reached.any()):
            out[left[reached]] = x[reached]
            keep = (~reached).nonzero().flatten()
            if not len(keep):
                return out
            now, left, goal, x, gradient = now[keep], left[keep], goal[keep], x[keep], gradient[keep]
            method.keep(keep)
        x = method.step(x, gradient)
    worst = float(_norms(now.gradient(x)).max()) / ((1 - now.rho) * root)
    raise RuntimeError(
        f"the denoiser's error bound is {worst:.2g} after {max_iterations} iterations; wanted {tol:.2g}: raise the denoiser's "
        "tol, or use double precision: denoiser.double()."
    )


@torch.no_grad()
def solve_hessian(objective: Objective, x: Tensor, right: Tensor, tol: float, max_iterations: int = 500) -> Tensor:
    """(I + W^T psi''(W x) W)^{-1} right by conjugate gradients, each image until ||residual|| <= tol ||right||."""
    weights = objective.profile.curvature(objective.operator.apply(x))

    def hessian(p: Tensor) -> Tensor:
        return p + objective.operator.sandwich(p, lambda z, rows: z.mul_(weights[..., rows, :]))

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
