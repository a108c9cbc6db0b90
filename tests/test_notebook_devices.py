"""Notebooks that ask for a GPU compute on it: their cells run, in short, on the pretended device.

There a tensor made on the wrong device is an error, and so is a network that works on the CPU in single precision. Only
the devices matter here, so the runs are short: solvers rest after one step (test_devices has several), photographs are
small, and the cells' assertions, which are about whole runs, are left out. The notebooks' own test makes the whole runs.
"""

import ast
import re
import sys
from contextlib import nullcontext
from functools import wraps
from itertools import repeat
from pathlib import Path

import jupytext
import pretend_device
import pytest
import torch
from torch import nn

from pnp_course import devices, images, solvers
from pnp_course.exercises.verdicts import number, tensor

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "notebooks" / "src").glob("[0-9]*.py"))
ASKING = [source for source in SOURCES if "pick_device()" in source.read_text(encoding="utf-8")]
TRAINING = "09"  # a training on the pretended device is in test_devices


def short(solver):
    """The solver's own generator, which computes one step and then rests, for as long as it would have gone on."""

    @wraps(solver)
    def steps(*args, **options):
        count = len(options.get("sigmas") or ()) or options.get("iterations") or sys.maxsize
        yield from repeat(next(solver(*args, **options)), count)

    return steps


class NoAssertions(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)


def on_the_device(module, inputs):
    """The hook that notices a network on the CPU; what is in double precision may be there."""
    if isinstance(module, nn.Conv2d) and not isinstance(inputs[0], pretend_device.Elsewhere):
        assert inputs[0].dtype == torch.float64, "a network works on the CPU"


@pytest.fixture
def pretended(monkeypatch):
    """Everything that a notebook needs to find the pretended device, with short runs."""
    monkeypatch.chdir(ROOT / "notebooks")
    monkeypatch.setattr(devices, "pick_device", lambda: pretend_device.DEVICE)
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda kind: False)  # which knows no pretended devices
    monkeypatch.setattr(torch, "autocast", lambda kind, dtype=None, **options: nullcontext())
    move, photo = nn.Module.to, images.photo
    monkeypatch.setattr(
        nn.Module,
        "to",
        lambda net, *args, **options: (
            pretend_device.moved(net) if args == (pretend_device.DEVICE,) else move(net, *args, **options)
        ),
    )
    monkeypatch.setattr(images, "photo", lambda name, size: photo(name, max(32, 3 * size // 8)))
    for name in solvers.__all__:
        code = getattr(getattr(solvers, name), "__code__", None)
        if code and "function" in code.co_freevars:  # what `solvers.signature.solver` has made of a generator
            held = getattr(solvers, name).__closure__[code.co_freevars.index("function")]
            monkeypatch.setattr(held, "cell_contents", short(held.cell_contents))
    hook = nn.modules.module.register_module_forward_pre_hook(on_the_device)
    with pretend_device.Pretended():
        yield
    hook.remove()
    torch.set_flush_denormal(False)


def run_cells(source):
    """Run a notebook, given as the text of its source, and return its names."""
    names = {"__name__": "notebook"}
    cells = [cell.source for cell in jupytext.reads(source, fmt="py:percent").cells if cell.cell_type == "code"]
    for k, cell in enumerate(cells, 1):
        tree = ast.fix_missing_locations(NoAssertions().visit(ast.parse(cell)))
        exec(compile(tree, f"code cell {k}", "exec"), names)
    return names


@pytest.mark.filterwarnings("ignore:(Data has no|No artists)")  # curves of runs that rest
@pytest.mark.parametrize("source", [s for s in ASKING if s.stem[:2] != TRAINING], ids=lambda source: source.stem[:2])
def test_a_notebook_computes_on_the_device(source, pretended):
    names = run_cells(source.read_text(encoding="utf-8"))
    assert isinstance(names["clean"], pretend_device.Elsewhere)


@pytest.mark.parametrize(
    ("notebook", "made"),
    [
        ("11", 'images.photo("chelsea", 96)'),
        ("11", 'load_denoiser("prox-drunet")'),
        ("16", 'images.photo("astronaut", 96)'),  # whose networks follow it
    ],
)
def test_what_is_not_moved_there_is_noticed(notebook, made, pretended):
    (source,) = (s.read_text(encoding="utf-8") for s in ASKING if s.stem[:2] == notebook)
    assert f"{made}.to(device)" in source
    with pytest.raises((RuntimeError, ValueError, AssertionError), match=r"two devices|on the CPU|on cpu|on meta"):
        run_cells(source.replace(f"{made}.to(device)", made))


def test_an_answer_to_an_exercise_may_be_on_a_gpu():
    x = torch.tensor([0.25, 0.5])
    with pretend_device.Pretended():
        there = x.to(pretend_device.DEVICE)
        assert torch.equal(tensor(there, x), x.double())
        assert torch.equal(tensor(list(there), x), x.double())
        assert number(there[1]) == 0.5


def test_the_book_says_which_notebooks_use_a_gpu():
    page = (ROOT / "book" / "your_gpu.md").read_text(encoding="utf-8")
    (sentence,) = re.findall(r"^The notebooks [^.]*? use a GPU[^.]*\.", page, re.MULTILINE | re.DOTALL)
    assert re.findall(r"(?<!\.)\b\d\d\b", sentence) == [source.stem[:2] for source in ASKING]
