"""Write what the website's playground needs, in site/static/playground: python tools/playground.py [--check].

assembled.js is multiply.wat, assembled. data.js has the weights of two small denoisers with what is known of them, blur kernels,
and photographs. No number in these files is typed by hand.
"""

from __future__ import annotations

import base64
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pnp_course import deconvolution, images, load_denoiser
from pnp_course.denoisers import denoiser_card
from pnp_course.guarantees import Constants, largest_averaging
from pnp_course.guarantees.conditions import symmetric
from pnp_course.operators import kernels

ROOM = Path(__file__).resolve().parent.parent / "site" / "static" / "playground"
DATA, SOURCE, ASSEMBLED = ROOM / "data.js", ROOM / "multiply.wat", ROOM / "assembled.js"
DENOISERS = {"certified": "coco-ridge-0.25", "unconstrained": "dncnn"}
KERNELS = {
    "motion": ("camera shake", kernels.motion(17, seed=1)),
    "shake": ("a longer camera shake", kernels.motion(25, seed=4)),
    "gaussian": ("out of focus (Gaussian, 1.6 pixels)", kernels.gaussian(13, 1.6)),
    "none": ("no blur", torch.ones(1, 1)),
}
PHOTOS = ("astronaut", "camera", "chelsea", "coffee")
SIDE = 256  # of the photographs; the page shrinks them
LEVEL = 25 / 255  # at which the measured constants are shown
PEAKS = [10 ** (0.05 * k) for k in range(10, 61)]  # the positions of the page's slider


def rounded(values: Tensor) -> Any:
    """Numbers with seven significant digits, as nested lists."""
    array = values.detach().double().numpy()
    return json.loads(json.dumps(array.tolist()), parse_float=lambda s: float(f"{float(s):.7g}"))


def ridge(net: Any) -> dict[str, Any]:
    """The numbers of a ridge denoiser; of its filters the free ones, since the others are their mirror images."""
    from pnp_course.denoisers.ridge import STEEPEST

    free = net.bank()[: len(net.filters), 0].flatten(1)
    parts = {
        name: rounded(getattr(net, name)) for name in ("steep", "concave", "log_scales", "log_mu", "knots", "levels")
    }
    return {"rho": net.rho, "steepest": STEEPEST, "filters": rounded(free), **parts}


def packed(values: Tensor) -> str:
    """Numbers as 32-bit floats, little-endian, in base64."""
    return base64.b64encode(values.detach().float().numpy().astype("<f4").tobytes()).decode()


def convolutions(net: Any) -> dict[str, Any]:
    """The layers of a DnCNN or FFDNet, for gray pictures. Of a colour DnCNN, D(x, x, x) averaged over the channels."""
    layers = [(m.weight.detach().clone(), m.bias.detach().clone()) for m in net.model if hasattr(m, "weight")]
    if net.in_channels == 3:
        (first, shift), (last, end) = layers[0], layers[-1]
        layers[0] = (first.sum(1, keepdim=True), shift)
        layers[-1] = (last.mean(0, keepdim=True), end.mean(0, keepdim=True))
    return {"layers": [{"weight": packed(weight.contiguous()), "bias": packed(bias)} for weight, bias in layers]}


def denoiser(name: str) -> dict[str, Any]:
    """Weights and what the card says."""
    card, net = denoiser_card(name), load_denoiser(name)
    known = Constants.of(card, LEVEL)
    return {
        "name": name,
        "architecture": card["architecture"],
        "parameters": card["parameters"],
        "psnr25": card["psnr_cbsd68"]["25"],
        "sigmaRange": card["sigma_range"],
        "everyImage": known.everywhere,
        "gamma": known.gamma,
        "delta": known.delta,
        "symmetric": symmetric(known)[0],
        "t1": largest_averaging(known.gamma, known.delta),
        "asymmetry": known.asymmetry,
        "bottom": known.bottom,
        "top": known.top,
        **(ridge(net) if card["architecture"] == "ridge" else convolutions(net)),
    }


def suggestions() -> list[dict[str, float]]:
    """What the library takes for each position of the peak's slider: the values of [B], interpolated."""
    chosen = [deconvolution.settings(peak) for peak in PEAKS]
    return [
        {"peak": float(f"{peak:.5g}"), "sigma": round(s.sigma, 4), "lam": round(s.lam, 4), "t": s.t}
        for peak, s in zip(PEAKS, chosen, strict=True)
    ]


def photograph(name: str) -> dict[str, str]:
    """A gray square of a photograph as a JPEG inside an address, and its source."""
    from PIL import Image

    x = images.to_channels(images.photo(name, SIDE), 1)[0, 0]
    buffer = io.BytesIO()
    Image.fromarray((x.numpy() * 255).round().astype(np.uint8)).save(buffer, "JPEG", quality=92)
    address = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
    return {"source": images.PHOTOS[name][1], "address": address}


def collect() -> dict[str, Any]:
    """Everything but the photographs, whose JPEG differs from one release of the encoder to the next."""
    return {
        "denoisers": {role: denoiser(name) for role, name in DENOISERS.items()},
        "suggestions": suggestions(),
        "kernels": {
            name: {"label": label, "size": len(k), "values": rounded(k.flatten())}
            for name, (label, k) in KERNELS.items()
        },
    }


def stored() -> dict[str, Any]:
    """What the file holds."""
    text = DATA.read_text(encoding="utf-8")
    return dict(json.loads(text[text.index("{") : text.rindex("}") + 1]))


def differences(a: Any, b: Any, where: str = "") -> list[str]:
    """Where two nested structures differ by more than the rounding of another machine."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return [d for key in a for d in differences(a[key], b[key], f"{where}.{key}")]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [d for i, (x, y) in enumerate(zip(a, b, strict=True)) for d in differences(x, y, f"{where}[{i}]")]
    numbers = isinstance(a, int | float) and isinstance(b, int | float)
    same = abs(a - b) <= 1e-5 * max(1.0, abs(b)) if numbers else a == b
    return [] if same else [where]


def assembled() -> str:
    """The text of assembled.js."""
    from wasmtime import wat2wasm

    code = base64.b64encode(wat2wasm(SOURCE.read_text(encoding="utf-8"))).decode()
    head = '"use strict";\n/* multiply.wat, assembled: written by tools/playground.py */\n'
    return f'{head}PnP.room("assembled", function () {{ return {{ multiply: "{code}" }}; }});\n'


def main() -> None:
    fresh = collect()
    if "--check" in sys.argv:
        if ASSEMBLED.read_text(encoding="utf-8") != assembled():
            raise SystemExit(f"playground: {ASSEMBLED.name} is not {SOURCE.name}: run python tools/playground.py")
        held = stored()
        wrong = differences(fresh, {key: held[key] for key in fresh})
        if wrong or set(held["photos"]) != set(PHOTOS):
            raise SystemExit(
                f"playground: {DATA.name} does not agree with the weights ({(wrong or ['photos'])[0]}): "
                "run python tools/playground.py"
            )
        return
    ASSEMBLED.write_text(assembled(), encoding="utf-8")
    fresh["photos"] = {name: photograph(name) for name in PHOTOS}
    text = json.dumps(fresh, separators=(",", ":"), ensure_ascii=False)
    DATA.write_text(f'"use strict";\n/* written by tools/playground.py */\nPnP.data = {text};\n', encoding="utf-8")
    print(f"playground: {DATA} has {len(text) / 1024:.0f} kB")


if __name__ == "__main__":
    main()
