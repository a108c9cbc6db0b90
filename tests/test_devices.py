"""Everything computes on the device of its tensors: on a pretended one with equal results, on a GPU with nearly equal ones.

The test that needs a GPU says what was found in the file that PNP_COURSE_AGREEMENT names, if it names one.
"""

import csv
import os
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import device_cases
import more_device_cases
import pretend_device
import pytest
import test_training_graph
import torch

from pnp_course.denoisers import load_denoiser
from pnp_course.devices import device_name, device_named, full_float32, pick_device
from pnp_course.guarantees import RULES
from pnp_course.operators import projector
from pnp_course.training.patches import Patches

# how far a result on a GPU may be from that on a CPU, relative to its largest number, in full float32; iterations that stop
# at a tolerance may stop one step earlier or later
CASES = device_cases.CASES | more_device_cases.MORE
LOOSE = {"denoiser coco-ridge-0.25": 5e-3}
LOOSE |= {
    f"{kind} {name}": 2e-3 for kind in ("operator", "Gaussian fidelity") for name in ("radon", "fan beam", "valid blur")
}
USUAL = 5e-4


def itself(x):
    return x


def as_tuple(out):
    return out if isinstance(out, tuple) else (out,)


@pytest.mark.parametrize("name", [n for n in CASES if n != "forward mode"])  # whose tensors hold two others
def test_on_a_pretended_device(name, monkeypatch):
    """The same up to rounding, and a tensor made on the wrong device is an error."""
    case = CASES[name]
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda kind: False)  # which knows no pretended devices
    monkeypatch.setattr(torch, "autocast", lambda kind, dtype=None, **options: nullcontext())
    # nor can it hold a sparse matrix
    monkeypatch.setattr(projector, "_sparse", lambda matrix, like: torch.from_numpy(matrix.toarray()).to(like.device))
    wanted = as_tuple(case(itself, itself))
    with pretend_device.Pretended():
        found = as_tuple(case(lambda x: x.to(pretend_device.DEVICE), pretend_device.moved))
        assert any(isinstance(x, pretend_device.Elsewhere) for x in found) or name in ON_THE_CPU
        found = [x.cpu() for x in found]
    for a, b in zip(wanted, found, strict=True):
        torch.testing.assert_close(b, a, atol=1e-6, rtol=1e-5, equal_nan=True)


# cases whose numbers come to the CPU
ON_THE_CPU = ["levels", "noise levels", *(name for name in CASES if name.startswith("certificate"))]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", CASES)
def test_on_a_gpu(name):
    """Nearly the same as on the CPU."""
    case = CASES[name]
    with full_float32():
        wanted = as_tuple(case(itself, itself))
        found = [x.cpu() for x in as_tuple(case(lambda x: x.cuda(), lambda net: net.cuda()))]
    errors = [
        float((b - a).nan_to_num().abs().max() / a.nan_to_num().abs().max().clamp_min(1e-3))
        for a, b in zip(wanted, found, strict=True)
    ]
    if file := os.environ.get("PNP_COURSE_AGREEMENT"):
        with Path(file).open("a", newline="") as out:
            csv.writer(out).writerow([name, f"{max(errors):.2e}", device_name(torch.device("cuda")), torch.__version__])
    assert max(errors) <= LOOSE.get(name, USUAL)


def test_the_cases_are_complete():
    """No solver, operator or shipped kind of denoiser is missing."""
    assert set(RULES) <= {name.removeprefix("solver ") for name in device_cases.CASES}
    from pnp_course import operators

    kinds = {type(make()) for make in device_cases.OPERATORS.values()}
    named = {getattr(operators, name) for name in operators.__all__}
    assert {k for k in named if isinstance(k, type) and k is not operators.LinearOperator} == kinds


def test_a_forgotten_device_is_noticed():
    """The pretended device does what it is for: a factory call without a device fails where it matters."""
    with pretend_device.Pretended():
        x = torch.ones(3).to(pretend_device.DEVICE)
        with pytest.raises(RuntimeError, match="tensors on two devices"):
            x + torch.zeros(3)
        with pytest.raises(RuntimeError, match="a generator on cpu"):
            torch.randn(3, generator=torch.Generator(), device=x.device)
        assert float((x + torch.zeros(3, device=x.device)).sum()) == 3


class GeneratorElsewhere(torch.Generator):
    """A generator of the CPU that says it is on the pretended device."""

    device = pretend_device.DEVICE


@pytest.mark.parametrize("name", ["plain", "lanczos, every other step", "gradient step", "power", "bregman", "dncnn"])
def test_a_training_step_on_a_pretended_device(name, monkeypatch):
    """Patches, noise, penalty and gradient, with equal random numbers; nothing meets the CPU, is sent there or read back."""
    training = test_training_graph.trained(test_training_graph.CASES[name], False, steps=0)
    generators = [g.get_state() for g in (training.generator, training.penalty_generator)]
    wanted = training._gradient(bool(training.preset.penalty))
    gradients = [p.grad for p in training.net.parameters()]
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda kind: False)
    monkeypatch.setattr(torch, "autocast", lambda kind, dtype=None, **options: nullcontext())
    photographs = test_training_graph.pictures(training.preset.in_channels)
    with pretend_device.Pretended(own_generators=True):
        training.net, training.device = pretend_device.moved(training.net), pretend_device.DEVICE
        training.optimizer = SimpleNamespace(zero_grad=lambda: None)
        training.generator, training.penalty_generator = GeneratorElsewhere(), GeneratorElsewhere()
        for generator, state in zip((training.generator, training.penalty_generator), generators, strict=True):
            generator.set_state(state)
        training.patches = Patches(photographs, training.preset.patch, training.generator, training.preset.drawn)
        computed = pretend_device.computed

        def alone(func, args, kwargs):
            assert func is not torch.ops.aten._local_scalar_dense.default, "a number is read back"
            here = [t for t in args if isinstance(t, torch.Tensor) and not isinstance(t, pretend_device.Elsewhere)]
            assert func._schema.name not in ("aten::_to_copy", "aten::copy_") or not here, (
                f"{func}: a number is sent there"
            )
            return computed(func, args, kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(pretend_device, "computed", alone)
            found = training._gradient(bool(training.preset.penalty))
        for key, value in wanted.items():
            torch.testing.assert_close(found[key].held.detach(), value.detach(), atol=1e-6, rtol=1e-5)
        for p, gradient in zip(training.net.parameters(), gradients, strict=True):
            torch.testing.assert_close(p.grad.held, gradient, atol=1e-6, rtol=1e-4)


def test_names_of_devices(capsys):
    assert device_named("cpu") == torch.device("cpu")
    assert device_name(torch.device("cpu")).endswith("CPU")
    with pytest.raises(ValueError, match=r"device is 'gpu'; this machine has auto, cpu"):
        device_named("gpu")
    if not torch.cuda.is_available():
        assert pick_device() == device_named("auto") == torch.device("cpu")
        assert capsys.readouterr().out == ""


def test_a_job_of_an_experiment_computes_where_its_problem_is(monkeypatch):
    """On the pretended device: the same row, and the observation is not drawn anew."""
    from pnp_course.experiments import job, try_out

    case = try_out.EXPERIMENT.cases["course"](1)[0]
    problem = try_out.EXPERIMENT.problem(case)
    rows = {}
    for name, parameters in (("CoCo-ADMM", {"sigma": 0.1, "lam": 1.0, "iterations": 2}), ("Wiener", {"balance": 0.1})):
        method = try_out.EXPERIMENT.methods[name]
        denoiser = method.denoisers.get("course", "")
        _, rows["here"] = job.measure(method, problem, denoiser, parameters)
        with pretend_device.Pretended(), monkeypatch.context() as patch:
            patch.setattr(job, "_network", lambda name, problem: pretend_device.moved(load_denoiser(name)))
            elsewhere = problem.to(pretend_device.DEVICE)
            assert isinstance(elsewhere.facts["fidelity"].y, pretend_device.Elsewhere)
            assert not isinstance(problem.facts["fidelity"].y, pretend_device.Elsewhere)
            out, rows["elsewhere"] = job.measure(method, elsewhere, denoiser, parameters)
            assert isinstance(getattr(out, "x", out), pretend_device.Elsewhere)
        for row in rows.values():
            del row["seconds"]
        assert rows["here"] == rows["elsewhere"]
