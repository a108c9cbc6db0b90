"""The methods of the course, each with one colour, one line style and one mark, the same in all figures."""

from __future__ import annotations

from typing import Any

# Colours of Okabe and Ito (2008) and of Tol (2021), chosen to differ for colour-blind readers, too, inside each family;
# the line styles tell the curves apart in print without colour.
METHODS: dict[str, dict[str, Any]] = {
    # classical and with a schedule of noise levels
    "Wiener": {"color": "#777777", "linestyle": ":", "marker": "P"},
    "Richardson-Lucy": {"color": "#999933", "linestyle": "--", "marker": "X"},
    "RED": {"color": "#1B7837", "linestyle": "-.", "marker": "^"},
    "DPIR with FFDNet": {"color": "#F0C75E", "linestyle": ":", "marker": "P"},
    "DPIR": {"color": "#E69F00", "linestyle": (0, (3, 1, 1, 1)), "marker": "s"},
    "FISTA": {"color": "#661100", "linestyle": "--", "marker": "^"},
    "ADMM": {"color": "#000000", "linestyle": (0, (5, 1)), "marker": "D"},
    "primal-dual": {"color": "#6699CC", "linestyle": "-.", "marker": "v"},
    # with a gradient-step denoiser
    "GS-PnP, trained": {"color": "#332288", "linestyle": "-", "marker": "o"},
    "GS-PnP": {"color": "#4B0082", "linestyle": "-", "marker": "o"},
    "GS-PnP, prox-drunet": {"color": "#8A78C8", "linestyle": "--", "marker": "s"},
    "GS-PnP, untrained": {"color": "#B8860B", "linestyle": "--", "marker": "s"},
    "same loop, drunet": {"color": "#117733", "linestyle": "-.", "marker": "^"},
    "PnP-PGD, drunet": {"color": "#AA4499", "linestyle": ":", "marker": "v"},
    # with a proximal denoiser
    "PGD": {"color": "#0072B2", "linestyle": "-", "marker": "o"},
    "averaged PGD": {"color": "#56B4E9", "linestyle": (0, (5, 1)), "marker": "s"},
    "relaxed PGD": {"color": "#D55E00", "linestyle": "--", "marker": "^"},
    "DRS": {"color": "#009E73", "linestyle": "-.", "marker": "D"},
    "DRSdiff": {"color": "#CC79A7", "linestyle": ":", "marker": "v"},
    "Prox-PGD": {"color": "#0060A0", "linestyle": (0, (5, 1)), "marker": "o"},
    "relaxed Prox-PGD": {"color": "#C04F00", "linestyle": "--", "marker": "^"},
    "Prox-DRSdiff": {"color": "#B86A98", "linestyle": ":", "marker": "v"},
    # with a cocoercive conservative denoiser
    "CoCo-ADMM": {"color": "#882255", "linestyle": "-", "marker": "o"},
    "CoCo-PEGD": {"color": "#44AA99", "linestyle": "-.", "marker": "D"},
    # tomography
    "FBP": {"color": "#BBBBBB", "linestyle": ":", "marker": "P"},
    "PWLS-TGV": {"color": "#225522", "linestyle": "--", "marker": "^"},
    "PWLS-CSCGR": {"color": "#664400", "linestyle": "-.", "marker": "X"},
    "U-Net": {"color": "#EE6677", "linestyle": (0, (5, 1)), "marker": "s"},
    "W-Net": {"color": "#4477AA", "linestyle": (0, (3, 1, 1, 1)), "marker": "v"},
    # for photon counts
    "VST + TV": {"color": "#B0B0B0", "linestyle": "--", "marker": "v"},
    "VST + BM3D": {"color": "#8C564B", "linestyle": "-.", "marker": "P"},
    "VST + DRUNet": {"color": "#1B4F72", "linestyle": "-", "marker": "s"},
    "VST + CoCo": {"color": "#D98CB3", "linestyle": "-", "marker": "X"},
    "VST + CoCo-ADMM": {"color": "#C0568F", "linestyle": "--", "marker": "o"},
    "CoCo, once": {"color": "#E8B7CF", "linestyle": ":", "marker": "s"},
    "Poisson TV": {"color": "#505050", "linestyle": ":", "marker": "^"},
    "Poisson DnCNN": {"color": "#F28E2B", "linestyle": "--", "marker": "D"},
    # the others of the family
    "B-RED": {"color": "#DDCC77", "linestyle": "-.", "marker": "^"},
    "Prox-DRS": {"color": "#CC6677", "linestyle": "--", "marker": "v"},
    "RMMO-DRS": {"color": "#88CCEE", "linestyle": (0, (5, 1)), "marker": "s"},
    "PnPI-HQS": {"color": "#9467BD", "linestyle": ":", "marker": "P"},
    "SNORE": {"color": "#7F6000", "linestyle": "--", "marker": "X"},
    "DPS": {"color": "#3B3B6D", "linestyle": ":", "marker": "D"},
    "DiffPIR": {"color": "#A6761D", "linestyle": (0, (3, 1, 1, 1)), "marker": "o"},
}


def style(label: str, otherwise: dict[str, Any]) -> dict[str, Any]:
    """Colour and line style of the method named `label`, without a mark; `otherwise` for any other label."""
    chosen = METHODS.get(label, otherwise)
    return {key: value for key, value in chosen.items() if key != "marker"}
