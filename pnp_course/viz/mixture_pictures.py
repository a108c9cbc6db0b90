"""Pictures of exact priors on the line and in the plane: density, MMSE denoiser, Jacobian."""

from __future__ import annotations

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure

from pnp_course.toy.mixture import GaussianMixture
from pnp_course.viz.figures import SCREEN_DPI, curves


def oracle_figure(mixture: GaussianMixture, sigma: float, low: float = -0.3, high: float = 1.3) -> Figure:
    """Three panels for a prior on the line: density of the noisy pixel, denoiser D, derivative J with its maximum."""
    x = torch.linspace(low, high, 801, dtype=torch.float64)[:, None]
    j = mixture.jacobian(x, sigma)[:, 0, 0]
    top, grid = float(j.max()), x[:, 0]
    flat, ones = torch.tensor([low, high]), torch.ones(2)
    figure = curves(
        [
            {
                "title": f"density of the noisy pixel, noise {sigma:.2f}",
                "xlabel": "x",
                "lines": {"": (grid, mixture.log_density(x, sigma).exp())},
            },
            {
                "title": "MMSE denoiser",
                "xlabel": "x",
                "lines": {"D(x)": (grid, mixture.mmse(x, sigma)[:, 0]), "x": (flat, flat)},
            },
            {
                "title": f"largest J {top:.2f}, gamma {1 / top:.3f}",
                "xlabel": "x",
                "lines": {"J(x)": (grid, j), "1": (flat, ones)},
            },
        ]
    )
    figure.axes[2].set_ylim(0, max(5.0, 1.1 * top))
    return figure


def plane_figure(mixture: GaussianMixture, sigma: float) -> Figure:
    """A prior in the unit square: the steps D(x) - x over the density of x, and the largest eigenvalue of J."""
    r = torch.linspace(0, 1, 90, dtype=torch.float64)
    points, rough = torch.cartesian_prod(r, r), torch.cartesian_prod(r[4::9], r[4::9])
    top = torch.linalg.eigvalsh(mixture.jacobian(points, sigma))[:, -1].reshape(90, 90).T
    density = mixture.log_density(points, sigma).exp().reshape(90, 90).T
    step = mixture.mmse(rough, sigma) - rough
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), dpi=SCREEN_DPI)
    axes[0].contour(r, r, density, 6, colors="0.6")
    axes[0].quiver(*rough.T, *step.T, angles="xy", scale_units="xy", scale=1, width=0.005)
    axes[0].set(title="density of x, and the steps D(x) - x", aspect="equal")
    heat = axes[1].imshow(top, origin="lower", extent=(0, 1, 0, 1), cmap="cividis")
    axes[1].contour(r, r, top, [1.0], colors="white", linewidths=2)
    axes[1].set(title="largest eigenvalue of J; white line: 1")
    figure.colorbar(heat, ax=axes[1], fraction=0.046, pad=0.04)
    for ax in axes:
        ax.title.set_fontsize(9)
    figure.tight_layout(pad=0.5)
    plt.close(figure)
    return figure
