"""Training: photographs -> patches -> noise -> denoiser -> loss -> weights and card."""
