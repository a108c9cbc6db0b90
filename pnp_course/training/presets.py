"""Ready-made training settings, by name: `python -m pnp_course train NAME`."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from pnp_course.training.corruption import KINDS
from pnp_course.training.losses import Penalty

COURSE_NET: dict[str, Any] = {"widths": (16, 32, 64, 128), "blocks": 2}
PAPER_NET: dict[str, Any] = {"widths": (64, 128, 256, 512), "blocks": 4}
TINY_NET: dict[str, Any] = {"widths": (8, 8, 16, 16), "blocks": 1}


@dataclass(frozen=True)
class Preset:
    """One training run.

    architecture, net: a key of `denoisers.zoo.ARCHITECTURES` and its arguments.
    sigma_max: noise levels are uniform in [0, sigma_max], in units of intensity (1 / gamma for "inverse gamma" noise,
        1 / sqrt(peak) for "poisson").
    lr, lr_end: learning rate, a cosine from one to the other. ema: decay of the weights' moving average.
    start: name of the weights to finetune from; a plain network's weights can start a gradient-step network, too.
    teacher: name of the weights whose pictures are fitted in place of the clean ones (`taught.Taught`), or None.
    penalty: Jacobian penalties, or None.
    bfloat16: compute the fit in bfloat16 where the device has units for it; penalties are always computed in float32.
    drawn: the share of patches that are patterns of two colours, which photographs hold hardly any of.

    Raises:
        ValueError: there is no such kind of noise.
    """

    architecture: str = "drunet"
    in_channels: int = 3
    net: dict[str, Any] = field(default_factory=lambda: dict(COURSE_NET))
    steps: int = 10_000
    batch: int = 16
    patch: int = 64
    noise: str = "gaussian"
    sigma_max: float = 60 / 255
    fit: str = "l1"
    optimizer: str = "muon"
    lr: float = 2e-3
    lr_end: float = 1e-5
    ema: float = 0.999
    clip: float = 1.0
    penalty: Penalty | None = None
    start: str | None = None
    seed: int = 0
    validate_every: int = 500
    drawn: float = 0.0
    bfloat16: bool = False
    teacher: str | None = None

    def __post_init__(self) -> None:
        if self.noise not in KINDS:
            raise ValueError(f"noise is {self.noise!r}; wanted one of {', '.join(KINDS)}.")


def preset_from(said: dict[str, Any]) -> Preset:
    """The preset of which `dataclasses.asdict` made this dictionary; other entries, as on cards, are ignored."""
    penalty = said["penalty"] and Penalty(**said["penalty"])
    return Preset(**{f.name: said[f.name] for f in fields(Preset) if f.name in said} | {"penalty": penalty})


def _finetune(architecture: str = "drunet", **settings: Any) -> Preset:
    """A preset that starts from the plain course network, with a lower learning rate."""
    defaults: dict[str, Any] = {"steps": 1_500, "batch": 8, "lr": 1e-3, "start": "drunet-14k", "bfloat16": True}
    return Preset(architecture=architecture, **(defaults | settings))


def _ridge(rho: float, **settings: Any) -> Preset:
    """A preset for a ridge denoiser, (1 - rho)-cocoercive; of gray images unless `settings` say otherwise."""
    defaults: dict[str, Any] = {"in_channels": 1, "steps": 1_800, "batch": 8, "patch": 48, "fit": "mse"}
    defaults |= {"optimizer": "adam", "lr": 5e-2, "lr_end": 5e-4, "ema": 0.995}
    settings = defaults | settings
    filters = 24 if settings["in_channels"] == 1 else 48  # for colour: as many for brightness, half for each difference
    return Preset(architecture="ridge", net={"filters": filters, "size": 7, "rho": rho}, **settings)


ELU_NET, SOFTPLUS_NET = COURSE_NET | {"activation": "elu"}, COURSE_NET | {"activation": "softplus"}
# what a penalised step on a CPU can afford; one power iteration from a random vector is closer to the mean over
# directions than to the worst one, and that is the better teacher while the asymmetry is large
LIGHT: dict[str, Any] = {"images": 4, "iterations": 1}
# afterwards, a few Lanczos steps: they see the worst direction, and take the rest of the asymmetry away
WORST: dict[str, Any] = {"images": 2, "iterations": 4, "method": "lanczos"}

PRESETS: dict[str, Preset] = {
    # trains in about a minute on two cores: to see the loop run
    "tiny": Preset(net=dict(TINY_NET), steps=300, batch=8, patch=40, validate_every=100),
    "tiny-coco": Preset(
        net=dict(TINY_NET), steps=150, batch=8, patch=40, lr=1e-3, validate_every=50,
        penalty=Penalty(images=2, iterations=5),
    ),
    # plain networks
    "drunet-10k": Preset(bfloat16=True),  # not shipped: the start of the next
    "drunet-14k": _finetune(start="drunet-10k", steps=3_500, patch=96, lr=5e-4),  # not shipped: the start of most others
    "drunet": _finetune(steps=26_000, patch=96),
    "drunet-adam": Preset(optimizer="adam", lr=1e-3, steps=6_500, bfloat16=True),  # not shipped: starts gs-drunet, its twin
    "drunet-gray": _finetune(in_channels=1, start="drunet", steps=5_000, patch=96),
    "drunet-wide": _finetune(sigma_max=1.0, steps=3_000, batch=16),  # all noise levels, for the diffusion solvers
    "dncnn": Preset(architecture="dncnn", net={"width": 32, "depth": 14}, steps=2_500),
    # not shipped: learns the noise of photon counts, for peaks down to 5, for the experiment `poisson-denoising`
    "dncnn-poisson": Preset(
        architecture="dncnn", net={"width": 32, "depth": 14}, start="dncnn", noise="poisson", sigma_max=5**-0.5,
        fit="mse", steps=200, batch=8, lr=1e-3,
    ),
    "ffdnet": Preset(architecture="ffdnet", net={"width": 80, "depth": 10}, steps=2_500),
    # gradient steps, [A]: conservative by construction
    # its start was trained by Adam: Muon's weights lean on exact cancellations, which an ELU in place of the ReLU breaks
    "gs-drunet": _finetune("gradient-step", net=dict(ELU_NET), start="drunet-adam", steps=1_200),
    "gs-drunet-relu": _finetune("gradient-step", start="drunet-adam", steps=1_200),  # what a kinked potential costs
    # the papers' five or so power iterations give 0.99 where the norm is 1.2; eight Lanczos iterations find it
    "coco-gs-0.25-short": _finetune(  # not shipped: the start of the next
        "gradient-step", net=dict(ELU_NET), start="gs-drunet", steps=2_000,
        penalty=Penalty(alpha=0.0, beta=0.1, eps=0.03, images=2, iterations=8, method="lanczos"),
    ),
    "coco-gs-0.25": _finetune(
        "gradient-step", net=dict(ELU_NET), start="coco-gs-0.25-short", steps=2_500,
        penalty=Penalty(alpha=0.0, beta=0.1, eps=0.04, images=2, iterations=8, method="lanczos"),
    ),
    # no more than what the sharpened bound needs at t = 0.25: spectrum in [-1, 4]. gs-drunet is inside at most patches, so
    # the penalty is light: at every fifth step, and at the noisier patches, where a first run left the range; some of the
    # patches are patterns, since another left [0, 1] on hard pictures
    "coco-gs-relaxed": _finetune(
        "gradient-step", net=dict(ELU_NET), start="gs-drunet", steps=8_500, drawn=0.04,
        penalty=Penalty(
            slack=1.0, alpha=0.0, beta=0.1, eps=0.06, images=2, of=4, iterations=8, method="lanczos", every=5
        ),
    ),
    "prox-drunet": _finetune(
        "gradient-step", net=dict(SOFTPLUS_NET), start="coco-gs-0.25", steps=700, lr=5e-4,
        penalty=Penalty(constant=0.5, alpha=0.0, beta=0.2, eps=0.05, images=2, iterations=8, method="lanczos"),
    ),
    "bregman-drunet": _finetune(
        "bregman-gradient-step", net=dict(ELU_NET), start="gs-drunet", noise="inverse gamma", sigma_max=0.1, fit="mse"
    ),
    # by penalty, [B] and its neighbours. alpha = 0.1, not the paper's 1: on this budget the full weight costs several
    # dB, see benchmarks/results/tradeoff.csv
    "coco-0.25-mean": _finetune(steps=1_200, penalty=Penalty(alpha=0.1, **LIGHT)),  # not shipped: the start of the next
    "coco-0.25-worst": _finetune(  # not shipped: the start of the next
        start="coco-0.25-mean", steps=4_000, penalty=Penalty(alpha=0.1, beta=0.05, eps=0.04, **WORST)
    ),
    "coco-0.5": _finetune(
        start="coco-0.25-worst", steps=1_200, lr=5e-4,
        penalty=Penalty(constant=0.5, alpha=0.1, beta=0.05, eps=0.045, **WORST),
    ),
    # a smaller margin: the same eps keeps eigenvalues of J twice as far from 0 as with 1/2
    "coco-0.25-first": _finetune(  # not shipped: the start of the next
        start="coco-0.5", steps=1_500, lr=5e-4, penalty=Penalty(alpha=0.1, beta=0.05, eps=0.025, **WORST)
    ),
    "coco-0.25-taught": _finetune(  # not shipped: the start of the next
        start="coco-0.25-first", teacher="coco-gs-relaxed", steps=2_400, lr=3e-4,
        penalty=Penalty(alpha=0.1, beta=0.05, eps=0.02, **WORST),
    ),
    # its teacher's spectrum reaches below 0, and further where there is more noise: so does the margin against it
    "coco-0.25": _finetune(
        start="coco-0.25-taught", teacher="coco-gs-relaxed", steps=2_400, lr=4e-4,
        penalty=Penalty(alpha=0.2, beta=0.1, eps=0.06, level=60 / 255, **WORST),
    ),
    # its start is the colour denoiser, whose gray version has the same constants: [B] appendix, gray-from-colour
    "coco-0.25-gray": _finetune(
        in_channels=1, start="coco-0.25-mean", steps=1_000, penalty=Penalty(alpha=0.1, beta=0.05, eps=0.04, **WORST)
    ),
    # D maps constant images nearly to themselves, so these two norms are nearly 1 at least: small margins (0.001 of the
    # second means 0.01 of an eigenvalue of J)
    "rmmo-short": _finetune(  # not shipped: the start of the next
        start="coco-0.5", steps=700, lr=5e-4, penalty=Penalty(constant=1.0, alpha=0.0, beta=0.2, eps=0.04, **WORST)
    ),
    "rmmo-23k": _finetune(  # not shipped: the start of the next
        start="rmmo-short", steps=2_000, lr=3e-4, penalty=Penalty(constant=1.0, alpha=0.0, beta=1.0, eps=0.04, **WORST)
    ),
    # all singular values of 2 J - I are near 1: four Lanczos iterations miss the largest, sixteen see it. The norms of the
    # patches differ little, so that a small margin is enough; a large one shrinks what the denoiser should keep
    "rmmo": _finetune(
        start="rmmo-23k", steps=1_500, lr=5e-4,
        penalty=Penalty(constant=1.0, alpha=0.0, beta=1.0, eps=0.015, images=2, iterations=16, method="lanczos"),
    ),
    "spc-0.9": _finetune(
        start="coco-0.25-mean", steps=800,
        penalty=Penalty("strictly pseudo-contractive", 0.9, alpha=0.0, beta=1.0, eps=0.001, **WORST),
    ),
    # proximal operators of weakly convex regularisers: cocoercive and conservative for every image, whatever the weights are
    "coco-ridge-0.25": _ridge(0.75),
    "coco-ridge-0.5": _ridge(0.5, start="coco-ridge-0.25", steps=600, batch=4, lr=5e-3, ema=0.99, validate_every=200),
    # its start, what the gray one does to the brightness, denoises already; at a rate of 1e-2 the first 118 steps lost 0.2 dB
    "coco-ridge-0.25-colour": _ridge(
        0.75, in_channels=3, start="coco-ridge-0.25", steps=300, batch=4, lr=2e-3, ema=0.99, validate_every=100
    ),
    # the settings of [B] section 5 (they train on DIV2K; here on BSD400), for a machine with a GPU
    "paper-drunet": Preset(
        net=dict(PAPER_NET), steps=600_000, batch=32, patch=128, optimizer="adam", lr=1e-4, lr_end=1e-6, clip=0.0
    ),
    "paper-coco-0.25": Preset(
        net=dict(PAPER_NET), steps=60_000, batch=32, patch=128, optimizer="adam", lr=1e-4, lr_end=1e-6, clip=0.0,
        start="paper-drunet", penalty=Penalty(),
    ),
}  # fmt: skip
