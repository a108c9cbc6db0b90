"use strict";
/* One restoration, as the worker does it: degrade, iterate, and send each iterate with its curves. */
PnP.room("job", function (PnP) {
  const { Blur, Poisson, degrade } = PnP.physics;
  const DENOISERS = { ridge: PnP.ridge.Ridge, dncnn: PnP.networks.DnCNN, ffdnet: PnP.networks.FFDNet };
  const norm = (x) => Math.sqrt(x.reduce((total, value) => total + value * value, 0));
  const distance = (x, y) => Math.sqrt(x.reduce((total, value, i) => total + (value - y[i]) ** 2, 0));

  /** PSNR in dB of x, clipped to [0, 1] as it is shown; at most 120, as in the library. */
  function psnr(x, clean) {
    const error = x.reduce((total, value, i) => total + (Math.min(Math.max(value, 0), 1) - clean[i]) ** 2, 0);
    return Math.min(120, -10 * Math.log10(error / x.length));
  }

  /** The denoiser z -> D(z) of a task. Its weights say which kind of network it is. */
  function denoiser(weights, sigma, options) {
    const net = new DENOISERS[weights.architecture](weights, sigma, options);
    return (z) => net.apply(z);
  }

  /** Iterates of a task with an observation, { x, psnr, change }; the last one may have `diverged`, as in `run`. */
  function* restore({ clean, y, kernel, weights, algorithm, sigma, lam, t, iterations, options }) {
    const n = Math.sqrt(y.length), fidelity = new Poisson(new Blur(kernel, n), y, options?.fidelity);
    const solver = PnP.solvers[algorithm](fidelity, denoiser(weights, sigma, options?.denoiser), y, { lam, t });
    let before = null, scale = null;
    for (let k = 1; k <= iterations; k++) {
      const x = solver.next().value, size = norm(x);
      scale ??= Math.max(size, n); // a picture of ones has the norm n
      const diverged = !(size <= 1e4 * scale);
      yield { k, x, psnr: psnr(x, clean), change: before ? distance(x, before) / Math.max(size, 1e-30) : NaN, diverged };
      if (diverged) return;
      before = x;
    }
  }

  /** What the worker does with a task: an observation, then an iterate at a time, then how it ended. */
  function answer(task, post) {
    try {
      const { clean, kernel, peak, seed } = task, n = Math.sqrt(clean.length);
      const { y, photons } = degrade(clean, new Blur(kernel, n), peak, seed);
      post({ kind: "observed", x: y, psnr: psnr(y, clean), photons });
      let last = null;
      for (last of restore({ ...task, y })) post({ kind: "iterate", ...last });
      post({ kind: "done", k: last?.k ?? 0, diverged: last?.diverged ?? false });
    } catch (error) {
      post({ kind: "error", message: error.message });
    }
  }

  return { answer, denoiser, psnr, restore };
});
