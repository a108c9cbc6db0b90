"""What a training changes in the process, and takes back when it ends: the meaning of Ctrl-C, denormals, threads."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def held_interrupt() -> Iterator[list[int]]:
    """Ctrl-C is noted in the yielded list and left to the caller, who stops between two steps; a second one raises.

    So every device can stop after the same step. Outside the main thread, or where Ctrl-C means something else already
    (it is ignored in a background job, say), nothing is changed.
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
    """Whether this thread rounds denormal numbers to zero: torch can set this, but has no way to ask for it."""
    return not torch.full((1,), torch.finfo(torch.float32).tiny).mul(0.5).any()


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Denormal numbers are rounded to zero inside: the tails of ELU and Softplus are full of them, six times slower."""
    before = denormals_are_flushed()
    try:
        torch.set_flush_denormal(True)
        yield
    finally:
        torch.set_flush_denormal(before)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Torch computes on `count` threads inside."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(count)
        yield
    finally:
        torch.set_num_threads(before)
