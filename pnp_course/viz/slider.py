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
    "f.querySelector('output').textContent=JSON.parse(s.dataset.labels)[s.value];})(this)"
)


def _jpeg(image: Tensor, height: int) -> str:
    from PIL import Image

    picture = Image.fromarray((to_display(image) * 255).round().astype(np.uint8))
    scale = height / picture.height
    picture = picture.resize((round(picture.width * scale), height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return base64.b64encode(buffer.getvalue()).decode()


def frame_slider(frames: Sequence[Tensor], labels: Sequence[str], alt: str, height: int = 256, start: int = 0) -> HTML:
    """Images (B, C, H, W) under a slider; `labels` says what each shows, `alt` describes the series for a screen reader.

    The frames are stored as JPEG of `height` pixels inside the page.
    """
    from IPython.display import HTML

    if len(frames) != len(labels) or not frames:
        raise ValueError(f"there are {len(frames)} frames and {len(labels)} labels; wanted equally many, at least one.")
    pictures = [_jpeg(frame, height) for frame in frames]
    name = "s" + hashlib.sha256(("".join(pictures) + alt).encode()).hexdigest()[:8]
    shown = "".join(
        f'<img alt="{html.escape(f"{alt}: {label}")}" style="display:{"block" if k == start else "none"}" '
        f'src="data:image/jpeg;base64,{picture}">'
        for k, (picture, label) in enumerate(zip(pictures, labels, strict=True))
    )
    values = html.escape(json.dumps(list(labels)))
    return HTML(
        f'<div class="frame-slider">{shown}<label for="{name}">{html.escape(alt)}</label><br>'
        f'<input id="{name}" type="range" min="0" max="{len(frames) - 1}" value="{start}" '
        f'data-labels="{values}" oninput="{SCRIPT}"> <output>{html.escape(labels[start])}</output></div>'
    )


def figure_as_image(figure: Figure) -> Tensor:
    """A matplotlib figure as an image (1, 3, H, W), for `frame_slider`."""
    from PIL import Image

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor="white")
    array = np.asarray(Image.open(buffer).convert("RGB"), dtype=np.float32) / 255
    return torch.from_numpy(array).permute(2, 0, 1)[None]
