"""`python -m pnp_course train-zoo`: train the shipped denoisers again, as long as there is time, the most useful first.

The minutes are divided by shares. When a network's turn comes, a short measurement says how long one of its steps takes,
and so how many of them its share of the time left allows; from then on the number is fixed, in its checkpoint. Where the
share is too small for a training, the network takes what it needs from those after it, which are worth less. On a GPU
the batch is as large as it still speeds up, every patch of it is penalised, and the work of a step is recorded as a graph
where that pays; on a CPU the presets stay as they are.
Weights are written as soon as a network is trained, and the cards are measured at the end, which takes no training time.
The same command goes on after a stop or a kill, also on another machine, if it is given the folder.
"""

from __future__ import annotations

import difflib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from pnp_course.datasets import MissingDataError, training_images, validation_images
from pnp_course.denoisers.zoo import available_denoisers, denoiser_card
from pnp_course.devices import device_name, multiplies_bfloat16
from pnp_course.training import checkpoint, cost
from pnp_course.training.loop import train
from pnp_course.training.main import first_net, fresh_net, kind_of, measure_card, write_weights
from pnp_course.training.presets import PRESETS, Preset

# of the minutes, in the order of what is worth most; a teacher comes before its pupils
SHARES: dict[str, float] = {
    "drunet": 20, "coco-gs-0.25": 20, "coco-gs-relaxed": 10, "coco-0.25": 20, "coco-0.5": 8, "prox-drunet": 6,
    "drunet-gray": 4, "coco-0.25-gray": 4, "rmmo": 3, "spc-0.9": 3, "drunet-wide": 4, "gs-drunet": 3, "gs-drunet-relu": 2,
    "bregman-drunet": 2, "dncnn": 0.5, "ffdnet": 0.5,
}  # fmt: skip
RESERVE = 0.95  # the part of a share that is planned; the rest is for validation and for steps slower than measured
LEAST = 100  # steps below which a training is not begun
LARGEST = 16e6  # bytes of the weights of a network in half precision
VALIDATIONS, APART = 10, 30.0  # on the way of a training, at most; and seconds between two of them, at least


def chosen(only: str) -> list[str]:
    """The networks named in `only`, with commas between them, in the order of `SHARES`; all of them if it is empty.

    Raises:
        ValueError: a name is not one of them.
    """
    wanted = [name.strip() for name in only.split(",") if name.strip()]
    for name in wanted:
        if name not in SHARES:
            nearest = difflib.get_close_matches(name, SHARES, 1, cutoff=0.0)[0]
            raise ValueError(
                f"--only has {name!r}, which is not in the zoo; did you mean {nearest!r}? Wanted some of {','.join(SHARES)}."
            )
    return [name for name in SHARES if name in wanted or not wanted]


def train_zoo(names: list[str], output: Path, minutes: float, device: torch.device) -> Iterator[str]:
    """Train these networks in `output`/NAME for so many minutes, and write weights and cards; yields what it does.

    Where the photographs for measuring are missing, the cards stay without measurements, until the same command is given
    where they are.

    Raises:
        MissingDataError: the photographs of training are missing. ValueError: the minutes are too few for even one of the
            networks. OSError: weights, card or checkpoint cannot be written; what was written before is whole.
    """
    yield f"training on {device_name(device)} for {minutes:g} minutes"
    yield from train_networks(names, output, time.monotonic() + 60 * minutes, device, {})
    yield from complete_cards(names, output, device)


def train_networks(
    names: list[str], output: Path, end: float, device: torch.device, known: dict[str, Measured]
) -> Iterator[str]:
    """Train these networks until `end` (of the monotonic clock) and write their weights; yields what it does.

    known: measurements that need not be made again.
    """
    todo = [name for name in names if _card(output, name) is None]
    short, begun = [], False  # the minutes that networks would have needed which were left out; and whether one was not
    for i, name in enumerate(todo):
        left = end - time.monotonic()
        if left <= 0:
            yield f"the time is over before {', '.join(todo[i:])}"
            break
        mine = left * SHARES[name] / sum(SHARES[n] for n in todo[i:])
        try:
            net, preset, graph = begin(name, output, mine, left, device, known.get(name))
        except TooShort as error:
            short.append(error.minutes)
            yield f"{name}: left out, since {error}"
            continue
        except ValueError as error:  # such as a start that was left out itself
            yield f"{name}: left out: {error}"
            continue
        how = f"{preset.batch} patches{', recorded as a graph' if graph else ''}"
        yield f"{name}: {preset.steps} steps with {how}, from {preset.start or 'random weights'}"
        begun = True
        said, done = _trained(name, net, preset, output, end, device, graph)
        yield said
        if not done:
            break
    if short and not begun:
        raise ValueError(
            f"--minutes is too small for {LEAST} steps of any of {','.join(todo)}; wanted {min(short):.2g} or more: give "
            "more minutes, or name a faster network with --only."
        )


def _trained(
    name: str, net: nn.Module, preset: Preset, output: Path, end: float, device: torch.device, graph: bool
) -> tuple[str, bool]:
    """Train until `end`, and write weights if all steps are done; returns what to say, and whether there may be time left."""
    photographs, held_out = pictures(preset.in_channels)
    rest = max(0.0, end - time.monotonic()) / 60
    try:
        done = train(
            net, preset, photographs, output / name,
            minutes=rest, device=device, held_out=held_out, progress=False, graph=graph, kind=kind_of(preset, output),
        )  # fmt: skip
    except ValueError as error:  # such as a loss that is not finite; the others are trained
        return f"{name}: given up: {error}", True
    if done.step < preset.steps:
        return (
            f"{name}: {done.step} of {preset.steps} steps are done and the time is over; the same command goes on",
            False,
        )
    weights = write_weights(name, done, output / name).with_suffix(".safetensors")
    size, spent = weights.stat().st_size / 1e6, done.seconds / 60
    return f"{name}: weights, {size:.1f} MB, after {spent:.1f} minutes: {weights}", True


def complete_cards(names: list[str], output: Path, device: torch.device) -> Iterator[str]:
    """Measure the networks in `output` whose cards are not complete; yields what it does."""
    for name in names:
        card = _card(output, name)
        if card is not None and "psnr_cbsd68" not in card:
            try:
                yield f"{name}: card, {measure_card(name, output / name, device)}"
            except (ValueError, MissingDataError) as error:  # such as of one that misbehaves; the others are measured
                yield f"{name}: its card is not complete: {error}"


class TooShort(ValueError):
    """There is no time for a training; `minutes` would be enough."""

    def __init__(self, step: float, left: float):
        self.minutes = LEAST * step / RESERVE / 60
        super().__init__(f"{LEAST} steps of it take {self.minutes:.2g} minutes and {left / 60:.2g} are left")


@dataclass(frozen=True)
class Measured:
    """How a network is trained on a device: with how many patches, in how many seconds a step, and recorded or not."""

    batch: int
    seconds: float
    graph: bool


def measure(net: nn.Module, preset: Preset, device: torch.device) -> Measured:
    """Find the batch that is worth it, and whether to record, by the clock."""
    photographs = pictures(preset.in_channels)[0]
    graph = cost.graph_pays(net, preset, photographs, device)
    preset, seconds = cost.useful_batch(net, preset, photographs, device, graph)
    return Measured(preset.batch, seconds, graph)


def begin(
    name: str, output: Path, seconds: float, left: float, device: torch.device, known: Measured | None = None
) -> tuple[nn.Module, Preset, bool]:
    """The network with which the training of `name` begins, settings that fit into so many seconds, and whether to record.

    Where a training has begun, the settings are its own. Of the seconds left it takes more than its own where these are
    not enough for LEAST steps.

    Raises:
        TooShort: so many steps do not fit into what is left. ValueError: it cannot be trained, or is too large to ship.
    """
    begun = time.monotonic()
    if going := checkpoint.settings(output / name / "checkpoint.pt"):
        net = first_net(replace(going, start=None), output)  # the weights come from the checkpoint
        return net, going, cost.graph_pays(net, going, pictures(going.in_channels)[0], device)
    preset = on_device(started(name, output), device)
    net = first_net(preset, output)
    if (size := 2 * sum(p.numel() for p in net.parameters())) >= LARGEST:
        raise ValueError(f"its weights would have {size / 1e6:.1f} MB; wanted less than {LARGEST / 1e6:g}.")
    found = known or measure(net, preset, device)
    spent = time.monotonic() - begun
    steps, possible = (int(RESERVE * (s - spent) / found.seconds) for s in (seconds, left))
    if possible < LEAST:
        raise TooShort(found.seconds, left)
    steps = max(steps, LEAST)
    validations = max(1, min(VALIDATIONS, steps, int(steps * found.seconds / APART)))
    return net, replace(preset, batch=found.batch, steps=steps, validate_every=steps // validations), found.graph


def started(name: str, output: Path) -> Preset:
    """The preset with a start that exists: its own, trained in `output` or shipped, else the shipped weights of `name`."""
    preset = PRESETS[name]
    known = preset.start is None or _card(output, preset.start) is not None or preset.start in available_denoisers()
    return preset if known else replace(preset, start=name)


def on_device(preset: Preset, device: torch.device) -> Preset:
    """The preset as it is on a CPU; on a GPU every patch of the batch is penalised, at every step."""
    if device.type == "cpu" or not preset.penalty:
        return preset
    return replace(preset, penalty=replace(preset.penalty, images=None, of=None, every=1))


@cache
def pictures(channels: int) -> tuple[list[Tensor], list[Tensor]]:
    """The photographs to train on and those held out, read once."""
    return training_images(channels), validation_images(channels)


def _card(output: Path, name: str) -> dict[str, object] | None:
    """The card of a network that has been trained in `output`; None if it has not."""
    return denoiser_card(name, output / name) if (output / name / f"{name}.json").exists() else None


def make_plan(
    names: list[str],
    output: Path,
    minutes: float,
    device: torch.device,
    known: dict[str, Measured] | None = None,
    until: float = math.inf,
) -> Iterator[str]:
    """A table: what a step of each network costs, by count and by the clock, and the steps that its minutes allow.

    known: what is measured is kept in it. until: when the last measurement begins, on the monotonic clock.
    """
    fast = torch.bfloat16 if multiplies_bfloat16(device) else torch.float32
    fit, penalty = (cost.rate(device, precision) / 1e12 for precision in (fast, torch.float32))
    yield f"{device_name(device)}: {fit:.3g} Tflop/s for the fit, {penalty:.3g} for penalties"
    yield f"a launch takes the processor {1e6 * cost.call_cost(device):.1f} us"
    yield (
        "network          batch  Gflop  /rate ms  launches  x cost ms  measured ms  minutes   steps\n"
        "---------------  -----  -----  --------  --------  ---------  -----------  -------  ------"
    )
    for i, name in enumerate(names):
        if i and time.monotonic() >= until:
            yield f"not measured yet: {', '.join(names[i:])}"
            break
        preset = on_device(started(name, output), device)
        net, photographs = fresh_net(preset), pictures(preset.in_channels)[0]  # the cost is the same for all weights
        found = measure(net, preset, device)
        if known is not None:
            known[name] = found
        step = cost.step_cost(net, replace(preset, batch=found.batch), photographs, device, found.seconds)
        mine = minutes * SHARES[name] / sum(SHARES[n] for n in names)
        yield (
            f"{name:15}  {found.batch:5}  {(step.fit + step.penalty) / 1e9:5.1f}  {1e3 * step.arithmetic(device):8.3f}  "
            f"{step.kernels:8}  {1e3 * step.calls(device):9.2f}  {1e3 * found.seconds:11.2f}  {mine:7.2f}  "
            f"{int(RESERVE * 60 * mine / found.seconds):6}{'  recorded' if found.graph else ''}"
        )
