"""Noise levels estimated from one picture each, on the 68 photographs of CBSD68.

python benchmarks/noise_level.py        writes benchmarks/results/noise-level.csv and prints a summary

Gaussian noise of 5 to 40 of 255, by patches and by wavelets; and photon counts with read-out noise, by the line of variances
over means. A row is one photograph with one noise. Nothing was tuned on these photographs.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch

from pnp_course import noise
from pnp_course.camera_noise import expose
from pnp_course.experiments.deconvolution_table import pictures
from pnp_course.noise_level import camera_noise, patch_sigma, wavelet_sigma

FILE = Path(__file__).parent / "results" / "noise-level.csv"
SIGMAS = (5, 10, 20, 30, 40)  # of 255
CAMERAS = ((0.01, 0.02), (0.03, 0.03))  # gain, read-out noise


def rows() -> list[dict[str, float | str]]:
    """One row for each photograph and noise: the true parameter, and each estimate divided by it."""
    out: list[dict[str, float | str]] = []
    for k, clean in enumerate(pictures("cbsd68")):
        for sigma in SIGMAS:
            y = noise.gaussian(clean, sigma / 255, torch.Generator().manual_seed(k))
            for name, estimate in (("patches", patch_sigma), ("wavelet", wavelet_sigma)):
                ratio = float(estimate(y)) * 255 / sigma
                out.append({"image": k, "noise": f"sigma {sigma}", "estimate": name, "ratio": round(ratio, 4)})
        for gain, read_out in CAMERAS:
            y = expose(clean, gain, read_out, torch.Generator().manual_seed(k))
            found = camera_noise(y)
            for name, ratio in (("gain", found.gain / gain), ("read-out", found.read_out / read_out)):
                told = f"gain {gain}, read-out {read_out}"
                out.append({"image": k, "noise": told, "estimate": name, "ratio": round(ratio, 4)})
    return out


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Median of the ratio, median of its error, and the shares within 5 and 10 %, for each noise and estimate."""
    error = (table["ratio"] - 1).abs()
    facts = {
        "median ratio": table["ratio"],
        "median error": error,
        "within 5 %": error < 0.05,
        "within 10 %": error < 0.1,
    }
    parts = pd.concat([table[["noise", "estimate"]], pd.DataFrame(facts)], axis=1).groupby(
        ["noise", "estimate"], sort=False
    )
    shares = parts[["within 5 %", "within 10 %"]].mean()
    return parts[["median ratio", "median error"]].median().join(shares).round(3)


if __name__ == "__main__":
    table = pd.DataFrame(rows())
    table.to_csv(FILE, index=False, lineterminator="\n")
    print(summary(table).to_string())
