"""A slider over ready-made frames as plain HTML: it works in Jupyter, in Colab and on a page without any kernel."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pnp_course.viz.figures import to_display

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

SCRIPT = (
    "(function(s){var f=s.closest('.frame-slider');f.querySelectorAll('img').forEach(function(i,k){"
    "i.style.display=k==s.value?'block':'none'});"
    "var l=JSON.parse(s.dataset.labels)[s.value];f.querySelector('output').textContent=l;"
    "s.setAttribute('aria-valuetext',l);})(this)"
)


def _encoded(image: Tensor, height: int) -> tuple[str, int]:
    """The address of a frame inside the page, and the width at which it is shown.

    A frame that is mostly white is a drawing. It gets twice the pixels, if it has them, and a PNG with a palette.
    """
    from PIL import Image

    array = (to_display(image) * 255).round().astype(np.uint8)
    white = (array.reshape(*array.shape[:2], -1) == 255).all(-1).mean()
    drawing, picture, buffer = white > 0.4, Image.fromarray(array), io.BytesIO()
    width = round(picture.width * height / picture.height)
    rows = min(2 * height, max(height, picture.height)) if drawing else height
    picture = picture.resize((round(picture.width * rows / picture.height), rows), Image.Resampling.LANCZOS)
    if drawing:
        picture.quantize(64, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    else:
        picture.save(buffer, "JPEG", quality=88)
    kind = "png" if drawing else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}", width


def frame_slider(frames: Sequence[Tensor], labels: Sequence[str], alt: str, height: int = 256, start: int = 0) -> HTML:
    """Images (B, C, H, W) under a slider; `labels` says what each shows, `alt` describes the series for a screen reader
    and is not visible.

    The frames are stored inside the page and shown `height` pixels high: photographs as JPEG, drawings as PNG with twice
    the pixels.
    """
    from IPython.display import HTML

    if len(frames) != len(labels) or not frames:
        raise ValueError(f"there are {len(frames)} frames and {len(labels)} labels; wanted equally many, at least one.")
    pictures = [_encoded(frame, height) for frame in frames]
    name = "s" + hashlib.sha256(("".join(address for address, _ in pictures) + alt).encode()).hexdigest()[:8]
    shown = "".join(
        f'<img alt="{html.escape(f"{alt}: {label}")}" style="display:{"block" if k == start else "none"}" '
        f'width="{width}" src="{address}">'
        for k, ((address, width), label) in enumerate(zip(pictures, labels, strict=True))
    )
    values = html.escape(json.dumps(list(labels)))
    first = html.escape(labels[start])
    return HTML(
        f'<div class="frame-slider">{shown}'
        f'<input id="{name}" type="range" min="0" max="{len(frames) - 1}" value="{start}" '
        f'aria-label="{html.escape(alt)}" aria-valuetext="{first}" data-labels="{values}" oninput="{SCRIPT}"> '
        f"<output>{first}</output></div>"
    )


def figure_as_image(figure: Figure) -> Tensor:
    """A matplotlib figure as an image (1, 3, H, W) with twice the pixels of the screen, for `frame_slider`."""
    from PIL import Image

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor="white", dpi=2 * figure.dpi)
    array = np.asarray(Image.open(buffer).convert("RGB"), dtype=np.float32) / 255
    return torch.from_numpy(array).permute(2, 0, 1)[None]
