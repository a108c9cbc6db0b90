"""The files for conda, Docker, the devcontainer and Colab hold the pins of requirements.txt, and these pins fit each other.

The first command of continuous integration installs requirements.txt itself, so an index has every pin; here it is asked, of the
metadata of the packages that were installed, whether each one's needs are met by the pins, on each Python that files name.
"""

import json
import os
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import environments  # noqa: E402

PINS = [Requirement(line) for line in environments.pins((ROOT / "requirements.txt").read_text(encoding="utf-8"))]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d+$", line)]


def test_environment_files_are_those_of_requirements():
    assert environments.check() == 0
    pins = re.findall(r"^\w[^#\s]*==\S+", (ROOT / "requirements.txt").read_text(encoding="utf-8"), flags=re.M)
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    assert conda[-1]["pip"] == [*pins, "-e ."]
    assert f"python={environments.PYTHON}" in conda
    docker = (ROOT / ".devcontainer" / "Dockerfile").read_text(encoding="utf-8")
    assert f"pip install {pins[0]} --index-url" in docker
    assert "-r requirements.txt" in docker
    assert f"FROM python:{environments.PYTHON}-slim\n" in docker
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert (ROOT / ".devcontainer" / container["build"]["dockerfile"]).exists()
    cell = (ROOT / "book" / "colab_cell.txt").read_text(encoding="utf-8")
    colab = re.findall(r"\S+==\S+", cell)
    assert {pin.partition("==")[0] for pin in colab} == set(environments.COLAB)
    assert set(colab) <= set(pins)


def test_a_changed_pin_is_noticed(tmp_path, capsys):
    for name in ("requirements.txt", "_config.yml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "book").mkdir()
    assert environments.write(tmp_path) == 0
    assert environments.check(tmp_path) == 0
    path = tmp_path / "requirements.txt"
    path.write_text(re.sub(r"^numpy==.*$", "numpy==9.9", path.read_text(), flags=re.M))
    assert environments.check(tmp_path) == 1
    assert "environment.yml differs: run python tools/classroom.py environments" in capsys.readouterr().err


def closure(roots, python):
    """Name -> version of all that the requirements bring on Linux with this Python, and complaints of what does not fit."""
    where = default_environment() | {"python_version": python, "python_full_version": f"{python}.9"}
    todo, seen, wrong = [(need, "the pins") for need in roots], set(), []
    while todo:
        need, by = todo.pop()
        if need.marker and not any(need.marker.evaluate(where | {"extra": extra}) for extra in ("", *need.extras)):
            continue
        name = canonicalize_name(need.name)
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            if python == f"{sys.version_info[0]}.{sys.version_info[1]}":  # others may need more
                wrong.append(f"{by} asks for {need}, which is not installed")
            continue
        if not need.specifier.contains(found.version, prereleases=True):
            wrong.append(f"{by} asks for {need}, but {found.version} is installed")
        if not SpecifierSet(found.metadata.get("Requires-Python", "")).contains(f"{python}.9"):
            wrong.append(f"{name} {found.version} wants Python {found.metadata.get('Requires-Python')}, not {python}")
        if (name, frozenset(need.extras)) in seen:
            continue
        seen.add((name, frozenset(need.extras)))
        for line in found.requires or ():
            inner = Requirement(line)
            marked = inner.marker is None or any(
                inner.marker.evaluate(where | {"extra": extra}) for extra in ("", *need.extras)
            )
            if marked:
                inner.marker = None
                todo.append((inner, f"{name} {found.version}"))
    return {name for name, _ in seen}, wrong


def other_than_pinned():
    """What is installed here in another version than its pin, or not at all."""
    there = {canonicalize_name(d.metadata["Name"]): d.version.partition("+")[0] for d in metadata.distributions()}
    return [pin.name for pin in PINS if there.get(canonicalize_name(pin.name)) != str(pin.specifier)[2:]]


@pytest.mark.parametrize("python", PYTHONS)
def test_the_pins_fit_each_other_and_each_python(python):
    # an environment of the reader's own, as in the weekly run, may have other versions; the course's own may not
    if other_than_pinned() and os.environ.get("PNP_COURSE_ENV") == "none":
        pytest.skip(f"this environment is not made from requirements.txt: {', '.join(other_than_pinned())}")
    assert other_than_pinned() == []
    names, wrong = closure(PINS, python)
    assert wrong == []
    assert {canonicalize_name(pin.name) for pin in PINS} <= names
    assert len(names) > 1.5 * len(PINS)  # what the pins bring was looked at, too


def test_the_pins_are_within_the_bounds_of_the_package():
    """`pip install -e .` after the pins, in conda and in the container, must find nothing to change."""
    extras = [
        line
        for group in ("ct", "notebooks", "cluster", "book", "test")
        for line in PROJECT["optional-dependencies"][group]
    ]
    pinned = {canonicalize_name(pin.name): str(pin.specifier)[2:] for pin in PINS}
    for need in map(Requirement, [*PROJECT["dependencies"], *extras]):
        assert canonicalize_name(need.name) in pinned, need
        assert need.specifier.contains(pinned[canonicalize_name(need.name)]), need
    assert environments.PYTHON in PYTHONS
    assert environments.PYTHON in SpecifierSet(PROJECT["requires-python"])


def test_colab_gets_what_the_library_needs_and_nothing_twice():
    """All that the library imports is in Colab's image by the list, or is installed by the cell with its pin."""
    needs = {
        canonicalize_name(Requirement(line).name)
        for line in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["ct"]]
    }
    cell = (ROOT / "book" / "colab_cell.txt").read_text(encoding="utf-8")
    brought = {Requirement(pin).name for pin in re.findall(r"\S+==\S+", cell)}
    assert brought <= needs
    assert len(brought) == len(re.findall(r"\S+==\S+", cell))
    kept = needs - brought  # the image's own, which are not exchanged: torch brings its GPU there
    assert {"torch", "numpy", "scipy", "matplotlib"} <= kept
    assert "--no-deps" in cell
