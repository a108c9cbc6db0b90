"""Steps that are recorded as a graph are the steps: on a pretended one to the bit, on a GPU nearly."""

from dataclasses import replace

import pretend_graph
import pytest
import torch
from torch import nn

from pnp_course import images
from pnp_course.training import cost, graph
from pnp_course.training.loop import Training
from pnp_course.training.losses import Penalty
from pnp_course.training.main import fresh_net
from pnp_course.training.presets import PRESETS, Preset

CPU = torch.device("cpu")
SMALL = Preset(
    in_channels=1, net={"widths": (4, 4, 4, 4), "blocks": 1}, steps=20, batch=2, patch=16, lr=1e-3, drawn=0.3
)
LANCZOS = Penalty(alpha=0.1, beta=0.5, eps=0.5, iterations=3, method="lanczos")
POWER = replace(LANCZOS, iterations=2, method="power", images=1, of=2)
ELU = SMALL.net | {"activation": "elu"}
CASES = {
    "plain": SMALL,
    "power": replace(SMALL, penalty=POWER),
    "lanczos, every other step": replace(SMALL, penalty=replace(LANCZOS, every=2)),
    "gradient step": replace(SMALL, architecture="gradient-step", net=ELU, penalty=replace(LANCZOS, alpha=0.0)),
    "gradient step, adam": replace(SMALL, architecture="gradient-step", net=ELU, optimizer="adam", clip=0.0),
    "bregman": replace(SMALL, architecture="bregman-gradient-step", net=ELU, noise="inverse gamma", sigma_max=0.1),
    "dncnn": replace(SMALL, architecture="dncnn", net={"width": 4, "depth": 3}, penalty=LANCZOS, noise="poisson"),
    "ffdnet": replace(SMALL, architecture="ffdnet", net={"width": 4, "depth": 3}),
}


def pictures(channels=1):
    return [(images.to_channels(images.photo(n, 48), channels)[0] * 255).byte() for n in ("astronaut", "coffee")]


def trained(preset, recorded, device=CPU, steps=10):
    training = Training(fresh_net(preset), preset, pictures(preset.in_channels), device, graph=recorded)
    for _ in range(steps):
        training.train_step()
    training.check()
    return training


@pytest.mark.parametrize("name", CASES)
def test_recorded_steps_are_the_steps(name, monkeypatch):
    """Weights, average, log and random numbers after ten steps, of which seven or fewer are replays."""
    plain = trained(CASES[name], False)
    pretend_graph.use(monkeypatch)
    recorded = trained(CASES[name], True)
    made = [work.recording for work in recorded.gradients.values() if work.recording is not None]
    assert len(made) == (2 if "every" in name else 1)
    for a, b in zip(plain.net.parameters(), recorded.net.parameters(), strict=True):
        assert torch.equal(a, b)
    for key, value in plain.average.items():
        assert torch.equal(value, recorded.average[key])
    assert plain.row == recorded.row
    assert torch.equal(plain.generator.get_state(), recorded.generator.get_state())
    assert torch.equal(plain.penalty_generator.get_state(), recorded.penalty_generator.get_state())


def test_work_that_waits_for_the_device_cannot_be_recorded():
    x = torch.ones(2)
    for work in (lambda: {"a": torch.full((), float(x.sum()))}, lambda: {"a": torch.tensor([1.0]) + x}):
        with pytest.raises(RuntimeError, match="cannot be recorded"):
            pretend_graph.record(work, ())


def test_a_graph_is_taken_where_it_pays(monkeypatch):
    """Of two times the smaller; and neither an error of the recording nor a wrong record stops a training."""
    times, fits = {False: 2.0, True: 1.0}, {False: 0.1, True: 0.11}
    monkeypatch.setattr(cost, "step_seconds", lambda net, preset, images, device, graph=False: times[graph])
    monkeypatch.setattr(cost, "_mean_fit", lambda net, preset, images, device, graph: fits[graph])
    given = (nn.Identity(), PRESETS["drunet"], [])
    assert not cost.graph_pays(*given, CPU)
    gpu = torch.device("cuda")
    assert cost.graph_pays(*given, gpu)
    times[True] = 3.0
    assert not cost.graph_pays(*given, gpu)
    times[True], fits[True] = 1.0, 0.9
    with pytest.warns(UserWarning, match=r"recorded steps have the loss 0\.9, others 0\.1"):
        assert not cost.graph_pays(*given, gpu)

    def fails(net, preset, images, device, graph=False):
        if graph:
            raise RuntimeError("operation not permitted when stream is capturing\nmore")
        return 1.0

    monkeypatch.setattr(cost, "step_seconds", fails)
    with pytest.warns(
        UserWarning, match=r"cannot be recorded as a graph here \(operation not permitted .* capturing\); it"
    ):
        assert not cost.graph_pays(*given, gpu)


def test_warm_up_comes_first_and_each_replay_changes_the_same_tensors(monkeypatch):
    pretend_graph.use(monkeypatch)
    x, ran = torch.zeros(1), []

    def work():
        ran.append(1)
        x.add_(1)
        return {"x": 2 * x}

    captured = graph.Captured(work, [], ())
    seen = [captured()["x"] for _ in range(graph.WARM_UP + 3)]
    assert len(ran) == graph.WARM_UP + 1  # and from then on nothing of it
    assert seen[-1] is seen[-2] is seen[-3]
    # unlike a real record, the pretended one runs the work while it is made
    assert float(seen[-1]) == 2 * float(x) == 2 * (graph.WARM_UP + 1 + 3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", CASES)
def test_recorded_steps_on_a_gpu(name):
    """The same random numbers, and weights that have moved nearly alike."""
    gpu = torch.device("cuda")
    begin, plain, recorded = (trained(CASES[name], graph, gpu, n) for graph, n in ((False, 0), (False, 10), (True, 10)))
    assert torch.equal(plain.generator.get_state(), recorded.generator.get_state())
    assert recorded.row["fit"] == pytest.approx(plain.row["fit"], rel=0.02)
    first, a, b = (torch.cat([p.detach().flatten() for p in t.net.parameters()]) for t in (begin, plain, recorded))
    assert float((a - b).norm()) < 0.2 * float((a - first).norm())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_recorded_step_is_one_launch_and_the_optimizer():
    preset = replace(CASES["gradient step"], batch=4)
    training = trained(preset, True, torch.device("cuda"))
    unrecorded = trained(preset, False, torch.device("cuda"))
    assert cost.launches(training.train_step) < cost.launches(unrecorded.train_step) / 4
