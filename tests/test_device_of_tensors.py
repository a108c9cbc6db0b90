"""Every tensor that the library makes has a device that was chosen: named in the call, taken over by `.to`, or reviewed here.

What runs on another device than the CPU is tested in test_devices.py; this reads the source, so that a new
`torch.zeros(n)` in code that no case runs is seen, too. Left out are rooms whose worlds are on the CPU: `toy`, the figures of
`viz`, and the answers that `exercises` check.
"""

import ast
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parent.parent / "pnp_course"
LEFT_OUT = ("toy", "viz", "exercises")
MAKERS = {
    "zeros", "ones", "full", "arange", "linspace", "logspace", "eye", "tensor", "empty", "rand", "randn", "randint",
    "randperm", "as_tensor", "from_numpy", "fftfreq", "rfftfreq", "hann_window", "tril_indices", "triu_indices",
}  # fmt: skip

NUMBERS = "single numbers or a few, kept on the CPU, where they are read"
READ = "read from a file, or drawn as a phantom; the reader moves it"
DRAWN = "drawn by the CPU, so that it is the same on all machines, and then moved"
EXACT = "computed once, in double precision, by the CPU, and then moved"
MODULE = "weights of a network, which move with it"
TRAINED = "part of a training that is on the CPU, and says so"
REVIEWED = {
    ("_checks.py", "check_numbers"): NUMBERS,
    ("_checks.py", "check_weight"): NUMBERS,
    ("blind/coordinate_network.py", "restore_by_coordinates"): DRAWN,
    ("blind/coordinate_network.py", "_network"): DRAWN,
    ("blind/measures.py", "between"): "SciPy shifts it on the CPU; the window goes back to where the picture was",
    ("camera_noise.py", "by_transform"): NUMBERS,
    ("ct/networks.py", "ScanTraining.draw"): TRAINED,
    ("ct/phantoms.py", "phantom"): READ,
    ("ct/phantoms.py", "shepp_logan"): READ,
    ("ct/slices.py", "read_slices"): READ,
    ("ct/sparse_coding.py", "learn_filters"): TRAINED,
    ("ct/sparse_coding.py", "Coder.__init__"): EXACT,
    ("denoisers/levels.py", "hard_pictures"): DRAWN,
    ("denoisers/levels.py", "excess"): NUMBERS,
    ("denoisers/ridge.py", "RidgeProx.__init__"): MODULE,
    ("denoisers/ridge_colour.py", ""): MODULE,
    ("denoisers/ridge_filters.py", "cosine_bank"): MODULE,
    ("denoisers/ridge_filters.py", "cosine_bank.filled"): MODULE,
    ("experiments/counting.py", "stabilised"): NUMBERS,
    ("experiments/ct_slices.py", "scans"): NUMBERS,
    ("experiments/holes_sweep.py", "holes"): EXACT,
    ("experiments/raw_table.py", "Stabilised.__init__"): NUMBERS,
    ("guarantees/certificates.py", "Certificate.summary"): NUMBERS,
    ("noise.py", "poisson"): DRAWN,
    ("noise.py", "inverse_gamma"): DRAWN,
    ("noise_level/mean_variance.py", "line"): NUMBERS,
    ("noise_level/mean_variance.py", "groups"): NUMBERS,
    ("noise_level/mean_variance.py", "cosines"): NUMBERS,
    ("noise_level/patches.py", "patch_sigma"): NUMBERS,
    ("noise_level/wavelet.py", ""): NUMBERS,
    ("operators/base.py", "LinearOperator.norm"): DRAWN,
    ("operators/bayer.py", "bayer_mask"): EXACT,
    ("operators/blur.py", "Blur.spectrum"): EXACT,
    ("operators/kernels.py", "gaussian"): EXACT,
    ("operators/kernels.py", "box"): EXACT,
    ("operators/kernels.py", "motion"): DRAWN,
    ("operators/mask.py", "random_mask"): DRAWN,
    ("operators/projector.py", "_sparse"): EXACT,
    ("operators/projector.py", "angles_of"): EXACT,
    ("operators/projector.py", "Projector.gram_spectrum"): EXACT,
    ("operators/radon.py", "ramp_filter"): EXACT,
    ("picture_files.py", "to_tensor"): READ,
    ("single_photon.py", "measured_camera"): READ,
    ("single_photon.py", "random_camera"): DRAWN,
    ("single_photon.py", "Camera.crop"): DRAWN,
    ("solvers/bregman.py", "b_red"): NUMBERS,
    ("solvers/gs_pnp.py", "gs_pnp_pgd"): NUMBERS,
    ("solvers/schedules.py", "normal_like"): DRAWN,
    ("solvers/schedules.py", "ladder"): NUMBERS,
    ("training/checkpoint.py", "_renewed"): NUMBERS,
    ("training/corruption.py", "corrupted"): DRAWN,
    ("training/guards.py", "denormals_are_flushed"): NUMBERS,
    ("training/patches.py", "Patches.__init__"): NUMBERS,
}


def unplaced(source):
    """(function, call) for each call that makes a tensor and says nothing of its device."""
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MAKERS):
            continue
        if ast.unparse(node.func.value) not in ("torch", "torch.fft") or any(
            k.arg in ("device", None) for k in node.keywords
        ):
            continue
        above, moved = node, False
        while isinstance(parents.get(above), ast.expr | ast.keyword):
            above = parents[above]
            called = above.func if isinstance(above, ast.Call) else None
            moved = moved or (isinstance(called, ast.Attribute) and called.attr == "to")
        if moved:
            continue
        names = []
        while above in parents:
            above = parents[above]
            if isinstance(above, ast.FunctionDef | ast.ClassDef):
                names.insert(0, above.name)
        yield ".".join(names), ast.unparse(node)


def test_every_tensor_has_a_device():
    found = set()
    for path in sorted(LIBRARY.rglob("*.py")):
        file = path.relative_to(LIBRARY).as_posix()
        if file.split("/")[0] in LEFT_OUT:
            continue
        for function, call in unplaced(path.read_text(encoding="utf-8")):
            found.add((file, function))
            assert (file, function) in REVIEWED, f"{file}, {function}: {call} is made on the CPU; name a device"
    assert found == set(REVIEWED)  # and nothing is reviewed that is gone


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("def f(x):\n    return torch.zeros(3)", 1),
        ("def f(x):\n    return x + torch.zeros(3, device=x.device)", 0),
        ("def f(x):\n    return (2 * torch.arange(3)).to(x)", 0),
        ("def f(x):\n    return torch.randn(3, generator=g).to(x.device)", 0),
        ("def f(x):\n    return torch.full_like(x, 2), x.new_zeros(3)", 0),
        ("def f(x):\n    a = torch.tensor([1.0]); return a.to(x)", 1),  # is to be reviewed
    ],
)
def test_what_is_found(source, count):
    assert len(list(unplaced(source))) == count
