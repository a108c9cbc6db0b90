"""Experiments: tables and figures of the papers, computed again by `python -m pnp_course reproduce NAME`.

Each is declared in a module of its own (`experiment.py` says how); `tradeoff.py` trains networks and is run by itself.
Speed is measured in the folder benchmarks/, not here.
"""

from __future__ import annotations

from pnp_course.experiments.experiment import Experiment


def experiments() -> dict[str, Experiment]:
    """Every declared experiment by name."""
    from pnp_course.experiments.deconvolution_table import DECONVOLUTION
    from pnp_course.experiments.try_out import TRY_OUT

    return {e.name: e for e in (DECONVOLUTION, TRY_OUT)}


def experiment_named(name: str) -> Experiment:
    """The experiment of this name.

    Raises:
        ValueError: there is none; the message lists them.
    """
    known = experiments()
    if name not in known:
        raise ValueError(f"there is no experiment {name!r}; wanted one of {', '.join(known)}.")
    return known[name]
