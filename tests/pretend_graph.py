"""CUDA graphs for machines without a GPU: the operations of some work are written down, and done again on the same tensors.

As with a real graph, nothing of the Python code runs at a replay, and work that reads a number from the device, or sends
one to it, cannot be recorded.
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

WAITS = (
    "aten::_local_scalar_dense", "aten::item", "aten::is_nonzero", "aten::equal", "aten::nonzero", "aten::lift_fresh",
    "aten::masked_select", "aten::_unique2",
)  # fmt: skip


class Record(TorchDispatchMode):
    """What ran inside it; `replay` runs it again."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func._schema.name in WAITS:
            raise RuntimeError(f"{func._schema.name} cannot be recorded: it waits for the device")
        out = func(*args, **kwargs)
        self.calls.append((func, args, kwargs, out))
        return out

    @torch.no_grad()
    def replay(self):
        for func, args, kwargs, out in self.calls:
            for old, new in zip(tree_leaves(out), tree_leaves(func(*args, **kwargs)), strict=True):
                if isinstance(old, torch.Tensor) and old is not new and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


def record(work, generators):
    """In place of `graph.record`: recording draws no random numbers."""
    before = [generator.get_state() for generator in generators]
    with Record() as made:
        out = work()
    for generator, state in zip(generators, before, strict=True):
        generator.set_state(state)
    return made, out


def use(monkeypatch):
    """Let trainings record so."""
    from pnp_course.training import graph

    monkeypatch.setattr(graph, "record", record)
    monkeypatch.setattr(graph, "aside", lambda work: work())
