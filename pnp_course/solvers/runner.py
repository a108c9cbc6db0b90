"""`run` takes iterates from a solver until a stop rule holds, keeps their history, and notices NaN and divergence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from pnp_course._checks import check_count
from pnp_course._progress import progress_bar
from pnp_course.solvers.iterate import Iterate

if TYPE_CHECKING:
    import pandas

Monitor = Callable[[Iterate], float]


class DivergenceError(RuntimeError):
    """A solver produced NaN, infinity, or an iterate that keeps growing. `result` holds the run up to this iterate."""

    def __init__(self, message: str, result: Result):
        super().__init__(message, result)  # both in `args`, so that it can be copied and sent between processes
        self.message, self.result = message, result

    def __str__(self) -> str:
        return self.message


@dataclass
class Result:
    """The result of `run`.

    x: the last image (B, C, H, W). iterate: the last Iterate, with the algorithm's variables.
    rows: one dictionary per iteration: iteration, seconds, relative_change, and the monitors' values.
    stopped_by: "tolerance", "max_iter", "max_seconds", "end of the solver", "interrupted", or, with a DivergenceError,
        "divergence".
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


def _complain(k: int, trouble: str, result: Result) -> DivergenceError:
    return DivergenceError(
        f"iteration {k}: {trouble}. Likely causes: a step size or lam too large for the theorem, "
        "a denoiser that is expansive at these iterates, or an observation on another scale than [0, 1].",
        result,
    )


class _Watch:
    """Watches whether an image of the batch becomes NaN or grows, and by how much the last step changed it."""

    def __init__(self) -> None:
        self.before: Tensor | None = None
        self.scale: Tensor | None = None

    def __call__(self, x: Tensor) -> tuple[str, float]:
        """What is wrong with x, in words or empty, and ||x_k - x_{k-1}|| / ||x_k|| of the image that moved most."""
        norms = x.flatten(1).norm(dim=1)
        if self.scale is None:  # a picture of ones has the norm sqrt(numel)
            self.scale = norms.clamp_min(x[0].numel() ** 0.5)
        if not bool(torch.isfinite(norms).all()):
            return "x holds NaN or infinity", float("nan")
        ratio = norms / self.scale
        if float(ratio.max()) > 1e4:
            i = int(ratio.argmax())
            return f"||x|| is {float(norms[i]):.3g}, it began at most at {float(self.scale[i]):.3g}", float("nan")
        change = float("nan")
        if self.before is not None:
            change = float(((x - self.before).flatten(1).norm(dim=1) / norms.clamp_min(1e-30)).max())
        self.before = x
        return "", change


def run(
    solver: Iterable[Iterate],
    max_iter: int = 100,
    *,
    tol: float = 0.0,
    max_seconds: float = float("inf"),
    monitors: Mapping[str, Monitor] | None = None,
    progress: bool = False,
    callback: Callable[[Iterate], None] | None = None,
) -> Result:
    """Run a solver.

    Args:
        solver: a generator of iterates, such as `coco_admm(...)`.
        max_iter: the largest number of iterations.
        tol: stop once ||x_k - x_{k-1}|| / ||x_k|| is at most this for every image of the batch; 0 never stops the run.
        max_seconds: stop after this time.
        monitors: name -> function of the iterate, whose value goes into the history. A monitor that remembers something
            between iterates has a method `begin`, which is called at the start of each run.
        progress: show a progress bar.
        callback: called with each iterate, for live pictures.

    Ctrl-C ends the run and keeps the last iterate.

    Raises:
        DivergenceError: x holds NaN or infinity, or has grown to 10^4 times its first norm (or that of a white
            picture); the message names the iteration and likely causes.
        ValueError: max_iter < 1 or tol < 0, or the solver yields nothing.

    Example:
        >>> from pnp_course.fidelities import Gaussian
        >>> from pnp_course.operators import Identity
        >>> from pnp_course.solvers import pgd
        >>> y = torch.full((1, 1, 4, 4), 0.5)
        >>> result = run(pgd(Gaussian(Identity(), y), lambda z: z, torch.zeros_like(y), lam=1.0), max_iter=5)
        >>> round(float(result.x.mean()), 4), len(result.rows)
        (0.5, 5)
    """
    max_iter = check_count(max_iter, "max_iter")
    if not max_seconds >= 0:
        raise ValueError(f"max_seconds is {max_seconds}; wanted a number of seconds >= 0.")
    if not tol >= 0:
        raise ValueError(f"tol is {tol}; wanted a relative change >= 0; 0 never stops the run.")
    monitors = monitors or {}
    for monitor in monitors.values():  # what a monitor remembers belongs to one run
        getattr(monitor, "begin", lambda: None)()
    begun, watch, iterates = time.perf_counter(), _Watch(), iter(solver)
    rows: list[dict[str, float]] = []
    last: Iterate | None = None
    stopped_by = "max_iter"
    bar = progress_bar(progress, total=max_iter)
    try:
        with torch.no_grad(), bar:
            for k in range(1, max_iter + 1):
                iterate = next(iterates, None)
                if iterate is None:
                    stopped_by = "end of the solver"
                    break
                seconds = time.perf_counter() - begun
                trouble, change = watch(iterate.x)
                if trouble:
                    raise _complain(k, trouble, Result(last or iterate, rows, "divergence"))
                row = {"iteration": k, "seconds": seconds, "relative_change": change}
                row |= {name: monitor(iterate) for name, monitor in monitors.items()}
                last = iterate
                rows.append(row)
                bar.update()
                if callback:
                    callback(iterate)
                if tol > 0 and change <= tol:
                    stopped_by = "tolerance"
                    break
                if seconds > max_seconds:
                    stopped_by = "max_seconds"
                    break
    except KeyboardInterrupt:
        if last is None:
            raise
        stopped_by = "interrupted"
    if last is None:
        raise ValueError("the solver yielded nothing: its schedule is empty.")
    return Result(last, rows, stopped_by)
