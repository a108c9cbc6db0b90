"""Where computations run: the GPU if there is one, else the processor; and arithmetic that is exact enough for theorems."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def best_device() -> torch.device:
    """The GPU that CUDA or ROCm offers, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_named(name: str) -> torch.device:
    """The device called "auto" (see `best_device`), "cpu", "cuda" or "mps".

    Raises:
        ValueError: this machine has no such device; the message lists those it has.
    """
    there = ["auto", "cpu"]
    there += ["cuda"] if torch.cuda.is_available() else []
    there += ["mps"] if torch.backends.mps.is_available() else []
    if name not in there:
        raise ValueError(f"device is {name!r}; this machine has {', '.join(there)}.")
    return best_device() if name == "auto" else torch.device(name)


def device_name(device: torch.device) -> str:
    """What a results file says of a device, such as "NVIDIA H100" or "x86_64 CPU"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} {device.type.upper()}"


def multiplies_bfloat16(device: torch.device) -> bool:
    """Does a device multiply faster in bfloat16? GPUs do, and processors with AMX, or with AVX-512's products of bfloat16."""
    if device.type == "cpu":
        able = torch.cpu.get_capabilities()
        return bool(able.get("amx_bf16", False) or able.get("avx512_bf16", False))
    return device.type == "cuda"


def pick_device() -> torch.device:
    """`best_device`, for notebooks: where that is a GPU, it says so; on a CPU it prints nothing."""
    device = best_device()
    if device.type != "cpu":
        print(
            f"This notebook computes on a GPU, {device_name(device)}: the last digits may differ from the printed ones."
        )
    return device


def wait_for(device: torch.device) -> None:
    """Wait until a device has finished what it was asked to do, as one must before reading a clock."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@contextmanager
def full_float32() -> Iterator[None]:
    """Multiply float32 numbers as float32 numbers inside: on GPUs torch rounds those of convolutions to 10 bits (TF32)."""
    convolutions, products = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    try:
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = convolutions, products
