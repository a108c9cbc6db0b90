"""More functions of a device, see `device_cases`: cameras, noise levels, rays, sparse coding, blind deblurring."""

import torch
from device_cases import SIZE, pictures, seeded

from pnp_course import camera_noise, noise, single_photon
from pnp_course.anscombe import anscombe, inverse_anscombe
from pnp_course.blind.estimate import estimate_kernel
from pnp_course.blind.measures import kernel_similarity, registered
from pnp_course.ct.sparse_coding import pwls_cscgr
from pnp_course.ct.tgv import pwls_tgv
from pnp_course.images import photo
from pnp_course.noise_level import patch_sigma, wavelet_sigma
from pnp_course.noise_level.mean_variance import camera_noise as measured_noise
from pnp_course.operators import Blur, Radon, kernels
from pnp_course.ray_fidelities import Emission, Transmission, WeightedLeastSquares
from pnp_course.solvers import run


def gray(move, size=SIZE):
    return move(photo("camera", size).mean(1, keepdim=True))


def cameras(move, net):
    y = camera_noise.expose(move(pictures()), 0.02, 0.05, seeded())
    f = camera_noise.shifted_poisson(y, 0.02, 0.05)
    smooth = camera_noise.by_transform(y, 0.02, 0.05, lambda x, sigma: x * (1 - sigma) + sigma * x.mean())
    return y, f.prox(y, 0.5), smooth, anscombe(y.clamp_min(0)), inverse_anscombe(anscombe(y.clamp_min(0)))


def counters(move, net):
    camera = single_photon.random_camera(SIZE, SIZE, seeded())
    y = single_photon.expose(move(pictures()), camera, 50.0, seeded())
    f = single_photon.fidelity(y, camera, 50.0)
    return y, single_photon.filled(y, camera), f.prox(y, 0.5), f.grad(y.clamp_min(0.1))


def levels(move, net):
    y = noise.gaussian(gray(move, 96), 0.1, seeded())
    found = measured_noise(noise.gaussian(move(photo("camera", 128)), 0.05, seeded()))
    return patch_sigma(y), wavelet_sigma(y), torch.tensor([found.gain, found.read_out])


def rays(kind):
    def case(move, net):
        a, u = Radon(SIZE, 9), gray(move)
        y = a(u)
        f = {
            "emission": lambda: Emission(a, noise.poisson(y / 10, 50.0, seeded()), delta=0.5),
            "transmission": lambda: Transmission(a, (-0.1 * y).exp(), 0.1),
            "least squares": lambda: WeightedLeastSquares(a, y, torch.ones_like(y)),
        }[kind]()
        return f.values(u), f.grad(u), f.prox(u, 0.3), torch.tensor(f.value(u))

    return case


def coding(move, net):
    a, u = Radon(SIZE, 9), gray(move)
    y = a(u)
    f = WeightedLeastSquares(a, y, torch.ones_like(y))
    filters = move(torch.randn(3, 5, 5, generator=seeded()))
    return run(pwls_cscgr(f, u, beta=1.0, l1=0.05, filters=filters), 2).x, run(pwls_tgv(f, u, alpha=0.1), 3).x


def blind(move, net):
    y = gray(move, 64)
    k = estimate_kernel(y, 5)
    return k, registered(y, y[..., 3:-1, 1:-3]), torch.tensor(kernel_similarity(k, k.flip(0)))


def kernel_on_the_device(move, net):
    k = move(kernels.gaussian(5, 1.0))
    return kernels.embed(k, 9), torch.tensor(kernels.extent(k)), Blur(k)(gray(move))


MORE = {
    "kernel on the device": kernel_on_the_device,
    "camera with read-out noise": cameras, "camera that counts": counters, "noise levels": levels,
    **{f"rays, {kind}": rays(kind) for kind in ("emission", "transmission", "least squares")},
    "penalised least squares": coding, "blind deblurring": blind,
}  # fmt: skip
