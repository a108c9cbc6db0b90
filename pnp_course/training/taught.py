"""Training by example: the fit is to the output of another denoiser, the teacher, in place of the clean picture."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from pnp_course._checks import any_level
from pnp_course.training.loop import Training, fit_in_bfloat16


class Taught(Training):
    """A training whose fit is to D(noisy, sigma) of a teacher.

    A clean picture pulls a network towards the best denoiser of all, which is not cocoercive, and a penalty pulls it back. A
    teacher that satisfies the condition pulls where the penalty pulls. Its answer is a function of the noisy picture, too,
    which a student can learn without the noise that clean pictures have around it.

    Args:
        teacher: takes (x, sigma), as shipped denoisers do; its weights are not trained.
    """

    def __init__(self, teacher: nn.Module, *arguments: Any):
        super().__init__(*arguments)
        self.teacher = teacher.eval().requires_grad_(False).to(self.device)

    @torch.no_grad()
    def draw(self) -> tuple[Tensor, Tensor, Tensor]:
        """The teacher's pictures, noisy patches (B, C, H, W), noise levels (B,)."""
        _, noisy, level = super().draw()
        fast = fit_in_bfloat16(self.preset, self.device)
        with any_level(), torch.autocast(self.device.type, torch.bfloat16, enabled=fast, cache_enabled=False):
            shown = self.teacher(noisy, level)
        return shown.to(noisy.dtype), noisy, level
