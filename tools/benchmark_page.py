"""Write book/benchmarks.md from benchmarks/results: python tools/benchmark_page.py [--check]."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmark_tables import Row, measured, table
from benchmark_trials import tied, tradeoff
from benchmark_web import classroom, playground, website

ROOT = Path(__file__).resolve().parent.parent
RESULTS, PAGE = ROOT / "benchmarks" / "results", ROOT / "book" / "benchmarks.md"

HEAD = """# Benchmarks

Each table was measured by one script in `benchmarks/`, side by side, with the same network and the same precision; the time is
that of the fastest of several rounds, unless the line below the table says otherwise. The peer library is deepinv, 0.5.0 where a
table names no other version; it does far more than this course needs. Times depend on the machine and the day; ratios depend on
them less.
"""


def whole(r: Row) -> list[str]:
    """The demonstration's two commands."""
    a, b = r["restore_481x321"], r["coco_admm_256"]
    return [
        "## Restoring a photograph", "",
        f"CoCo-ADMM, {a['iterations']} iterations on a colour photograph of {a['pixels'][1]} x {a['pixels'][0]} pixels, as "
        f"`python -m pnp_course restore` runs it: {a['seconds']:.1f} s, {a['peak_memory_gb']} GB. At 256 x 256 "
        f"{b['seconds']:.1f} s, of which the denoiser takes {b['denoiser_seconds']:.1f} s, the proximal operator of the Poisson "
        f"fidelity {b['prox_seconds']:.1f} s and the loop {b['loop_percent']:.1f} %.",
        "", measured(r, "spine.py"), "",
    ]  # fmt: skip


def denoisers(r: Row) -> list[str]:
    """Evaluation cost of every shipped denoiser."""
    rows = []
    for name, sizes in r["denoisers"].items():
        for size, at in sizes.items():
            if size == "peak_gflops":
                continue
            rows.append([
                f"`{name}`", size.replace("x", "×"), at["seconds"], at["seconds_at_peak"], at["gmacs"], at["extra_mib"],
                at.get("gradient_and_potential_over_forward"), at["fast_seconds"], at["fast_max_error"],
            ])  # fmt: skip
    head = [
        "name", "size", "seconds", "at peak", "10⁹ multiply-adds", "MiB", "D and g, over one forward pass",
        "`fast=True`, seconds", "its largest error",
    ]  # fmt: skip
    return [
        "## One evaluation", "",
        '"At peak" is what the multiply-adds would take at the speed of a large float32 matrix product on the same machine. '
        "For gradient steps, the seventh column is the time of denoised image and potential together over that of the "
        "network inside. `fast=True` computes in bfloat16, which helps only where the processor has units for it.",
        "", *table(head, rows), "", measured(r, "denoisers.py"), "",
    ]  # fmt: skip


def penalties(r: Row) -> list[str]:
    """One penalised training step, three ways."""
    rows = [
        [way, at["plain_steps"], at["seconds"], at["extra_mib"], at.get("asymmetry"), at.get("expansion")]
        for way, at in r["ways"].items()
    ]
    head = ["step", "in plain steps", "seconds", "MiB", r"$\lVert J - J^{\mathsf T}\rVert_*$", "norm of the condition"]
    return [
        "## A penalised training step", "",
        "A is the spectral norm alone, B both penalties of [B] (18). The same norms are computed by the gates of the ReLU "
        "network, by double backpropagation as in the papers, and by the peer library's loss. The last two columns show that "
        "the same norms were measured, up to the starting vectors of the power iteration, which cannot always be chosen.",
        "", *table(head, rows), "", measured(r, "penalties.py"), "",
    ]  # fmt: skip


def solvers(r: Row) -> list[str]:
    """Loops, line search, tomography, growth."""
    loops = [
        [
            name.upper(), at["network_and_prox_seconds"], at["ours_seconds"], at["ours_overhead_ms_per_iteration"],
            at.get("deepinv_seconds"), at.get("deepinv_overhead_ms_per_iteration"),
        ]
        for name, at in r["deblurring_256"].items()
    ]  # fmt: skip
    head = ["50 iterations", "network and prox (s)", "ours (s)", "overhead (ms)", "deepinv (s)", "overhead (ms)"]
    search = [
        [
            name, at["one_evaluation_seconds"], at["ours_seconds_per_iteration"], at["forward_passes"], at["rejected"],
            at.get("deepinv_seconds_per_iteration"), at.get("deepinv_forward_passes"),
        ]
        for name, at in r["gs_pnp_backtracking_256"].items()
    ]  # fmt: skip
    search_head = [
        "10 iterations", "one evaluation of D and g (s)", "ours (s)", "passes", "rejected", "deepinv (s)", "passes",
    ]  # fmt: skip
    views = [
        [
            name, at["forward_and_adjoint_seconds"], at.get("deepinv_forward_and_adjoint_seconds"),
            at["skimage_forward_seconds"], at["prox_seconds"], at.get("deepinv_prox_seconds"), at["adjoint_relative_error"],
        ]
        for name, at in r["tomography_256"].items()
    ]  # fmt: skip
    radon = [
        "256 x 256", "forward and adjoint (s)", "deepinv (s)", "scikit-image, forward (s)", "prox (s)", "deepinv (s)",
        "adjoint's relative error",
    ]  # fmt: skip
    growth = r["microseconds_per_iteration_and_pixel"]
    sides = list(next(iter(growth.values())))
    return [
        "## Solvers", "",
        "The first table is for deblurring at 256 x 256 with `drunet`. The overhead of one iteration is measured separately, "
        "with a denoiser that costs nothing, since the network's own time varies by more than it, as the seconds show.", "",
        *table(head, loops), "",
        "The next is for GS-PnP with a line search: seconds for each accepted iteration, and the number of forward passes of "
        "the network; deepinv's proximal gradient descent with backtracking has the same prior. It makes two passes for each "
        "step that it tries; so the passes show whether its search rejected any.", "",
        *table(search_head, search),
        "", "The next is for parallel-beam tomography, with the proximal operator by conjugate gradients.", "",
        *table(radon, views), "",
        "The last has microseconds per iteration and pixel for pictures of several sides; if they are constant, the time is "
        "linear in the number of pixels.",
        "", *table(["solver", *sides], [[f"`{name}`", *at.values()] for name, at in growth.items()]), "",
        measured(r, "solvers.py"), "",
    ]  # fmt: skip


def tomography(r: Row) -> list[str]:
    """Projections, one iteration of solvers, and the memory of a clinical size."""
    names = {
        "forward": "projection", "adjoint": "adjoint", "fbp": "filtered backprojection", "denoiser": "denoiser alone",
        "pgd": "proximal gradient descent, one iteration", "admm": "ADMM, one iteration",
        "sart": "SART, one sweep, no denoiser", "coco_admm": "CoCo-ADMM, counts, one iteration",
    }  # fmt: skip
    sides = list(r["sizes"])
    who = ("ours", "deepinv", "skimage")
    rows = [
        [title, *(r["sizes"][side].get(name, {}).get(library) for side in sides for library in who)]
        for name, title in names.items()
    ]
    head = ["seconds", *(f"{side}, {lib}" for side in sides for lib in ("ours", "deepinv", "scikit-image"))]
    built = ", ".join(f"{at['build']} s and {at['matrix_mb']} MiB at {side}" for side, at in r["sizes"].items())
    memory = [
        [beam, at["build"], at["forward"], at["adjoint"], at["matrix_mb"], at["libraries_mb"], at["peak_mb"]]
        for beam, at in r["clinical"].items()
    ]
    memory_head = ["beam", "build (s)", "forward (s)", "adjoint (s)", "matrices (MiB)", "imports (MiB)", "peak (MiB)"]
    versions = ", ".join(f"{name} {version}" for name, version in r["versions"].items())
    return [
        "## Tomography", "",
        f"A phantom seen by {r['views']} parallel views, {versions}; seconds of the processor, one thread. Our matrix and its "
        f"transpose are built once ({built}); the others compute each projection anew. The two iterations with a denoiser are "
        "on the Gaussian fidelity, with the same network in both libraries, and ADMM's conjugate gradients stop at each "
        "library's own tolerance; SART is scikit-image's iteration, and its "
        "backprojection without a filter stands in the line of the adjoint, which it is not exactly. CoCo-ADMM is on "
        "Poisson counts, with Newton's method.", "",
        *table(head, rows), "",
        "A clinical size, 512 x 512 pixels with 360 views, each beam in a fresh process: the most memory it ever held, of "
        "which the imports are a part.", "",
        *table(memory_head, memory), "",
        f"Memory at commit {' and '.join(sorted({at['commit'] for at in r['clinical'].values()}))}; the other table: ",
        measured(r, "ct.py"), "",
    ]  # fmt: skip


def experiments(r: Row) -> list[str]:
    """A job of the deconvolution table."""
    rows = [
        [
            name, f"`{at['denoiser']}`", at["iterations"], at["network_calls"], at["network_products"], f"{at['seconds']:.1f}",
            f"{at['network_seconds'] / at['seconds']:.0%}", at["memory_mb"],
        ]
        for name, at in r["methods"].items()
    ]  # fmt: skip
    head = ["method", "denoiser", "iterations", "forward passes", "products", "seconds", "network", "MiB"]
    sides = [
        [name.upper(), at["network_and_prox"], at["job"], at.get("deepinv")] for name, at in r["side_by_side"].items()
    ]
    jobs, batch, machine = r["jobs_per_minute"], r["batch"], r["machine"]
    busy = (
        f"On the machine, of {machine['cores']} cores, other programs were running (load {machine['load_before']:g})"
        if machine["load_before"] > 0.3
        else "Nothing else was running"
    )
    side = r["side"]
    return [
        "## A job of the experiments", "",
        f"Photon-limited deconvolution of a photograph of {side} x {side} pixels at 50 photons, each method once, in a fresh "
        "process. Products are vector-Jacobian products of the network; the network's share is its calls times the seconds "
        f"of one; MiB are beyond the same method on 32 x 32 pixels. {busy}; seconds are those of the processor.", "",
        *table(head, rows), "",
        "The next has seconds of a whole Gaussian deblurring job, 50 iterations with PSNR after each and SSIM at the end, beside "
        "bare calls of network and proximal operator, and beside the same iterations in deepinv, which measures nothing.", "",
        *table(["50 iterations", "network and prox (s)", "our job (s)", "deepinv (s)"], sides), "",
        f"Small jobs (DPIR, 128 x 128) a minute, by the clock: {jobs['1']:.0f} with one process, {jobs['2']:.0f} with two. "
        f"{batch['copies']} photographs of 128 x 128 by CoCo-ADMM: {batch['one_at_a_time']:.1f} s one at a time, "
        f"{batch['in_one_call']:.1f} s in one call.", "",
        measured(r, "experiments.py"), "",
    ]  # fmt: skip


def blind(r: Row) -> list[str]:
    """Kernel estimation."""
    rows = [
        [f"{at['side']} x {at['side']}", at["kernel"], at["seconds"], at["processor"], at["similarity"]]
        for at in r["rows"]
    ]
    return [
        "## The kernel of a photograph", "",
        "`blind.estimate_kernel`, from the photograph to the kernel; the seconds of the clock contain those of other programs "
        "that were running, those of the processor do not.", "",
        *table(["picture", "width of the kernel", "seconds", "of the processor", "similarity to the true kernel"], rows), "",
        measured(r, "blind.py"), "",
    ]  # fmt: skip


def ridge(r: Row) -> list[str]:
    """Denoisers that are minimisations."""
    counts = [
        t for t in ("1 thread", "2 threads") if any(t in at for run in r.values() for at in run["denoisers"].values())
    ]
    columns = [(t, key) for t in counts for key in ("seconds", "processor")]
    rows = [
        [f"`{name}`", version, at.get("gradients"), *(at.get(t, {}).get(key) for t, key in columns)]
        for version, run in r.items()
        for name, at in run["denoisers"].items()
    ]
    clocks = {"seconds": "by the clock (s)", "processor": "of the processor (s)"}
    head = ["denoiser", "version", "gradients", *(f"{t}, {clocks[key]}" for t, key in columns)]
    about = {version: (run["provenance"], run["load"], run["repeats"]) for version, run in r.items()}
    loads = "; ".join(
        f"{version}: torch {p['torch']}, {p['device']}, commit {p['commit']}, least of {repeats} "
        f"run{'s' * (repeats != 1)}, load of other programs {load}"
        for version, (p, load, repeats) in about.items()
    )
    return [
        "## A denoiser that is a minimisation", "",
        "One evaluation of a ridge prox at 256 x 256, level 25/255, beside a gradient step. "
        '"before" is Nesterov\'s method from the noisy picture, over whole pictures; "now" is L-BFGS from a thresholded '
        "picture, in bands of rows that stay in a core's cache, to the same certified error. Other programs were running, which "
        "the clock shows more than the processor's time of all threads.",
        "", *table(head, rows), "", f"`python benchmarks/ridge.py`; {loads}.", "",
    ]  # fmt: skip


def page() -> str:
    """The page's text, of the results that are there."""
    parts = {
        "spine": whole,
        "denoisers": denoisers,
        "ridge": ridge,
        "penalties": penalties,
        "solvers": solvers,
        "ct": tomography,
        "experiments": experiments,
        "blind_speed": blind,
        "playground": playground,
        "site": website,
        "kit": classroom,
    }
    lines = [HEAD]
    for name, write in parts.items():
        file = RESULTS / f"{name}.json"
        if file.exists():
            lines += write(json.loads(file.read_text(encoding="utf-8")))
    if (RESULTS / "tradeoff.csv").exists():
        lines += tradeoff(RESULTS / "tradeoff.csv")
    if (RESULTS / "tied.csv").exists():
        lines += tied(RESULTS / "tied.csv")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        raise SystemExit(
            "benchmark_page: book/benchmarks.md does not agree with the results: run python tools/benchmark_page.py"
        )
