"""GS-PnP: proximal gradient descent on an explicit objective, for gradient-step denoisers D = I - grad g ([A] section 2).

The objective F(x) = f(x) + lam g(x) has a formula, so it can be watched, and a line search needs no Lipschitz constant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from pnp_course._checks import check_positive
from pnp_course.denoisers.gradient_step import GradientStep
from pnp_course.fidelities import Fidelity
from pnp_course.solvers.iterate import Iterate

WithValue = Callable[[Tensor], tuple[Tensor, Tensor]]


def at_sigma_with_value(denoiser: GradientStep, sigma: float) -> WithValue:
    """x -> (D(x, sigma), g(x, sigma)) at a fixed noise level, from one evaluation: what these solvers take."""
    return lambda x: denoiser.denoise_and_value(x, sigma)


def gs_pnp_pgd(
    fidelity: Fidelity, denoise_and_value: WithValue, x0: Tensor, *, lam: float, tau: float | None = None,
    c: float = 0.1, eta: float = 0.9, smallest: float = 1e-8,
) -> Iterator[Iterate]:  # fmt: skip
    """GS-PnP-PGD with backtracking, [A] Algorithm 1, on F = f + lam g.

        x_{k+1} = prox_{tau f}(x_k - tau lam grad g(x_k)) = prox_{tau f}(tau lam D(x_k) + (1 - tau lam) x_k)
        accepted if F(x_k) - F(x_{k+1}) >= (c / tau) ||x_k - x_{k+1}||^2, else tau <- eta tau and again

    For 0 < c < 1/2 the search ends, F(x_k) decreases and converges, and min_k ||x_{k+1} - x_k|| = O(1 / sqrt(k)); limit
    points are critical. Potential and gradient at a try come from one evaluation, which serves the next iteration when
    the try is accepted; so without rejections one evaluation an iteration (and one at the start).

    Args:
        denoise_and_value: x -> (D(x), g(x)), see `at_sigma_with_value`.
        x0: the start; the first x is prox_{tau f}(x0).
        lam: weight of g (not of the fidelity, as elsewhere).
        tau: first step; 1 / lam by default, for which the first point of the prox is D(x).
        c, eta: of the line search; the authors' 0.1 and 0.9.
        smallest: the run ends once tau falls below this.

    Yields:
        Iterate with x = tau lam D(x_k) + (1 - tau lam) x_k, the image the authors show; u = x_{k+1}, objective
        F(x_{k+1}), tau, evaluations (of the denoiser so far) and rejected (tries so far).
    """
    check_positive(lam, "lam")
    tau = check_positive(tau if tau is not None else 1 / lam, "tau")
    if not 0 < c < 0.5 or not 0 < eta < 1:
        raise ValueError(f"c is {c} and eta {eta}; wanted 0 < c < 1/2 and 0 < eta < 1.")
    fidelity.reset()
    x = fidelity.prox(x0, tau)
    d, g = denoise_and_value(x)
    fit, prior = fidelity.value(x), lam * float(g.sum())
    evaluations, rejected = 1, 0
    while tau >= smallest:
        z = tau * lam * d + (1 - tau * lam) * x
        new = fidelity.prox(z, tau)
        d_new, g_new = denoise_and_value(new)
        evaluations += 1
        fit_new, prior_new = fidelity.value(new), lam * float(g_new.sum())
        decrease = (fit - fit_new) + (prior - prior_new)
        rounding = 4 * torch.finfo(x.dtype).eps * (abs(fit) + prior)  # near the limit F cannot be told any better
        if decrease < (c / tau) * float((new - x).double().square().sum()) - rounding:
            tau, rejected = eta * tau, rejected + 1
            continue
        x, d, fit, prior = new, d_new, fit_new, prior_new
        yield Iterate(z, u=x, objective=fit + prior, tau=tau, evaluations=evaluations, rejected=rejected)
