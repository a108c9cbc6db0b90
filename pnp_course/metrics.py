"""PSNR and SSIM, with data range 1, on pictures clipped to [0, 1] as they are shown."""

from __future__ import annotations

from torch import Tensor

from pnp_course._checks import check_same_shape


def psnr(x: Tensor, reference: Tensor) -> float:
    """Peak signal-to-noise ratio, dB: mean over the batch of 10 log10(1 / mse) for images (B, C, H, W)."""
    check_same_shape(x, reference, "x", "reference")
    mse = (x.clamp(0, 1) - reference).double().square().flatten(1).mean(1)
    return float((-10 * mse.clamp_min(1e-12).log10()).mean())


def ssim(x: Tensor, reference: Tensor) -> float:
    """Structural similarity (Wang et al. 2004: Gaussian window of std 1.5), mean over batch and channels; skimage."""
    check_same_shape(x, reference, "x", "reference")
    if min(x.shape[-2:]) < 11:
        raise ValueError(f"the image is {x.shape[-2]} x {x.shape[-1]}; SSIM's window needs at least 11 x 11 pixels.")
    from skimage.metrics import structural_similarity

    values = [
        structural_similarity(
            a.clamp(0, 1).double().cpu().numpy(), b.double().cpu().numpy(), data_range=1.0, channel_axis=0,
            gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        )
        for a, b in zip(x, reference, strict=True)
    ]  # fmt: skip
    return float(sum(values) / len(values))
