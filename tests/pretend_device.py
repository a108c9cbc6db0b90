"""A second device for machines that have none: tensors that hold numbers of the CPU, and say that they are elsewhere.

Operations on two devices at once fail as they do with a GPU, and so do factory calls that forget the device: their
tensors are on the CPU, and meet one that is not. Its name is "meta", since every torch knows that one.
"""

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device("meta")
ANYWHERE = (
    "aten::copy_",
    "aten::_to_copy",
    "aten::index",
    "aten::index_put",
    "aten::index_put_",
    "aten::_local_scalar_dense",
)
LAZY = {torch.ops.aten._conj.default: torch.conj_physical, torch.ops.aten._neg_view.default: torch.neg}


class Elsewhere(torch.Tensor):
    """A tensor on the pretended device; `held` has its numbers."""

    @staticmethod
    def __new__(cls, held):
        return torch.Tensor._make_wrapper_subclass(
            cls, held.shape, held.stride(), held.storage_offset(), dtype=held.dtype, device=DEVICE, layout=held.layout
        )

    def __init__(self, held):
        self.held = held

    def __repr__(self):
        return f"Elsewhere({self.held})"

    def __format__(self, how):
        return format(self.held, how)

    def tolist(self):
        return self.held.tolist()

    def numpy(self, **options):
        raise TypeError("can't convert a tensor of another device to numpy; use Tensor.cpu() first.")

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in LAZY:  # a mark on a tensor, which would be lost on the way to the one it holds
            return Elsewhere(LAZY[func](args[0].held))
        tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        if func._schema.name not in ANYWHERE and any(not isinstance(t, Elsewhere) and t.ndim for t in tensors):
            raise RuntimeError(f"{func._schema.name}: tensors on two devices")
        there = kwargs.get("device") in (None, DEVICE)
        out = computed(func, args, kwargs)
        if not there or func._schema.name == "aten::_local_scalar_dense":
            return out
        out = tree_map(lambda t: Elsewhere(t) if isinstance(t, torch.Tensor) else t, out)
        return return_and_correct_aliasing(func, args, kwargs, out)


def computed(func, args, kwargs):
    """The function of the numbers held."""
    args, kwargs = tree_map(lambda t: t.held if isinstance(t, Elsewhere) else t, (args, kwargs))
    if kwargs.get("device") == DEVICE:
        kwargs = kwargs | {"device": torch.device("cpu")}
    return func(*args, **kwargs)


class Pretended(TorchDispatchMode):
    """Inside it, tensors can be made on the pretended device and moved there.

    own_generators: generators of the CPU pass as if they were there; which one it was cannot be seen here.
    """

    def __init__(self, own_generators=False):
        super().__init__()
        self.own_generators = own_generators

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if kwargs.get("device") == DEVICE and not any(isinstance(t, Elsewhere) for t in tree_leaves((args, kwargs))):
            generator = kwargs.get("generator")
            if generator is not None and not self.own_generators:
                raise RuntimeError(f"{func._schema.name}: a generator on {generator.device} for a tensor elsewhere")
            return Elsewhere(computed(func, args, kwargs))
        return func(*args, **kwargs)


def moved(net: nn.Module) -> nn.Module:
    """The network, with its weights elsewhere."""
    for module in net.modules():
        for name, weight in module._parameters.items():
            if weight is not None:
                module._parameters[name] = nn.Parameter(Elsewhere(weight.detach()), weight.requires_grad)
        for name, buffer in module._buffers.items():
            module._buffers[name] = Elsewhere(buffer)
    return net
