"""What a training takes for itself and gives back when it ends: its folder, Ctrl-C, denormal numbers, convolutions, threads."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Make the folder, and keep it for this process: two trainings in one would mix their logs and checkpoints.

    The system gives it back when the process ends, however it ends.

    Raises:
        ValueError: another training is going on there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".training.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise ValueError(
            f"another training is going on in {folder}; wanted a folder of its own: wait for the other one, stop it, or name "
            "another folder."
        ) from None
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


@contextmanager
def held_interrupt() -> Iterator[list[int]]:
    """Record Ctrl-C in the yielded list, so that the caller can stop between two steps; a second Ctrl-C raises.

    Nothing is changed outside the main thread, or if Ctrl-C already has another meaning (in a background job, for
    instance, it is ignored).
    """
    came: list[int] = []

    def note(signum: int, frame: Any) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(signum)

    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield came
        return
    try:
        signal.signal(signal.SIGINT, note)
        yield came
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def denormals_are_flushed() -> bool:
    """Does this thread round denormal numbers to zero? Torch can set this, but has no function that returns it."""
    return not torch.full((1,), torch.finfo(torch.float32).tiny).mul(0.5).any()


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Round denormal numbers to zero inside: the tails of ELU and Softplus are full of them, six times slower."""
    before = denormals_are_flushed()
    try:
        torch.set_flush_denormal(True)
        yield
    finally:
        torch.set_flush_denormal(before)


@contextmanager
def tuned_convolutions() -> Iterator[None]:
    """Let a GPU try out the algorithms for each size of convolution inside, and keep the fastest."""
    before = torch.backends.cudnn.benchmark
    try:
        torch.backends.cudnn.benchmark = True
        yield
    finally:
        torch.backends.cudnn.benchmark = before


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch compute on `count` threads inside."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(count)
        yield
    finally:
        torch.set_num_threads(before)
