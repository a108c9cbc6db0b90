"""How soon a run is good: the iterations and network calls until its PSNR is near its best."""

from __future__ import annotations

import numpy as np
import pandas

from pnp_course.experiments import report
from pnp_course.experiments.experiment import Experiment

GAP = 0.1  # dB below the best that count as reached


def progress(experiment: Experiment, rows: pandas.DataFrame, gap: float = GAP) -> pandas.DataFrame:
    """One line for each run that iterates: when its PSNR first comes within `gap` dB of its best, and what it cost then.

    The columns after the case and the method:

    best: the highest PSNR of the run (dB), best_at: its iteration. last: PSNR of the last iterate minus the best.
    near: the first iteration within `gap` of the best.
    calls: network calls of an iteration. seconds: those of an iteration, on the machine of the run.
    """
    of_case = [name for name in report.case_names(rows) if name != "seed"]
    keys = [name for name in of_case if rows[name].nunique() > 1 or name == "image"]
    keys = [*keys, *(name for name in experiment.groups if name not in keys)]
    found = [(line, _psnr(line["curve"])) for line in rows.to_dict("records")]
    found = [(line, psnr) for line, psnr in found if np.isfinite(psnr).any()]
    lines = []
    for line, psnr in found:
        lines.append({
            **{name: line[name] for name in keys}, "method": line["method"], "iterations": len(psnr),
            "best": round(psnr.max(), 3), "best_at": int(psnr.argmax()) + 1, "last": round(psnr[-1] - psnr.max(), 3),
            "near": int((psnr >= psnr.max() - gap).argmax()) + 1,
            "calls": round(line["network_calls"] / len(psnr), 3), "seconds": round(line["seconds"] / len(psnr), 4),
        })  # fmt: skip
    return pandas.DataFrame(lines)


def _psnr(curve: list[list[float | None]]) -> np.ndarray:
    """The PSNR of each iteration; an iterate without one, as after a divergence, is worse than any."""
    values = np.array([pair[0] for pair in curve], dtype=float)
    return np.nan_to_num(values, nan=-np.inf)
