"""Cost of a training step, counted and measured: python benchmarks/training.py  ->  benchmarks/results/training.json

For four networks of the zoo: the floating-point operations of a patch (fit and penalty) and of the optimiser, the calls of
kernels when every patch is penalised, as `train-zoo` does it on a GPU; and the measured time of a step of the preset on one
core, in seconds that the processor spent on it, which other programs on the machine hardly change. `tools/gpu_page.py`
writes the table of book/your_gpu.md from it.
"""

from __future__ import annotations

import copy
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pnp_course import images
from pnp_course.provenance import provenance
from pnp_course.training import cost, zoo
from pnp_course.training.guards import flushed_denormals
from pnp_course.training.loop import Training
from pnp_course.training.main import fresh_net
from pnp_course.training.presets import PRESETS, Preset

RESULTS = Path(__file__).parent / "results" / "training.json"
NAMES = ("drunet", "gs-drunet", "coco-0.25", "coco-gs-0.25")
CPU, GPU = torch.device("cpu"), torch.device("cuda")
STEPS = 3  # timed, after one that is not


def seconds_of_a_core(net: nn.Module, preset: Preset, photographs: list[Tensor]) -> float:
    with flushed_denormals():
        training = Training(copy.deepcopy(net), preset, photographs, CPU)
        training.train_step()
        begun = time.process_time()
        for _ in range(STEPS):
            training.train_step()
        return (time.process_time() - begun) / STEPS


def row(name: str, photographs: list[Tensor]) -> dict[str, Any]:
    preset = PRESETS[name]
    net = fresh_net(preset)
    all_penalised = zoo.on_device(preset, GPU)
    two, four = (cost.step_cost(net, replace(all_penalised, batch=b), photographs, CPU, 0.0) for b in (2, 4))
    return {
        "patch": preset.patch,
        "gflop_fit": (four.fit - two.fit) / 2e9,
        "gflop_penalty": two.penalty / 2e9,
        "gflop_optimizer": (2 * two.fit - four.fit) / 1e9,
        "calls": two.kernels,
        "cpu": {
            "batch": preset.batch,
            "penalised": preset.penalty.images if preset.penalty else 0,
            "seconds": round(seconds_of_a_core(net, preset, photographs), 3),
            "steps": preset.steps,
        },
    }


def main() -> None:
    torch.set_num_threads(1)
    photographs = [(images.photo(name, 128)[0] * 255).byte() for name in ("astronaut", "coffee", "chelsea")]
    rows = {name: row(name, photographs) for name in NAMES}
    RESULTS.write_text(json.dumps({"provenance": provenance(), "networks": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
