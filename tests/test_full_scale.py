"""Paper scale without the authors' files: random weights of full size in their place, and the plan of a long run."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from pnp_course import images
from pnp_course.datasets import MissingDataError
from pnp_course.denoisers import DRUNet
from pnp_course.denoisers.published import KINDS
from pnp_course.experiments import deconvolution_table, experiment_named, networks, plan
from pnp_course.experiments.experiment import Experiment, Method, Problem
from pnp_course.experiments.job import Job, run_job
from pnp_course.operators import kernels

TABLE = experiment_named("deconvolution")
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A data folder with random weights of the published size, in the files' own form."""
    root = tmp_path_factory.mktemp("data")
    (root / "published").mkdir()
    torch.manual_seed(0)
    net = DRUNet(widths=(64, 128, 256, 512), blocks=4)
    weights = {name: 0.1 * value for name, value in net.state_dict().items()}
    assert sum(value.numel() for value in weights.values()) == 32_640_960  # what the authors' file holds
    for kind in KINDS:
        prefix = "student_grad.model." if kind in ("gs-drunet", "prox-drunet") else ""
        ending = "ckpt" if prefix else "pth"
        content = {prefix + name: value for name, value in weights.items()}
        torch.save({"state_dict": content} if prefix else content, root / "published" / f"{kind}.{ending}")
    return root


@pytest.mark.parametrize("name", ["DPIR", "Prox-DRS", "SNORE", "PnPI-HQS", "CoCo-ADMM", "CoCo-PEGD"])
def test_a_job_at_paper_scale_runs_with_published_weights(name, published, monkeypatch):
    """Two iterations of each method that has published weights; the row names the file by its hash."""
    monkeypatch.setenv("PNP_COURSE_DATA", str(published))
    monkeypatch.setattr(deconvolution_table, "pictures", lambda name: [images.photo("astronaut", 32)])
    monkeypatch.setattr(deconvolution_table, "kernels", lambda: [kernels.motion(9, 1)])
    method, case = TABLE.methods[name], TABLE.cases["paper"](1)[0]
    denoiser = method.denoisers["paper"]
    assert denoiser.startswith("published/")
    job = Job("deconvolution", case, name, method.settings()[0], denoiser, {**method.fixed, "iterations": 2})
    row = run_job(job)
    assert np.isfinite(row["psnr"])
    assert row["weights_sha256"] == networks.weights_hash(denoiser) != ""
    assert job.key != Job("deconvolution", case, name, method.settings()[0], method.denoisers["course"]).key


def test_a_missing_file_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setenv("PNP_COURSE_DATA", str(tmp_path))
    with pytest.raises(MissingDataError, match=r"'coco-drunet' are not there .* published/coco-drunet\.pth or"):
        networks.network("published/coco-drunet")


def test_the_hash_follows_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("PNP_COURSE_DATA", str(tmp_path))
    (tmp_path / "published").mkdir()
    file = tmp_path / "published" / "drunet.pth"
    found = []
    for k, content in enumerate((b"one", b"two")):
        file.write_bytes(content)
        os.utime(file, ns=(k, k))
        found.append(networks.weights_hash("published/drunet"))
    assert found[0] == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    assert found[1] != found[0]


def test_the_plan_adds_up_the_hours(monkeypatch):
    """A job takes 2 s at its start and 3 s for each iteration: 302 s for 100 of them."""
    seen = []

    def measure(method, problem, denoiser, q):
        seen.append((denoiser, q["iterations"]))
        return None, {"seconds": 2.0 + 3.0 * q["iterations"]}

    monkeypatch.setattr(plan, "measure", measure)
    picture = torch.zeros(1, 3, 8, 8)
    table = Experiment(
        "toy", "nowhere", "Nothing.", {"course": lambda n: [{"image": k} for k in range(n or 12)]},
        lambda: [{"image": 99}], lambda case: Problem(picture, picture, {}),
        {"M": Method(lambda *_: picture, {"course": "drunet"}, {"sigma": (0.1, 0.2)}, {"iterations": 100})},
    )  # fmt: skip
    text = "\n".join(plan.plan(table, "course"))
    assert seen == [("drunet", 2), ("drunet", 5)]
    assert "| M | 12 | 302 | 1.01 |" in text
    assert re.search(r"scale course: 12 jobs, 1\.01 hours on one ", text)
    assert "Its tuning: 2 jobs, at most 0.168 hours" in text
    assert "| M | 3 | 302 | 0.252 |" in plan.plan(table, "course", 3)


def test_the_hours_on_the_page_follow_from_the_counts():
    """The page is up to date, and a line of its table is evaluations x operations / rate, computed here again."""
    subprocess.run([sys.executable, "tools/full_scale_page.py", "--check"], cwd=ROOT, check=True)
    found = json.loads((ROOT / "benchmarks" / "results" / "full_scale.json").read_text())
    assert found["cases"] == len(TABLE.cases["paper"](None)) == 68 * 8 * 2
    assert set(found["methods"]) == set(TABLE.methods)
    for name, m in found["methods"].items():
        assert m["network"] == TABLE.methods[name].denoisers["paper"]
        assert m["evaluations"] >= m["iterations"]
    coco = found["networks"]["published/coco-drunet"]
    assert coco["weights"] == 32_640_960
    # a gradient step runs its network forwards and backwards
    assert found["networks"]["published/gs-drunet"]["gflop"] == pytest.approx(2 * coco["gflop"], rel=0.01)
    hours = 68 * 8 * 2 * 50 * coco["gflop"] * (328 * 488 / found["side"] ** 2) / 15e3 / 3600
    (line,) = (
        line for line in (ROOT / "book" / "full-scale.md").read_text().splitlines() if line.startswith("| CoCo-ADMM")
    )
    assert float(line.split("|")[6]) == pytest.approx(hours, rel=0.1)
