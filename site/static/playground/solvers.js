"use strict";
/* Plug-and-play algorithms as generators that read like their equations, with the names and the order of
   pnp_course/solvers. fidelity.prox(z, lam) and denoise(z) take and give pictures (Float64Array). */
PnP.room("solvers", function () {
  const combine = (f) => (...pictures) => pictures[0].map((_, i) => f(...pictures.map((p) => p[i])));
  const [sum, difference] = [combine((a, b) => a + b), combine((a, b) => a - b)];

  /** CoCo-ADMM, [B] (19). t = 1 is PnP-ADMM. Yields D(v - b), before the averaging (Remark 4.3). */
  function* coco_admm(fidelity, denoise, x0, { lam, t }) {
    let u = x0, b = new Float64Array(x0.length);
    while (true) {
      const v = fidelity.prox(sum(u, b), lam);
      const z = difference(v, b);
      const d = denoise(z);
      u = d.map((value, i) => t * value + (1 - t) * z[i]);
      b = b.map((value, i) => value + u[i] - v[i]);
      yield d;
    }
  }

  /** CoCo-PEGD, [B] (22)-(23): gradient descent on the Moreau envelope of lam G, then D_t. */
  function* coco_pegd(fidelity, denoise, x0, { lam, t, step = 0.8 }) {
    let v = x0;
    while (true) {
      const z = v, d = denoise(z);
      const u = d.map((value, i) => t * value + (1 - t) * z[i]);
      const p = fidelity.prox(u, lam);
      v = u.map((value, i) => (1 - step) * value + step * p[i]);
      yield d;
    }
  }

  /** PnP-ADMM: no averaging. */
  const admm = (fidelity, denoise, x0, { lam }) => coco_admm(fidelity, denoise, x0, { lam, t: 1 });

  /** Half-quadratic splitting with a fixed noise level: v = prox(u), u = D(v). */
  function* hqs(fidelity, denoise, x0, { lam }) {
    let u = x0;
    while (true) yield (u = denoise(fidelity.prox(u, lam)));
  }

  return { coco_admm, coco_pegd, admm, hqs };
});
