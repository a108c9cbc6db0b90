"""Everything that computes with tensors, as functions of a device: (move, move_net) -> a tensor, or a tuple of tensors.

`move` takes a tensor of the CPU to the device, `move_net` a network. With both the identity, a case gives what it should.
"""

import warnings

import torch

from pnp_course import deconvolution, fidelities, images, jacobian, metrics, monitors, noise, priors, solvers
from pnp_course.denoisers import GrayFromColour, at_sigma, averaged, load_denoiser
from pnp_course.denoisers.levels import excess, hard_pictures
from pnp_course.fidelities import Gaussian, Poisson
from pnp_course.guarantees import certificate
from pnp_course.guarantees.certificates import NORMS
from pnp_course.operators import (
    Bayer,
    Blur,
    Decimation,
    FanBeam,
    Identity,
    Mask,
    Radon,
    ValidBlur,
    kernels,
    random_mask,
    upsample,
)
from pnp_course.solvers import run
from pnp_course.training.losses import Penalty, jacobian_penalty

SIZE, SIGMA = 16, 0.1


def seeded():
    return torch.Generator().manual_seed(0)


def pictures(count=2, channels=3):
    return images.to_channels(images.photo("astronaut", SIZE + 8), channels)[..., :SIZE, :SIZE].repeat(
        count, 1, 1, 1
    ) * (torch.linspace(0.6, 1, count).reshape(-1, 1, 1, 1))


OPERATORS = {
    "identity": Identity, "blur": lambda: Blur(kernels.motion(7, 1)),
    "decimation": lambda: Decimation(kernels.gaussian(5, 1.0), 2),
    "mask": lambda: Mask(random_mask(SIZE, SIZE, 0.5, seeded())), "radon": lambda: Radon(SIZE, 9),
    "valid blur": lambda: ValidBlur(kernels.motion(7, 1)), "fan beam": lambda: FanBeam(SIZE, 12, source=3.0 * SIZE),
    "bayer": lambda: Bayer(SIZE, SIZE),
}  # fmt: skip


def operator(name, move):
    a, x = OPERATORS[name](), move(pictures())
    y = a(x)
    weights = move(torch.tensor([0.5, 2.0]))
    out = [
        y,
        a.adjoint(y),
        a.solve(x, weights),
        a.solve_data(y, 0.7),
        a.solve(x, 0.3, start=x),
        torch.tensor(a.norm(x)),
    ]
    if name in ("radon", "fan beam"):
        out.append(a.fbp(y, "hann"))
    if name == "valid blur":
        out.append(a.canvas(y))
    if name == "decimation":
        out.append(upsample(y, 2))
    return tuple(out)


def fidelity(kind, name, move):
    a, x = OPERATORS[name](), move(pictures())
    y = a(move(pictures())).clamp_min(0) * 0.9
    g = kind(a, y)
    out = [torch.tensor(g.value(x)), g.values(x), g.grad(x), g.prox(x, 0.8), g.prox(x, move(torch.tensor([0.4, 2.0])))]
    out.append(torch.tensor(fidelities.moreau_envelope(g, x, 0.8)))
    if kind is Poisson:
        out += [
            torch.tensor(g.relative_smoothness()),
            *(torch.tensor([g.inner_residual(x, 0.8)[1]]),)[: name != "identity"],
        ]
    else:
        out.append(torch.tensor(g.lipschitz(x)))
    return tuple(out)


def prior(make, move):
    r, z = make(), move(pictures())
    return r(z), r.prox(z, 0.3), torch.tensor(r.value(z)), priors.conjugate(r)(z, 1.0)


def noisy(move):
    x, levels = move(pictures()), move(torch.tensor([0.02, 0.1]))
    return (
        noise.gaussian(x, SIGMA, seeded()), noise.gaussian(x, levels, seeded()), noise.poisson(x, 50.0, seeded()),
        noise.poisson(x, move(torch.tensor([20.0, 50.0])), seeded()), noise.inverse_gamma(x.clamp_min(0.01), levels, seeded()),
    )  # fmt: skip


DENOISERS = ("drunet", "coco-gs-0.25", "dncnn", "ffdnet", "bregman-drunet", "coco-ridge-0.25")


def denoiser(name, move, move_net):
    net = move_net(load_denoiser(name))
    x = move(pictures(channels=net.in_channels).clamp_min(0.01))
    if "ridge" in name:  # each evaluation is a minimisation
        return at_sigma(net, SIGMA).with_value(x)
    half = averaged(net, 0.3)
    out = [net(x, SIGMA), net(x[..., :-3], move(torch.tensor([0.06, 0.1]))), half(x, SIGMA)]
    if getattr(net, "has_potential", False):
        out += [*at_sigma(net, SIGMA).with_value(x), *half.gradient_and_value(x, SIGMA), net.value(x, SIGMA)]
    if net.in_channels == 3:
        out.append(GrayFromColour(net)(x[:, :1], 0.06))
    return tuple(out)


LAM = 0.7
SOLVERS = {name: {"lam": LAM} for name in solvers.__all__ if name.islower()}
for helper in ("annealed", "ladder", "run"):
    del SOLVERS[helper]
SOLVERS["gs_pnp_pgd"] = {"lam": LAM, "step": 40.0}  # with rejected steps
SOLVERS["b_red"] = {"lam": 0.1, "step": 0.2, "backtracking": True}
SOLVERS["b_pnp"] = {"lam": 0.01}
SOLVERS["dpir"] = {"lam": LAM, "iterations": 3}
SOLVERS["hqs"] = {"lam": [0.5, 0.7], "sigmas": [0.15, 0.1]}
for sampler in ("diffpir", "dps"):
    SOLVERS[sampler] = {"lam": LAM, "sigmas": [0.3, 0.1]}
for sampler in ("snore", "snore_prox"):
    SOLVERS[sampler] = {"lam": LAM, "sigmas": [0.2, 0.1, 0.1]}


def solver(name, move, move_net):
    """Three iterations on a blurred photograph, with monitors; the variables of the last iterate."""
    bregman = name.startswith("b_")
    a, clean = OPERATORS["blur"](), move(pictures())
    y = noise.poisson(a(clean), 50.0, seeded()).clamp_min(0.01)
    f = Poisson(a, y) if bregman or "admm" in name else Gaussian(a, y)
    net = move_net(load_denoiser("bregman-drunet" if bregman else "coco-gs-0.25"))
    steps = getattr(solvers, name)(f, at_sigma(net, 0.02 if bregman else SIGMA), y, **SOLVERS[name])
    watched = {"psnr": monitors.psnr_to(clean), "ssim": monitors.ssim_to(clean)}
    if name == "coco_admm":
        watched |= {"H": monitors.Lagrangian(f, LAM), "gamma": monitors.AtIterate(net, SIGMA, "gamma", 1, 3)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # step sizes are not what is tested here
        result = run(steps, 3, monitors=watched)
    rows = torch.tensor([[row[key] for key in watched] for row in result.rows])
    return (result.x, rows, *(v for v in result.iterate.variables.values() if isinstance(v, torch.Tensor)))


LINEARIZED = ("drunet", "coco-gs-0.25", "dncnn", "bregman-drunet")


def jacobian_tools(name, move, move_net):
    """Products, norms, both ends of the spectrum, and a norm with its derivative in the weights."""
    net, x = move_net(load_denoiser(name)), move(noise.gaussian(pictures().clamp_min(0.3), 0.02, seeded()))
    v, w = (move(torch.randn(x.shape, generator=torch.Generator().manual_seed(i))) for i in (1, 2))
    lin = jacobian.linearize(net, x, SIGMA)
    skew, strict = jacobian.antisymmetry(lin), jacobian.strict_pseudo_contraction(lin, 0.9)
    ends = jacobian.lanczos(jacobian.symmetric_part(lin).apply, v, 6)
    out = [lin.j(v), lin.jt(w), lin.pairing(v, w), ends.low, ends.high, ends.high_vector.abs()]
    out += [jacobian.power_iteration(m, v, 3).norm for m in (skew, strict)]
    out += [jacobian.power_iteration(strict, v, 0).norm, jacobian.operator_norm(strict, v, 4)]
    out += [jacobian.operator_norm(jacobian.pseudo_contraction(lin), v, 3)]
    net.requires_grad_(True)
    lin, last = jacobian.linearize(net, x, SIGMA), next(iter(net.parameters()))
    for method in ("power", "lanczos"):
        norm = jacobian.spectral_norm(jacobian.cocoercivity(lin, 0.25), lin, v, 3, method)
        out += [norm, torch.autograd.grad(norm.sum(), last, retain_graph=True)[0]]
    return tuple(out)


def dense_jacobian(move, move_net):
    net, x = move_net(load_denoiser("coco-gs-0.25")), move(pictures(1, 3)[..., :4, :8])
    plain = move_net(load_denoiser("dncnn"))
    return (
        jacobian.dense(lambda z: net(z, SIGMA), x), jacobian.eigenvalues(lambda z: plain(z), x).abs().sort().values[:, -3:],
    )  # fmt: skip


def forward_mode(move, move_net):
    plain, x = move_net(load_denoiser("dncnn")), move(pictures(1))
    return jacobian.jv(lambda z: plain(z), x, x)


def certificates(name, move, move_net):
    net = move_net(load_denoiser(name))
    x = move(noise.gaussian(pictures(3), SIGMA, seeded()))
    c = certificate(net, x, SIGMA, iterations=6, batch=2)
    return tuple(getattr(c, key) for key in ("lambda_min", "lambda_max", "strict", *NORMS))


def penalty(name, move, move_net):
    """The training's penalty and its gradient, with generators of the CPU, so that all devices draw the same."""
    net = move_net(load_denoiser(name)).train().requires_grad_(True)
    x, levels = move(noise.gaussian(pictures(4), SIGMA, seeded())), move(torch.tensor([0.05, 0.2, 0.1, 0.15]))
    out = []
    for method in ("power", "lanczos"):
        settings = Penalty(alpha=0.1, beta=0.5, eps=0.9, images=2, of=3, iterations=3, method=method)
        value, seen = jacobian_penalty(net, x, levels, settings, seeded())
        out += [value, *seen.values(), torch.autograd.grad(value, next(iter(net.parameters())))[0]]
    return tuple(out)


def restored(boundary, move, move_net):
    """The main job and its rivals."""
    clean, kernel = move(pictures(1)), kernels.motion(7, 1)
    y = deconvolution.degrade(clean, kernel, 50.0, boundary=boundary)
    net = move_net(load_denoiser("coco-gs-0.25"))
    out = [y, deconvolution.restore_coco(y, kernel, net, deconvolution.settings(50), max_iter=2, boundary=boundary).x]
    if boundary == "periodic":
        out += [deconvolution.wiener(y, kernel), deconvolution.richardson_lucy(y, kernel, 3)]
        out += [deconvolution.restore_dpir(y, kernel, move_net(load_denoiser("drunet")), 50.0).x]
        out += [torch.tensor([metrics.psnr(y, clean), metrics.ssim(y, clean)])]
    return tuple(out)


def levels(move, move_net):
    return (torch.tensor(excess(move_net(load_denoiser("drunet")), hard_pictures(3, SIZE), SIGMA)),)


CASES = {
    **{f"operator {n}": lambda move, net, n=n: operator(n, move) for n in OPERATORS},
    **{f"Gaussian fidelity {n}": lambda move, net, n=n: fidelity(Gaussian, n, move) for n in OPERATORS},
    **{
        f"Poisson fidelity {n}": lambda move, net, n=n: fidelity(Poisson, n, move)
        for n in ("identity", "blur", "mask", "valid blur")
    },
    "total variation": lambda move, net: prior(lambda: priors.TotalVariation(0.1, max_iter=20), move),
    "wavelets": lambda move, net: prior(lambda: priors.WaveletL1(0.1), move),
    "noise": lambda move, net: noisy(move),
    **{f"denoiser {n}": lambda move, net, n=n: denoiser(n, move, net) for n in DENOISERS},
    **{f"solver {n}": lambda move, net, n=n: solver(n, move, net) for n in SOLVERS},
    **{f"Jacobian of {n}": lambda move, net, n=n: jacobian_tools(n, move, net) for n in LINEARIZED},
    "dense Jacobian": dense_jacobian,
    "forward mode": forward_mode,
    **{f"certificate of {n}": lambda move, net, n=n: certificates(n, move, net) for n in ("drunet", "coco-gs-0.25")},
    **{f"penalty of {n}": lambda move, net, n=n: penalty(n, move, net) for n in ("drunet", "coco-gs-0.25")},
    **{f"restored, {b}": lambda move, net, b=b: restored(b, move, net) for b in ("periodic", "valid")},
    "levels": levels,
}  # fmt: skip
