"""What a denoiser satisfies at given images: both ends of the spectrum, asymmetry, and the theorems that then hold.

Power iteration on 2 gamma J - I alone misleads: most eigenvalues of a denoiser's Jacobian lie near 0, so that operator
has a cluster near -1, and a few iterations see only that. Here the two ends of the symmetric part S = (J + J^T) / 2 are
found by a Lanczos method (scipy's eigsh), and the norms by power iteration with a tolerance.

A certificate speaks of the points where it was taken, not of all images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator as ScipyOperator
from scipy.sparse.linalg import eigsh
from torch import Tensor

from pnp_course._checks import check_image
from pnp_course.denoisers.base import Denoise
from pnp_course.jacobian import Linearized, affine, antisymmetry, power_iteration
from pnp_course.theory import averaging_bound


@dataclass(frozen=True)
class Certificate:
    """Constants of a denoiser at B images, each (B,); see `certify`.

    lambda_min, lambda_max: ends of the spectrum of S = (J + J^T) / 2.
    asymmetry: ||J - J^T||_*. norm: ||J||_*. residual: ||I - J||_*.
    evaluations: products with J or J^T made for one image, each about one network evaluation.
    """

    lambda_min: Tensor
    lambda_max: Tensor
    asymmetry: Tensor
    norm: Tensor
    residual: Tensor
    evaluations: float

    @property
    def gamma(self) -> float:
        """Cocoercivity constant of the symmetric part, over all images: 1 / max(lambda_max, 1)."""
        return 1 / max(float(self.lambda_max.max()), 1.0)

    @property
    def delta(self) -> float:
        """How far the spectrum of the symmetric part reaches below 0."""
        return max(0.0, -float(self.lambda_min.min()))

    @property
    def averaging_bound(self) -> float:
        """The largest t that Theorem 4.1 allows, with gamma and delta as measured (asymmetry left aside)."""
        return averaging_bound(self.gamma, self.delta)

    def summary(self) -> dict[str, float]:
        """Mean, standard deviation and worst value of each constant, rounded to five digits."""
        out: dict[str, float] = {}
        for name in ("lambda_min", "lambda_max", "asymmetry", "norm", "residual"):
            values = getattr(self, name).double()
            worst = values.min() if name == "lambda_min" else values.max()
            spread = values.std() if len(values) > 1 else torch.zeros(())
            out |= {f"{name}_mean": float(values.mean()), f"{name}_std": float(spread), f"{name}_worst": float(worst)}
        out |= {"gamma": self.gamma, "delta": self.delta, "averaging_bound": self.averaging_bound}
        return {key: round(value, 5) for key, value in out.items()}


def symmetric_ends(denoise: Denoise, x: Tensor, tol: float = 1e-4) -> tuple[float, float, int]:
    """Smallest and largest eigenvalue of S = (J + J^T) / 2 at one image x (1, C, H, W), and the products it took."""
    lin, count = Linearized(denoise, x), 0

    def apply(v: np.ndarray) -> np.ndarray:
        nonlocal count
        count += 2
        w = torch.from_numpy(np.ascontiguousarray(v.reshape(x.shape))).to(x)
        return ((lin.j(w) + lin.jt(w)) / 2).detach().double().cpu().numpy().ravel()

    n = x.numel()
    operator = ScipyOperator((n, n), matvec=apply, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(n)
    options = {"v0": start, "tol": tol, "ncv": min(n, 40), "return_eigenvectors": False}
    low, high = (float(eigsh(operator, 1, which=which, **options)[0]) for which in ("SA", "LA"))
    return low, high, count


def certify(denoise: Denoise, x: Tensor, iterations: int = 200, tol: float = 1e-4) -> Certificate:
    """Certificate of `denoise` at the images x (B, C, H, W), float32 or float64.

    Args:
        denoise: x -> D(x) at a fixed noise level.
        iterations, tol: of the power iterations for the three norms (which approach them from below); `tol` also of
            Lanczos.

    Cost: about 50 to 200 network evaluations for each end and each norm; `evaluations` says how many.
    """
    check_image(x)
    ends = [symmetric_ends(denoise, image[None], tol) for image in x]
    lin, start = Linearized(denoise, x), torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).to(x)
    maps = {"asymmetry": antisymmetry(lin), "norm": affine(lin, 0, 1), "residual": affine(lin, 1, -1)}
    found = {name: power_iteration(m, start, iterations, tol) for name, m in maps.items()}
    return Certificate(
        lambda_min=torch.tensor([e[0] for e in ends]),
        lambda_max=torch.tensor([e[1] for e in ends]),
        evaluations=sum(e[2] for e in ends) / len(ends) + 2 * sum(f.iterations for f in found.values()),
        **{name: f.norm for name, f in found.items()},
    )
