"use strict";
/* Which theorem covers the chosen run: the rules of pnp_course/guarantees for the four algorithms of the playground. */
PnP.room("theorems", function () {
  const LONG = { coco_admm: "CoCo-ADMM", coco_pegd: "CoCo-PEGD", admm: "PnP-ADMM", hqs: "half-quadratic splitting" };
  const number = (value) => String(+value.toFixed(3));

  /** { covered, words } for a denoiser of the data file, an algorithm and its averaging t; step is that of CoCo-PEGD. */
  function guarantee({ algorithm, denoiser, t, step = 0.8 }) {
    const { gamma, delta, t1, symmetric, everyImage } = denoiser;
    const no = (why) => ({ covered: false, words: `No theorem covers this run: ${why}.` });
    const known = everyImage ? "for every picture, by construction" : "at the patches measured";
    if (algorithm === "hqs") return no(`${LONG.hqs} with a fixed denoiser has none in this course`);
    if (algorithm === "admm") return no("without averaging, ADMM asks for the proximal operator of a convex function");
    if (!symmetric) {
      const size = number(denoiser.asymmetry);
      return no(`this denoiser is not conservative; its Jacobian differs from its transpose by ${size} in norm`);
    }
    if (algorithm === "coco_admm") {
      if (t >= t1) return no(`t = ${number(t)} is not below t₁ = ${number(t1)}`);
      return {
        covered: true,
        words: `Covered by Theorem 4.1 of [B]: the denoiser is conservative and ${number(gamma)}-cocoercive ${known}, and ` +
          `t = ${number(t)} is below t₁ = ${number(t1)}.`,
      };
    }
    const bound = 2 - (t * (1 - gamma)) / (gamma + t * (1 - gamma));
    if (t * (1 + delta) >= 1) return no(`t = ${number(t)} is not below ${number(1 / (1 + delta))}`);
    if (step >= bound) return no(`the step ${number(step)} is not below 2 − r(t) = ${number(bound)}`);
    return {
      covered: true,
      words: `Covered by Theorem 4.4 of [B]: the denoiser is conservative and ${number(gamma)}-cocoercive ${known}, and the ` +
        `step ${number(step)} is below 2 − r(t) = ${number(bound)}.`,
    };
  }

  return { LONG, guarantee };
});
