"""The rooms: no import points up, nothing but viz draws, the picture is what the code says, and the recipe adds a solver."""

import ast
import os
import re
import shutil
import subprocess
import sys
import textwrap
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import architecture  # noqa: E402
import architecture_picture  # noqa: E402


def test_no_import_points_up_and_every_module_has_a_room():
    assert architecture.faults() == []


def test_picture_and_table_are_current():
    done = subprocess.run(
        [sys.executable, "tools/architecture.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "line", "fault"),
    [
        (
            "operators/new.py",
            "from pnp_course.solvers import run",
            "operators/new.py imports solvers, which is not below it",
        ),
        ("solvers/new.py", "import pnp_course.viz.figures", "solvers/new.py imports viz, which is not below it"),
        ("noise.py", "def f():\n    from pnp_course import metrics", "noise.py imports metrics, which is not below it"),
        ("monitors.py", "from pnp_course import load_denoiser", "monitors.py imports from the package's root"),
        ("kitchen.py", "", "pnp_course/kitchen has no room"),
        ("viz/new.py", "from pnp_course.toy import mixture\nfrom pnp_course.viz import lab", None),
        ("noise.py", "from pnp_course import __version__", None),
    ],
)
def test_faults_are_found_in_a_made_up_tree(tmp_path, file, line, fault):
    for name in ("metrics", "noise", "monitors"):
        (tmp_path / "pnp_course").mkdir(exist_ok=True)
        (tmp_path / "pnp_course" / f"{name}.py").touch()
    for name in ("solvers", "viz", "toy", "operators"):
        (tmp_path / "pnp_course" / name).mkdir()
    (tmp_path / "pnp_course" / file).write_text(line)
    found = architecture.faults(tmp_path)
    assert len(found) == (fault is not None)
    assert all(fault in sentence for sentence in found)


def importers(root, library):
    """Files below root that import a library, anywhere in them."""
    found = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == library for name in names):
                found.add(path.relative_to(root).as_posix())
    return found


def test_nothing_outside_viz_imports_matplotlib():
    drawing = importers(ROOT / "pnp_course", "matplotlib")
    assert "viz/figures.py" in drawing
    assert {file for file in drawing if not file.startswith("viz/")} == set()


def test_arrows_leave_and_reach_their_rooms_and_cross_no_other():
    rows, height = architecture_picture.placed()
    boxes = {box.room.name: box for row in rows for box in row}
    for row in rows:
        for left, right in pairwise(row):
            assert left.right < right.left, "boxes lie over each other"
        assert all(box.top > 0 and box.top + box.height < height for box in row)
    drawn = [a for a in architecture.FLOW if a.source in boxes and a.target in boxes and a.at]
    assert len(drawn) > 8
    for arrow in drawn:
        assert arrow.at == arrow.to, "slanted arrows are not looked at here"
        x = architecture_picture.MARGIN + arrow.at * architecture_picture.COLUMN
        source, target = boxes[arrow.source], boxes[arrow.target]
        assert source.left < x < source.right and target.left < x < target.right, arrow  # noqa: PT018
        between = [b for b in boxes.values() if target.top < b.top < source.top]
        assert not any(box.left < x < box.right for box in between), arrow


def recipe(title):
    """The steps of a recipe of book/architecture.md: (what to do, file, anchor, code), and its commands."""
    text = (ROOT / "book" / "architecture.md").read_text(encoding="utf-8")
    part = re.split(r"^## ", text.split(f"## {title}\n")[1], maxsplit=1, flags=re.M)[0]
    step = r"(New file|In) `([^`]+)`(?:, (below|above) `([^`]+)`)?:\n\n```python\n(.*?)```"
    steps = [
        (place or "new", file, anchor, code) for _, file, place, anchor, code in re.findall(step, part, flags=re.S)
    ]
    assert len(steps) == part.count("```python")
    commands = [line for block in re.findall(r"```bash\n(.*?)```", part, flags=re.S) for line in block.splitlines()]
    return steps, commands


def follow(root, steps):
    """Do what the steps say, in a copy of the tree."""
    for place, file, anchor, code in steps:
        path = root / file
        if place == "new":
            assert not path.exists()
            path.write_text(code, encoding="utf-8")
            continue
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        (at,) = [k for k, line in enumerate(lines) if line.startswith(anchor)]
        lines.insert(at + (place == "below"), code)
        path.write_text("".join(lines), encoding="utf-8")


RUN = textwrap.dedent("""
    import sys
    from pathlib import Path

    sys.path.insert(0, "tests")
    import pnp_course
    from linear_problem import problem
    from pnp_course import solvers
    from pnp_course.guarantees import guarantee
    from test_all_solvers import prior_and_fidelity
    from test_guarantees import CONVEX

    assert Path(pnp_course.__file__).parent.parent == Path.cwd(), "another copy of the package was imported"
    p = problem(True)
    result = solvers.run(solvers.mann_pgd(p.fidelity, p.denoise, p.y, lam=0.7, relaxation=0.8), 400, tol=1e-12)
    print(result.stopped_by, float((result.x.flatten() - prior_and_fidelity(p)).abs().max()) < 1e-9)
    for relaxation in (1.4, 1.8):
        print(guarantee("mann_pgd", CONVEX, p.fidelity, p.y, lam=1.0, step=1.0, relaxation=relaxation))
    try:
        solvers.mann_pgd(p.fidelity, p.denoise, p.y, lam=0.7, relaxation=2.0)
    except ValueError as error:
        print(error)
""")


@pytest.fixture
def copy(tmp_path):
    """A copy of the tree, and a function that runs this Python in it."""
    skip = shutil.ignore_patterns("__pycache__", "*.safetensors", "theory", "demo")
    for name in ("pnp_course", "tools", "tests", "book"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"}

    def call(arguments):
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return tmp_path, call


def run_commands(commands, call):
    """Run a page's commands with this Python; what the last one printed."""
    out = ""
    for command in commands:
        program, *arguments = re.findall(r'"([^"]*)"|(\S+)', command)
        assert "".join(program) == "python"
        out = call(["".join(argument) for argument in arguments])
    return out


def test_the_recipe_adds_a_solver(copy):
    """In a copy of the tree: the page's own blocks, its own commands, then a run and its guarantee."""
    root, call = copy
    steps, commands = recipe("Add a solver")
    follow(root, steps)
    out = run_commands(commands, call)
    assert int(re.search(r"(\d+) passed", out).group(1)) >= 4, out  # two limits, the table of rules, the page
    assert "mann_pgd" in (root / "book" / "guarantees.md").read_text(encoding="utf-8")
    touched = {file for _, file, _, _ in steps}
    call(["-m", "ruff", "check", *touched])
    call(["-m", "ruff", "format", "--check", *touched])
    call(["tools/architecture.py", "--check"])
    out = call(["-c", RUN]).splitlines()
    assert out[0] == "tolerance True"
    assert out[1].startswith("mann_pgd: covered by the theorem of Krasnoselskii and Mann")
    assert "not covered" in out[2]
    assert "relaxation = 1.8 is not below" in out[2]
    assert out[3] == "relaxation is 2.0; wanted a number with 0 < relaxation < 2."


def test_the_recipe_adds_an_experiment(copy):
    """In under 40 lines of declaration: tuned, computed, and its report written, with the page's own commands."""
    root, call = copy
    steps, commands = recipe("Add an experiment")
    follow(root, steps)
    shutil.copy(ROOT / "pnp_course" / "weights" / "drunet.safetensors", root / "pnp_course" / "weights")
    code = steps[0][3].splitlines()
    assert sum(bool(line.strip()) and not line.startswith(("from", "import", '"""')) for line in code) < 40
    out = run_commands(commands, call)
    wiener, dpir = (float(re.search(rf"\| {name} \| (\d\d\.\d\d) \|", out).group(1)) for name in ("Wiener", "DPIR"))
    assert dpir > wiener + 1 > 20
    call(["-m", "ruff", "check", *{file for _, file, _, _ in steps}])
    call(["-m", "ruff", "format", "--check", *{file for _, file, _, _ in steps}])
