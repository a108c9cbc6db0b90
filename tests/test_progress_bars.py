"""The bars of long computations: shown where they are asked for, and hidden by TQDM_DISABLE, which tqdm reads when imported."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
# each prints its bar, if any, on the standard error; a stand-in for the terminal is what `reproduce` asks for
COMPUTATIONS = {
    "run": """
from linear_problem import LAM, problem
from pnp_course import solvers
p = problem(symmetric=True)
solvers.run(solvers.admm(p.fidelity, p.denoise, p.y, lam=LAM), 2, progress={shown})
""",
    "train": """
import dataclasses, tempfile, torch
from pathlib import Path
from tiny_training import PICTURES, TINY, Three
from pnp_course.training.loop import train
with tempfile.TemporaryDirectory() as folder:
    preset = dataclasses.replace(TINY, steps=2)
    train(Three(), preset, PICTURES, Path(folder) / "net", device=torch.device("cpu"), progress={shown})
""",
    "reproduce": """
import sys
from pnp_course.experiments import reproduce
sys.stderr.isatty = lambda: {shown}
reproduce.do([], None)
""",
}


@pytest.mark.parametrize("name", COMPUTATIONS)
@pytest.mark.parametrize(("shown", "disable", "wanted"), [(True, None, True), (True, "1", False), (False, None, False)])
def test_a_bar_is_shown_where_it_is_asked_for_and_not_disabled(name, shown, disable, wanted):
    environment = {k: v for k, v in os.environ.items() if k != "TQDM_DISABLE"}
    environment |= {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
    if disable is not None:
        environment["TQDM_DISABLE"] = disable
    code = COMPUTATIONS[name].format(shown=shown)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if wanted:
        assert re.search(r"\d+/\d+ \[|\d(it|job) \[", done.stderr), done.stderr
    else:
        assert done.stderr == ""
