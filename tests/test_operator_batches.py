"""A batch is B separate problems: every inverse gives each image what it gets alone, with a weight of its own."""

import numpy as np
import pytest
import torch

from pnp_course._checks import check_positive
from pnp_course.operators import (
    Blur,
    Decimation,
    Identity,
    Mask,
    Radon,
    conjugate_gradient,
    kernels,
    random_mask,
    upsample,
)

N = 12
OPERATORS = {
    "identity": lambda g: Identity(),
    "blur": lambda g: Blur(torch.rand(4, 5, generator=g)),
    "decimation": lambda g: Decimation(torch.rand(4, 5, generator=g), 2),
    "mask": lambda g: Mask(random_mask(N, N, 0.5, g)),
    # to the end: on some processors a product depends in its last digit on how many images there are, and conjugate gradients
    # that stop early make 1e-8 of that, or 1e-4; `test_images_stop_at_their_own_residual` has those
    "radon": lambda g: Radon(N, 7, tol=1e-12, max_iter=3000),
}


@pytest.mark.parametrize("name", list(OPERATORS))
@pytest.mark.parametrize("inverse", ["solve", "solve_data"])
@pytest.mark.parametrize("warm", [False, True])
def test_each_image_gets_what_it_gets_alone(name, inverse, warm, generator):
    """Images whose scales are a million apart, one of them zero, and weights from 0 to 100."""
    a = OPERATORS[name](generator)
    x = torch.randn(4, 2, N, N, generator=generator, dtype=torch.float64)
    z = x if inverse == "solve" else torch.randn(a(x).shape, generator=generator, dtype=torch.float64)
    z = z * torch.tensor([1.0, 1e-6, 0.0, 1e3], dtype=torch.float64).reshape(4, 1, 1, 1)
    weights = torch.tensor([0.5, 100.0, 1.0, 0.0], dtype=torch.float64)
    start = 0.9 * z if warm else None
    together = getattr(a, inverse)(z, weights, start)
    same = getattr(a, inverse)(z, 0.7, start)
    for i in range(4):
        guess = None if start is None else start[i : i + 1]
        alone = getattr(a, inverse)(z[i : i + 1], float(weights[i]), guess)
        bound = 1e-11 * float(z[i].abs().max())
        torch.testing.assert_close(together[i : i + 1], alone, atol=bound, rtol=0)
        torch.testing.assert_close(same[i : i + 1], getattr(a, inverse)(z[i : i + 1], 0.7, guess), atol=bound, rtol=0)


def test_images_stop_at_their_own_residual(generator):
    """Each image's residual meets the tolerance, and the easy image is left where it stood when it met it."""
    scales = torch.tensor([1.0, 1e-5, 0.0]).double().reshape(3, 1, 1, 1)
    spread = (
        torch.stack((torch.linspace(1, 1.1, 16), torch.linspace(1, 100, 16), torch.ones(16)))
        .reshape(3, 1, 4, 4)
        .double()
    )
    right = torch.randn(3, 1, 4, 4, generator=generator, dtype=torch.float64) * scales
    x, steps, residual = conjugate_gradient(lambda v: spread * v, right, tol=1e-6)
    left = (spread * x - right).flatten(1).norm(dim=1) / right.flatten(1).norm(dim=1).clamp_min(1e-30)
    assert (left <= 1e-6 * (1 + 1e-6)).all()
    assert residual == pytest.approx(float(left.max()), rel=1e-3)
    easy, few, _ = conjugate_gradient(lambda v: spread[:1] * v, right[:1], tol=1e-6)
    assert few < steps
    torch.testing.assert_close(x[:1], easy, atol=1e-14, rtol=0)
    assert left[0] > 1e-12  # not solved further while the hard one went on
    assert torch.equal(x[2], torch.zeros(1, 4, 4).double())


def test_radon_leaves_an_image_that_is_solved_where_it_stands(generator):
    """While the other one of the batch goes on."""
    a, x = Radon(N, 7, tol=1e-3), torch.randn(2, 1, N, N, generator=generator, dtype=torch.float64)
    solved = a.solve(x, 0.7)
    right = torch.stack((x[0], 1e3 * x[1].flip(-1)))
    again = a.solve(right, 0.7, solved)
    assert torch.equal(again[0], solved[0])
    assert not torch.equal(again[1], solved[1])


@pytest.mark.parametrize("name", list(OPERATORS))
@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (-1.0, "c is -1; wanted finite numbers >= 0"),
        (float("nan"), "c is nan; wanted finite numbers >= 0"),
        (torch.tensor([1.0, -2.0]), "c is -2; wanted finite numbers >= 0"),
        (torch.ones(3), r"c has 3 values for 2 image\(s\); wanted one number, or one value per image"),
        ("strong", "c is 'strong'; wanted a number, or a tensor of one value per image"),
    ],
)
def test_bad_weights(name, weight, words, generator):
    a = OPERATORS[name](generator)
    x = torch.rand(2, 1, N, N, generator=generator)
    for call, z in ((a.solve, x), (a.solve_data, a(x))):
        with pytest.raises(ValueError, match=words):
            call(z, weight)


def test_positive_parameters_per_image():
    assert check_positive(torch.tensor([2.0]), "lam") == 2.0
    values = torch.tensor([1.0, 3.0])
    assert torch.equal(check_positive(values, "lam"), values)
    with pytest.raises(ValueError, match="lam is 0 at one of its 2 places; wanted finite numbers > 0: the weight"):
        check_positive(torch.tensor([1.0, 0.0]), "lam", "the weight")
    with pytest.raises(ValueError, match="lam is 'a'; wanted a number"):
        check_positive("a", "lam")


def test_radon_takes_angles_as_tensor_array_or_list(generator):
    x = torch.rand(1, 1, N, N, generator=generator)
    angles = np.linspace(0, np.pi, 5, endpoint=False)
    want = Radon(N, 5)(x)
    for views in (angles, angles.tolist(), tuple(angles), torch.from_numpy(angles), np.int64(5), torch.tensor(5)):
        torch.testing.assert_close(Radon(N, views)(x), want, atol=1e-6, rtol=0)


IMAGE = np.zeros((1, 1, N, N), dtype=np.float32)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Radon(48, np.linspace(0, 180, 60)), "angles reach from 0 to 180; wanted radians.*torch.deg2rad"),
        (lambda: Radon(48, [0, 90, 45]), "wanted radians"),
        (lambda: Radon(48, 60.0), "views is 60.0; wanted a whole number"),
        (lambda: Radon(48, "many"), "views is many; wanted a whole number"),
        (lambda: Radon(48, []), "views is a list; wanted a whole number"),
        (lambda: Radon(48, torch.zeros(2, 2)), r"views is a Tensor of shape \(2, 2\); wanted"),
        (lambda: Radon(48, 0), "views is 0; wanted a whole number >= 1"),
        (lambda: Radon(48.5, 3), "size is 48.5; wanted a whole number"),
        (lambda: Radon(48, [0.0, float("nan")]), "angles has 1 value.* NaN"),
        (lambda: Radon(N, 3)(IMAGE), "x is a ndarray; wanted a torch tensor"),
        (lambda: Radon(N, 3)(torch.zeros(1, 1, N, N, dtype=torch.uint8)), "x has dtype torch.uint8"),
        (lambda: Radon(N, 3).fbp(IMAGE), "the sinogram is a ndarray; wanted a torch tensor"),
        (lambda: kernels.box(0), "size is 0; wanted a whole number >= 1"),
        (lambda: kernels.box(2.5), "size is 2.5; wanted a whole number >= 1"),
        (lambda: kernels.gaussian(-3), "size is -3; wanted a whole number >= 1"),
        (lambda: kernels.motion(2), "size is 2; wanted a whole number >= 3"),
        (lambda: kernels.motion(9, length=2), "length is 2; wanted 0 < length <= 1"),
        (lambda: kernels.normalised(np.ones((3, 3))), r"kernel has type ndarray; wanted a tensor.*torch.as_tensor"),
        (lambda: kernels.embed([[1.0]], 4), "kernel has type list; wanted a tensor"),
        (lambda: kernels.extent(torch.ones(3)), r"kernel has shape \(3,\); wanted a tensor of shape \(h, w\)"),
        (lambda: Blur(np.ones((3, 3))), "kernel has type ndarray; wanted a tensor"),
        (lambda: Blur(kernels.box(3))(IMAGE), "x is a ndarray; wanted a torch tensor"),
        (lambda: Blur(kernels.box(3))(torch.zeros(1, 1, 8, 8, dtype=torch.uint8)), "x has dtype torch.uint8"),
        (lambda: Blur(kernels.box(3)).adjoint(torch.zeros(8, 8)), r"x has shape \(8, 8\); wanted \(B, C, H, W\)"),
        (lambda: Decimation(kernels.box(3), 0), "factor is 0; wanted a whole number >= 1"),
        (lambda: Decimation(kernels.box(3), 2)(IMAGE), "x is a ndarray; wanted a torch tensor"),
        (lambda: Decimation(kernels.box(3), 2).adjoint(IMAGE), "y is a ndarray; wanted a torch tensor"),
        (lambda: Mask(torch.ones(N, N))(IMAGE), "x is a ndarray; wanted a torch tensor"),
        (lambda: random_mask(0, 4, 0.5, torch.Generator()), "height is 0; wanted a whole number >= 1"),
        (lambda: upsample(IMAGE, 2), "y is a ndarray; wanted a torch tensor"),
    ],
)  # fmt: skip
def test_messages_say_what_came_and_what_was_wanted(call, words):
    with pytest.raises(ValueError, match=words):
        call()
