"""Gain and read-out noise of a camera from one picture: variances of patches of equal mean lie on a straight line.

For y = gain Poisson(x / gain) + read_out n, Var y = gain x + read_out^2. Patches are sorted by brightness and divided into
groups. In each, those with the least energy in low frequencies of the cosine transform are taken as flat, and their high
frequencies are noise. For Gaussian noise the two are independent, so that the choice does not make the noise look weaker
(the idea of Ponomarenko, Lukin, Zriakhov, Kaarna and Astola 2007). Then a line is fitted robustly, after Foi, Trimeche,
Katkovnik and Egiazarian, "Practical Poissonian-Gaussian noise modeling and fitting for single-image raw-data", 2008.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pnp_course._checks import check_image

SIDE, GROUP, FEWEST, MOST = (
    8,
    1000,
    4,
    24,
)  # pixels; patches of a group; groups that a line needs, and those of a channel
LOW, HIGH, SHARE = 5, 8, 0.05  # sums of two frequencies, below and above; share of the patches that are taken as flat
ROUNDS = 50  # of reweighting


@dataclass(frozen=True)
class CameraNoise:
    """gain: intensity of one photon. read_out: standard deviation of the read-out noise. means, variances: (groups,)."""

    gain: float
    read_out: float
    means: Tensor
    variances: Tensor


def camera_noise(
    y: Tensor, black: float | None = None, white: float | None = None, quantile: float = 0.5
) -> CameraNoise:
    """Gain and read-out noise of one picture (1, C, H, W), whose channels are taken to have the same.

    Args:
        black, white: where the sensor clips. Patches with a pixel at or beyond them are left out, for their variance is
            too small. None: nothing is clipped on this side.
        quantile: share of the groups, between 0 and 1, whose variance lies below the line. One half is the median. Texture
            only ever adds variance, so that a smaller share is better where no patch is really flat.

    Raises:
        ValueError: y is no single finite picture, or too few patches are left, as where all of it is overexposed, or the
            quantile is not between 0 and 1.
    """
    if not 0 < quantile < 1:
        raise ValueError(f"quantile is {quantile}; wanted a share of the groups, 0 < quantile < 1.")
    if check_image(y, "y").shape[0] != 1:
        raise ValueError(f"y has {len(y)} pictures; wanted one, (1, C, H, W).")
    means, variances = groups(y, black, white)
    if len(means) < FEWEST or float(means.max() - means.min()) <= 1e-6:
        raise ValueError(
            f"only {len(means)} groups of {GROUP} patches of different brightness and without a clipped pixel were found; "
            f"wanted at least {FEWEST}: the picture is too small, all of one brightness, or overexposed."
        )
    slope, start = line(means, variances, quantile)
    return CameraNoise(slope, max(start, 0.0) ** 0.5, means, variances)


def cosines(side: int) -> Tensor:
    """The orthonormal basis of the discrete cosine transform, a row for each frequency (side, side)."""
    place = (torch.arange(side, dtype=torch.float64) + 0.5) * torch.pi / side
    basis = torch.cos(torch.arange(side, dtype=torch.float64)[:, None] * place) * (2 / side) ** 0.5
    basis[0] /= 2**0.5
    return basis


def groups(y: Tensor, black: float | None, white: float | None) -> tuple[Tensor, Tensor]:
    """Means and noise variances (groups,) of patches sorted by brightness, channel by channel."""
    basis, frequency = cosines(SIDE), torch.arange(SIDE)
    order = (frequency[:, None] + frequency).flatten()
    low, high = (order > 0) & (order <= LOW), order >= HIGH
    transform = torch.kron(basis, basis).T
    means, variances = [], []
    for channel in y[0].detach().cpu().double():
        patches = (
            F.unfold(channel[None, None], SIDE)[0].T if min(channel.shape) >= SIDE else channel.new_zeros(0, SIDE**2)
        )
        if black is not None:
            patches = patches[patches.amin(1) > black]
        if white is not None:
            patches = patches[patches.amax(1) < white]
        count = min(len(patches) // GROUP, MOST)
        for part in (patches[patches.mean(1).argsort()] @ transform).chunk(count) if count else ():
            flat = part[part[:, low].square().sum(1).argsort()[: round(len(part) * SHARE)]]
            means.append(float(flat[:, 0].mean()) / SIDE)
            variances.append(float(flat[:, high].square().mean()))
    return torch.tensor(means, dtype=torch.float64), torch.tensor(variances, dtype=torch.float64)


def line(means: Tensor, variances: Tensor, quantile: float = 0.5) -> tuple[float, float]:
    """Slope >= 0 and value at 0, >= 0, of a line through points whose errors are proportional to their variance.

    Least absolute relative deviations, by least squares with weights anew: an outlier, such as a group of texture, counts
    by its distance and not by its square. Deviations upwards are weighed by `quantile`, and those downwards by 1 minus it
    (Koenker and Bassett 1978).
    """
    design = torch.stack([means, torch.ones_like(means)], 1)
    fitted = variances.clamp_min(1e-12)
    floor = float(variances.median().clamp_min(1e-12)) * 1e-3
    weight = 1 / fitted
    solution = torch.zeros(2, dtype=torch.float64)
    for _ in range(ROUNDS):
        solution = torch.linalg.lstsq(weight[:, None] * design, (weight * variances)[:, None]).solution[:, 0]
        if float(solution[1]) < 0:  # the best line with the value 0 at 0
            slope = (weight**2 * means * variances).sum() / (weight**2 * means**2).sum()
            solution = torch.stack([slope, torch.zeros_like(slope)])
        if float(solution[0]) < 0:
            level = (weight**2 * variances).sum() / (weight**2).sum()
            solution = torch.stack([torch.zeros_like(level), level])
        fitted = (design @ solution).clamp_min(floor)
        relative = (variances - fitted).abs() / fitted
        side = torch.where(variances > fitted, 2 * quantile, 2 * (1 - quantile))
        weight = side.sqrt() / (fitted * relative.clamp_min(0.02).sqrt())
    return float(solution[0]), float(solution[1])
