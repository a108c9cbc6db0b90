"""Do jobs: one after the other, in several processes of this machine (joblib), or on a cluster (Dask)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import torch

from pnp_course.experiments.job import Job

Work = Callable[[Job], dict[str, Any]]


class WorkerError(RuntimeError):
    """A process that did jobs has died, or a cluster cannot be reached."""


class _One:
    """Does a job in one thread, so that processes do not take each other's cores; picklable."""

    def __init__(self, work: Work, threads: int):
        self.work, self.threads = work, threads

    def __call__(self, job: Job) -> tuple[Job, dict[str, Any]]:
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            return job, self.work(job)
        finally:
            torch.set_num_threads(before)


def finished(
    jobs: list[Job], work: Work, processes: int = 1, cluster: str = ""
) -> Iterator[tuple[Job, dict[str, Any]]]:
    """Each job with its row, as soon as it is done, in any order.

    Args:
        work: job -> row, a function that can be pickled.
        processes: how many processes of this machine work; 1 is this process.
        cluster: the address of a Dask scheduler, such as tcp://10.0.0.1:8786; its workers need this package.

    Raises:
        WorkerError: a worker of this machine died (a cluster gives its jobs to the others, unless they die of the same
            job), or no cluster answers.
    """
    if cluster:
        return _on_cluster(jobs, _One(work, 1), cluster)
    if processes == 1 or len(jobs) < 2:
        return map(_One(work, torch.get_num_threads()), jobs)
    return _in_processes(jobs, _One(work, max(1, (os.cpu_count() or 1) // processes)), processes)


def _in_processes(jobs: list[Job], one: _One, processes: int) -> Iterator[tuple[Job, dict[str, Any]]]:
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        yield from Parallel(n_jobs=processes, return_as="generator_unordered", batch_size=1)(
            delayed(one)(job) for job in jobs
        )
    except TerminatedWorkerError:
        raise WorkerError(
            "a worker process was killed, perhaps for lack of memory; finished jobs are kept, and the same command goes "
            "on: try fewer --jobs."
        ) from None


def _on_cluster(jobs: list[Job], one: _One, address: str) -> Iterator[tuple[Job, dict[str, Any]]]:
    from concurrent.futures import CancelledError

    from distributed import Client, KilledWorker, as_completed  # type: ignore[import-not-found,import-untyped]
    from distributed.comm import CommClosedError  # type: ignore[import-not-found,import-untyped]

    try:
        client = Client(address, timeout="15s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise WorkerError(
            f"no Dask scheduler answers at {address} ({type(error).__name__}): check the address."
        ) from None
    with client:
        # Dask gives the jobs of a worker that died to another one
        futures = client.map(one, jobs, key=[f"pnp-course-{job.key}" for job in jobs], pure=False)
        try:
            for future in as_completed(futures, loop=client.loop):
                yield future.result()
        except KilledWorker:
            raise WorkerError(
                "the workers of the cluster were killed again and again on one job, perhaps for lack of memory; finished "
                "jobs are kept, and the same command goes on."
            ) from None
        except (CancelledError, CommClosedError) as error:
            raise WorkerError(
                f"the cluster at {address} was lost ({type(error).__name__}); finished jobs are kept, and the same command "
                "goes on once it is back."
            ) from None
