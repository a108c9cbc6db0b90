"""A training with steps of a millisecond, to be broken off; and as a script, twenty kills and interrupts of it.

python tests/tiny_training.py FOLDER SEED prints as JSON how many hits of either kind there were, and which of the runs
that were broken off ended otherwise than one that was not.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
from torch import nn

from pnp_course.training.loop import train
from pnp_course.training.losses import Penalty
from pnp_course.training.presets import Preset

TINY = Preset(in_channels=1, net={}, steps=160, batch=2, patch=8, lr=1e-3, penalty=Penalty(images=1, iterations=1))
PICTURES = [(255 * torch.rand(1, 24, 24, generator=torch.Generator().manual_seed(i))).byte() for i in range(2)]


class Three(nn.Module):
    """Three convolutions: both optimisers have something to do."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1), nn.Tanh())
        self.last = nn.Conv2d(2, 1, 3, padding=1)

    def forward(self, x, sigma):
        return x - self.last(self.layers(x))


def go(folder, preset=TINY, save_every=0.02, **options):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = Three()
    return train(
        net, preset, PICTURES, folder, device=torch.device("cpu"), progress=False, save_every=save_every, **options
    )


def saved(folder):
    """What is on the disk, but for the time it took."""
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    del state["seconds"]
    return state


def same(a, b):
    """Equal to the bit, tensors in dictionaries in lists and all."""
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def in_a_process(folder, hit=None, delay=0.0):
    """Train in a forked process, hit by a signal after `delay` seconds; returns how it ended, as os.waitpid says."""
    if not (pid := os.fork()):
        code = 1
        try:
            go(folder)
            code = 0
        except KeyboardInterrupt:
            code = 130
        finally:
            os._exit(code)
    if hit:
        time.sleep(delay)
        os.kill(pid, hit)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(folder, seed):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it may have been ignored here
    torch.set_num_threads(1)
    chance, hits, number = random.Random(seed), {"SIGKILL": 0, "SIGINT": 0}, 0
    begun = time.monotonic()
    codes = [in_a_process(folder / "whole")]
    whole = time.monotonic() - begun
    while sum(hits.values()) < 20:
        kind = min(hits, key=hits.get)
        code = in_a_process(folder / str(number), signal.Signals[kind], chance.uniform(0, 0.15 * whole))
        if code in (-signal.SIGKILL, 130):
            hits[kind] += 1
        else:  # it was at its end
            codes.append(code)
            number += 1
    codes.append(in_a_process(folder / str(number)))
    logs = {i: (folder / str(i) / "log.csv").read_bytes() for i in ["whole", *range(number + 1)]}
    states = {i: saved(folder / str(i)) for i in ["whole", *range(number + 1)]}
    other = [i for i in states if not same(states[i], states["whole"]) or logs[i] != logs["whole"]]
    print(json.dumps({"hits": hits, "codes": codes, "other": other, "step": states["whole"]["step"]}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
