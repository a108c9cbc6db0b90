"""A denoiser linearised at images: its Jacobian J as products J v and J^T w, [B] appendix A.5, (58)-(64).

There are three ways, and `linearize` chooses one by the kind of the denoiser:

- `Linearized`, for any denoiser: J^T w is one backward pass, J v the derivative of J^T w in w ("double
  backpropagation", the papers' way).
- The same for a conservative denoiser, J = J^T, where J v is one backward pass as well.
- `Gated`, for networks whose only nonlinearity is ReLU: J v is the network itself, run on v with every ReLU replaced by
  the gate that it was at x. This is two to four times cheaper than the other ways, and gives equal results.

Every product is batched: one vector per image, one pass for the whole batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from pnp_course._checks import any_level, check_same_shape, check_shape, is_unread

Map = Callable[[Tensor], Tensor]


def inner(a: Tensor, b: Tensor) -> Tensor:
    """<a, b> image by image, (B,)."""
    return (a * b).flatten(1).sum(1)


class Linearized:
    """The Jacobian J of `denoise` at the images x (B, C, H, W), from one forward pass.

    Each image has its own block of J: products take and give one vector of shape (C, H, W) per image.

    Args:
        denoise: x -> D(x) at a fixed noise level.
        symmetric: J = J^T is known to hold (a gradient-step denoiser): J v is then computed as J^T v.
    """

    def __init__(self, denoise: Map, x: Tensor, symmetric: bool = False):
        self.symmetric = symmetric
        check_shape(x)
        with torch.enable_grad():
            self.x = x.detach().requires_grad_(True)
            self.out = denoise(self.x)
            if not symmetric:
                # J^T w is linear in w: differentiating it once more, in w, gives J v  ([B] (61)-(64))
                self.w = torch.zeros_like(self.out).requires_grad_(True)
                (self.jt_of_w,) = torch.autograd.grad(self.out, self.x, self.w, create_graph=True)

    def jt(self, w: Tensor) -> Tensor:
        """J^T w: one vector-Jacobian product, [B] (59)-(60)."""
        return torch.autograd.grad(self.out, self.x, w, retain_graph=True)[0]

    def j(self, v: Tensor) -> Tensor:
        """J v by double backpropagation, [B] (61)-(64)."""
        if self.symmetric:
            return self.jt(v)
        return torch.autograd.grad(self.jt_of_w, self.w, v, retain_graph=True)[0]

    def pairing(self, a: Tensor, b: Tensor) -> Tensor:
        """<a, J b> image by image, (B,), differentiable in the network's weights (a and b are constants)."""
        (jta,) = torch.autograd.grad(self.out, self.x, a, retain_graph=True, create_graph=True)
        return inner(jta, b)


def _is_unpadded(denoiser: nn.Module, x: Tensor) -> bool:
    """Is this a network that only pads, as DRUNet does, to multiples of 8, and has nothing to pad here?"""
    return hasattr(denoiser, "pad_value") and not any(n % 8 for n in x.shape[-2:])


RELUS = (F.relu, torch.relu, Tensor.relu)


class _Record(TorchFunctionMode):
    """Record, in this thread, the gate of every ReLU, 1 where it is open, in the order of the calls."""

    def __init__(self) -> None:
        super().__init__()
        self.gates: list[Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func in RELUS:
            self.gates.append((out.detach() > 0).to(out.dtype))
        return out


class _Replay(TorchFunctionMode):
    """Let, in this thread, the k-th ReLU multiply by the k-th gate."""

    def __init__(self, gates: list[Tensor]):
        super().__init__()
        self.gates = iter(gates)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in RELUS:
            given: Tensor = args[0] if args else kwargs["input"]
            return given * next(self.gates)
        return func(*args, **(kwargs or {}))


class Gated:
    """The Jacobian of a module D(x, sigma) whose only nonlinearity is ReLU; it is used like `Linearized`.

    Such a D is affine on each region of fixed gates: D(z) = J z + c there, and J v = D_gated(v) - D_gated(0), where
    D_gated is the network with its ReLUs fixed at the gates of x. They are fixed during the call and in its thread
    only, and the network itself does not change, so that it may be used elsewhere at the same time.
    """

    symmetric = False

    def __init__(self, denoiser: nn.Module, x: Tensor, sigma: float | Tensor):
        self.denoiser = denoiser
        check_shape(x)
        with torch.enable_grad(), _Record() as record:
            self.x = x.detach().requires_grad_(True)
            self.out = denoiser(self.x, sigma)
        self.gates = record.gates
        with torch.no_grad():  # of biases and padding; zero for DRUNet at sizes that need no padding
            self.offset = self._apply(torch.zeros_like(self.x))
        biased = any("bias" in name for name, _ in denoiser.named_parameters())
        self.linear = not biased and (_is_unpadded(denoiser, x) or not (is_unread() or bool(self.offset.any())))

    def _apply(self, v: Tensor) -> Tensor:
        with any_level(), _Replay(self.gates):  # at level 0 the noise map adds nothing, so what remains is linear in x
            return self.denoiser(v, v.new_zeros(1))

    def j(self, v: Tensor) -> Tensor:
        """J v: one pass through the gated network."""
        with torch.no_grad():
            return self._apply(v) - self.offset

    def jt(self, w: Tensor) -> Tensor:
        """J^T w: one vector-Jacobian product, [B] (59)-(60)."""
        return torch.autograd.grad(self.out, self.x, w, retain_graph=True)[0]

    def pairing(self, a: Tensor, b: Tensor) -> Tensor:
        """<a, J b> image by image, (B,), differentiable in the network's weights (a and b are constants)."""
        with torch.enable_grad():
            jb = self._apply(b) if self.linear else self._apply(b) - self._apply(torch.zeros_like(b))
            return inner(a, jb)


def linearize(denoiser: nn.Module, x: Tensor, sigma: float | Tensor) -> Linearized | Gated:
    """The Jacobian of D(., sigma) at the images x (B, C, H, W), in the cheapest way that is exact for this denoiser.

    A denoiser has an attribute for its kind: `conservative` (J = J^T) or `piecewise_linear` (its nonlinearity is ReLU).
    """
    if getattr(denoiser, "piecewise_linear", False):
        return Gated(denoiser, x, sigma)
    return Linearized(lambda z: denoiser(z, sigma), x, symmetric=getattr(denoiser, "conservative", False))


def jv(denoise: Map, x: Tensor, v: Tensor) -> Tensor:
    """J v in forward mode (`torch.func.jvp`), for images and vectors (B, C, H, W): one forward pass with tangents."""
    check_shape(x)
    check_shape(v, name="v")
    check_same_shape(x, v, "x", "v")
    return torch.func.jvp(denoise, (x,), (v,))[1]
