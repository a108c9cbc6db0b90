"use strict";
/* Fields on the torus and their Helmholtz decomposition, as in pnp_course/toy/fields.py and notebook 07. A sampled field is
   { n, values: [first, second] }, Float64Arrays (n, n), the first coordinate changing slowest. */
PnP.room("field", function (PnP) {
  const TAU = 2 * Math.PI;

  /** E[u | x] - x for a mixture of bumps { mean, covariance: [a, b, c], weight } repeated with period 1, by Tweedie's formula. */
  function displacement(bumps, sigma, copies = 2) {
    const parts = [];
    for (const { mean, covariance: [a, b, c], weight } of bumps) {
      const [p, q] = [a + sigma * sigma, c + sigma * sigma], det = p * q - b * b;
      for (let i = -copies; i <= copies; i++) {
        for (let j = -copies; j <= copies; j++) {
          parts.push({ mean: [mean[0] + i, mean[1] + j], inverse: [q / det, -b / det, p / det], log: Math.log(weight / Math.sqrt(det)) });
        }
      }
    }
    return ([x, y]) => {
      const logs = parts.map(({ mean, inverse: [a, b, c], log }) => {
        const u = x - mean[0], v = y - mean[1];
        return log - (a * u * u + 2 * b * u * v + c * v * v) / 2;
      });
      const top = Math.max(...logs);
      let total = 0, first = 0, second = 0;
      parts.forEach(({ mean, inverse: [a, b, c] }, k) => {
        const p = Math.exp(logs[k] - top), u = x - mean[0], v = y - mean[1];
        total += p, first -= p * (a * u + b * v), second -= p * (b * u + c * v);
      });
      return [(sigma * sigma * first) / total, (sigma * sigma * second) / total]; // sigma^2 grad log p
    };
  }

  /** A swirl about a point, without divergence: the Hamiltonian part that notebook 07 adds. */
  const swirl = (centre, size) => ([x, y]) =>
    [-size * Math.sin(TAU * (y - centre[1])), size * Math.sin(TAU * (x - centre[0]))];

  /** A push from one point to another: their difference, times a bump of width 0.1 about the first, with period 1. */
  function push(from, to, width = 0.1) {
    const way = [to[0] - from[0], to[1] - from[1]];
    const bell = (u) => [-2, -1, 0, 1, 2].reduce((s, k) => s + Math.exp(-((u + k) ** 2) / (2 * width * width)), 0);
    return ([x, y]) => {
      const strength = bell(x - from[0]) * bell(y - from[1]);
      return [strength * way[0], strength * way[1]];
    };
  }

  /** The sum of fields on an n x n grid. */
  function sample(fields, n = 64) {
    const values = [new Float64Array(n * n), new Float64Array(n * n)];
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        for (const field of fields) {
          const v = field([i / n, j / n]);
          values[0][i * n + j] += v[0], values[1][i * n + j] += v[1];
        }
      }
    }
    return { n, values };
  }

  function transpose(x, n) {
    const out = new Float64Array(n * n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) out[j * n + i] = x[i * n + j];
    return out;
  }

  /** The full complex transform of (n, n), in both directions; sign -1 is the analysis. */
  function fourier({ re, im }, n, sign) {
    let parts = [Float64Array.from(re), Float64Array.from(im)];
    for (let axis = 0; axis < 2; axis++) {
      PnP.fft.transform(...parts, n, n, sign);
      parts = parts.map((p) => transpose(p, n));
    }
    return { re: parts[0], im: parts[1] };
  }

  /** V = mean + conservative + Hamiltonian ([B] (13)): coefficients of the field and of its parts. The frequency n / 2,
      whose sign cannot be told, is left out. */
  function helmholtz({ n, values }) {
    const wave = (i) => (i < n / 2 ? i : i - n);
    const c = values.map((v) => fourier({ re: v, im: new Float64Array(n * n) }, n, -1));
    for (const { re, im } of c) for (let i = 0; i < n * n; i++) re[i] /= n * n, im[i] /= n * n;
    const empty = () => [0, 1].map(() => ({ re: new Float64Array(n * n), im: new Float64Array(n * n) }));
    const parts = { full: empty(), conservative: empty(), hamiltonian: empty() };
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        if (i === n / 2 || j === n / 2) continue;
        const k = [wave(i), wave(j)], square = k[0] ** 2 + k[1] ** 2, at = i * n + j;
        for (const part of ["re", "im"]) {
          const v = [c[0][part][at], c[1][part][at]], along = square ? (k[0] * v[0] + k[1] * v[1]) / square : 0;
          for (const a of [0, 1]) {
            const mine = square ? k[a] * along : v[a]; // the mean goes with the conservative part: it is a gradient, too
            parts.full[a][part][at] = v[a];
            parts.conservative[a][part][at] = mine;
            parts.hamiltonian[a][part][at] = v[a] - mine;
          }
        }
      }
    }
    return Object.fromEntries(Object.entries(parts).map(([name, coefficients]) => [name, new Periodic(n, coefficients)]));
  }

  class Periodic {
    constructor(n, coefficients) {
      Object.assign(this, { n, coefficients });
    }

    /** The integral of |V|^2 over the square, by Parseval. */
    get energy() {
      return this.coefficients.reduce((s, { re, im }) => s + re.reduce((t, r, i) => t + r * r + im[i] * im[i], 0), 0);
    }

    /** Values on the grid, [first, second]. */
    grid() {
      return (this.values ??= this.coefficients.map((c) => fourier(c, this.n, 1).re));
    }

    /** V at any point of the plane: the Fourier series, rows first. */
    at([x, y]) {
      const { n } = this, half = n / 2, cos = new Float64Array(n), sin = new Float64Array(n);
      for (let j = 0; j < n; j++) {
        const k = j < half ? j : j - n;
        cos[j] = Math.cos(TAU * k * y), sin[j] = Math.sin(TAU * k * y);
      }
      return this.coefficients.map(({ re, im }) => {
        let total = 0;
        for (let i = 0; i < half; i++) { // the other half is conjugate: twice the real part
          let r = 0, s = 0;
          for (let j = 0, at = i * n; j < n; j++, at++) {
            r += re[at] * cos[j] - im[at] * sin[j], s += re[at] * sin[j] + im[at] * cos[j];
          }
          total += (i ? 2 : 1) * (r * Math.cos(TAU * i * x) - s * Math.sin(TAU * i * x));
        }
        return total;
      });
    }
  }

  /** PnP-PGD for G(x) = |x - y|^2 / 2 with D = I + V: x_{k+1} = D((1 - lam) x_k + lam y), count + 1 points. */
  function loop(field, start, y, lam, count) {
    const path = [start];
    for (let k = 0; k < count; k++) {
      const z = path[k].map((value, a) => (1 - lam) * value + lam * y[a]), v = field.at(z);
      path.push([z[0] + v[0], z[1] + v[1]]);
    }
    return path;
  }

  return { displacement, helmholtz, loop, push, sample, swirl };
});
