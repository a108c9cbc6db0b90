"""Experiments: tables and figures of the papers, computed again by `python -m pnp_course reproduce NAME`.

Each is declared in a module of its own (`experiment.py` says how); `tradeoff.py` trains networks and is run by itself.
Speed is measured in the folder benchmarks/, not here.
"""

from __future__ import annotations

from importlib import import_module

from pnp_course.experiments.experiment import Experiment

# name -> module of this folder, which declares it as EXPERIMENT
DECLARED = {
    "averaging-sweep": "averaging_sweep",
    "blind": "blind_table",
    "ct": "ct_table",
    "deblurring": "deblurring_table",
    "deconvolution": "deconvolution_table",
    "denoiser-exchange": "denoiser_exchange",
    "denoising": "denoising_table",
    "envelope-sweep": "envelope_sweep",
    "extreme": "extreme_table",
    "holes-sweep": "holes_sweep",
    "inpainting": "inpainting_table",
    "poisson-denoising": "poisson_denoising",
    "raw": "raw_table",
    "robustness": "robustness",
    "schedule-sweep": "schedule_sweep",
    "single-photon": "single_photon_table",
    "step-sweep": "step_sweep",
    "strength-sweep": "strength_sweep",
    "super-resolution": "super_resolution_table",
    "try-out": "try_out",
}


def experiment_named(name: str) -> Experiment:
    """The experiment of this name.

    Raises:
        ValueError: there is none; the message lists them.
    """
    if name not in DECLARED:
        raise ValueError(f"there is no experiment {name!r}; wanted one of {', '.join(DECLARED)}.")
    experiment: Experiment = import_module(f"pnp_course.experiments.{DECLARED[name]}").EXPERIMENT
    return experiment
