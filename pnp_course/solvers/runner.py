"""`run`: draw iterates from a solver until a stop rule holds; keep history; notice NaN and divergence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from pnp_course.solvers.iterate import Iterate

if TYPE_CHECKING:
    import pandas

Monitor = Callable[[Iterate], float]


class DivergenceError(RuntimeError):
    """A solver produced NaN, infinity, or an iterate that keeps growing. `result` holds the run up to there."""

    def __init__(self, message: str, result: Result):
        super().__init__(message)
        self.result = result


@dataclass
class Result:
    """Outcome of `run`.

    x: the last image (B, C, H, W). iterate: the last Iterate, with the algorithm's variables.
    rows: one dictionary per iteration: iteration, seconds, relative_change, and the monitors' values.
    stopped_by: "tolerance", "max_iter", "max_seconds", "end of the solver" or "interrupted".
    """

    iterate: Iterate
    rows: list[dict[str, float]] = field(default_factory=list)
    stopped_by: str = ""

    @property
    def x(self) -> Tensor:
        """The image of the last iterate."""
        return self.iterate.x

    @property
    def history(self) -> pandas.DataFrame:
        """The rows as a table indexed by iteration."""
        import pandas

        columns = None if self.rows else ["iteration", "seconds", "relative_change"]
        return pandas.DataFrame(self.rows, columns=columns).set_index("iteration")


def _complain(k: int, quantity: str, what: str, result: Result) -> DivergenceError:
    return DivergenceError(
        f"iteration {k}: {quantity} {what}. Likely causes: a step size or lam too large for the theorem, "
        "a denoiser that is expansive at these iterates, or an observation on another scale than [0, 1].",
        result,
    )


def run(
    solver: Iterable[Iterate], max_iter: int = 100, *, tol: float = 0.0, max_seconds: float = float("inf"),
    monitors: Mapping[str, Monitor] | None = None, progress: bool = False, callback: Callable[[Iterate], None] | None = None,
) -> Result:  # fmt: skip
    """Run a solver.

    Args:
        solver: a generator of iterates, such as `coco_admm(...)`.
        max_iter: most iterations.
        tol: stop once ||x_k - x_{k-1}|| / ||x_k|| is at most this; 0: never.
        max_seconds: stop after this long.
        monitors: name -> function of the iterate; its value goes into the history.
        progress: show a progress bar.
        callback: called with each iterate, for live pictures.

    Ctrl-C ends the run and keeps the last iterate.

    Raises:
        DivergenceError: NaN or infinity in x, or x grown to 10^4 times its first size (or that of a white picture);
            names iteration and likely cause.
        ValueError: max_iter < 1.
    """
    if max_iter < 1:
        raise ValueError(f"max_iter is {max_iter}; wanted at least 1.")
    from tqdm.auto import tqdm

    begun, before, scale = time.perf_counter(), None, 0.0
    result = Result(Iterate(torch.empty(0)))
    iterates = iter(solver)
    bar = tqdm(total=max_iter, disable=not progress)
    try:
        with torch.no_grad(), bar:
            for k in range(1, max_iter + 1):
                iterate = next(iterates, None)
                if iterate is None:
                    result.stopped_by = "end of the solver"
                    break
                norm = float(iterate.x.norm())
                if norm != norm or norm == float("inf"):
                    raise _complain(k, "x", "holds NaN or infinity", result)
                scale = scale or max(norm, iterate.x.numel() ** 0.5)  # a picture of ones has the norm sqrt(numel)
                if norm > 1e4 * scale:
                    raise _complain(k, "||x||", f"is {norm:.3g}, it began at most at {scale:.3g}", result)
                change = float("nan") if before is None else float((iterate.x - before).norm()) / max(norm, 1e-30)
                before, result.iterate = iterate.x, iterate
                row = {"iteration": k, "seconds": time.perf_counter() - begun, "relative_change": change}
                row |= {name: monitor(iterate) for name, monitor in (monitors or {}).items()}
                result.rows.append(row)
                bar.update()
                if callback:
                    callback(iterate)
                if tol > 0 and change <= tol:
                    result.stopped_by = "tolerance"
                    break
                if row["seconds"] > max_seconds:
                    result.stopped_by = "max_seconds"
                    break
            else:
                result.stopped_by = "max_iter"
    except KeyboardInterrupt:
        if not result.rows:
            raise
        result.stopped_by = "interrupted"
    if not result.rows:
        raise ValueError("the solver yielded nothing: its schedule is empty.")
    return result
