"use strict";
/* The ridge denoiser, D(y) = the minimiser of R(x) + ||x - y||^2 / 2 with R(x) = sum of psi_i(W x), as in
   pnp_course/denoisers/ridge*.py. Each free filter and its mirror image share their parts that are even and odd in the
   columns, and each filter is even or odd under a half turn: in a basis of four parities the 2 x 49 products of a pair become
   25 or 24. */
PnP.room("ridge", function () {
  const REACH = 3; // filters are 7 x 7
  /** Row and column basis functions: 0 .. 3 even, 4 .. 6 odd; function f reads the pixels at distance DISTANCE[f]. */
  const DISTANCE = [0, 1, 2, 3, 1, 2, 3], EVEN = [0, 1, 2, 3], ODD = [4, 5, 6];
  const pairs = (rows, columns) => rows.flatMap((r) => columns.map((c) => 7 * r + c));
  /** Planes (row function, column function) of a half-turn-even and a half-turn-odd filter: [even, odd in the columns]. */
  const PLANES = [[pairs(EVEN, EVEN), pairs(ODD, ODD)], [pairs(ODD, EVEN), pairs(EVEN, ODD)]];

  /** The coefficient of basis function f of the numbers w(-3 .. 3): half the sum, or half the difference, of two of them. */
  const coefficient = (w, f) =>
    f === 0 ? w(0) : f < 4 ? (w(f) + w(-f)) / 2 : (w(DISTANCE[f]) - w(-DISTANCE[f])) / 2;

  /** The slopes of P' between the knots: pnp_course.denoisers.ridge_profile.slopes. */
  function slopes({ steep, concave, knots, rho }, mu) {
    const sigmoid = (v) => 1 / (1 + Math.exp(-v)), out = [];
    let value = 0;
    knots.forEach((knot, j) => {
      const width = knot - (j ? knots[j - 1] : 0), wanted = mu * sigmoid(steep[j]) - rho * sigmoid(concave[j]);
      out.push(Math.max(wanted, -value / width));
      value = Math.max(0, value + out[j] * width);
    });
    return out;
  }

  class Ridge {
    /** weights: what tools/playground.py exports; tol: bound of the root mean squared error of D(y). */
    constructor(weights, sigma, { tol = 5e-4, warm = true, most = 1000 } = {}) {
      const { levels, log_scales, log_mu, knots } = weights;
      const level = Math.min(Math.max(sigma, levels[0]), levels.at(-1));
      const right = Math.min(Math.max(levels.findIndex((v) => v > level), 1) || 1, levels.length - 1);
      const at = level >= levels.at(-1) ? levels.length - 1 : right;
      const share = (level - levels[at - 1]) / (levels[at] - levels[at - 1]);
      const spline = (values) => values[at - 1] + share * (values[at] - values[at - 1]);
      Object.assign(this, { tol, warm, most, rho: weights.rho, last: null, inner: 0 });
      this.scales = log_scales.map((row) => Math.exp(spline(row)) / (sigma + 1e-5));
      const slope = slopes(weights, Math.min(Math.exp(spline(log_mu)), weights.steepest));
      this.lipschitz = 1 + Math.max(0, ...slope);
      this.profile(knots, slope);
      this.parts = weights.filters.map((filter, f) => {
        const parity = f < weights.filters.length / 2 ? 0 : 1; // the first half is even under a half turn
        const rows = (r) => (c) => coefficient((i) => filter[7 * (i + REACH) + c + REACH], r);
        return PLANES[parity].map((planes) => planes.map((p) => coefficient(rows(Math.floor(p / 7)), p % 7)));
      });
    }

    /** P' as a table: from the cell of |t| to the piece of the spline that begins in it or before. */
    profile(knots, slope) {
      const J = knots.length;
      this.from = Float64Array.from([0, ...knots]);
      this.slope = Float64Array.from([...slope, 0]); // constant beyond the last knot
      this.value = new Float64Array(J + 1);
      for (let j = 0; j < J; j++) this.value[j + 1] = this.value[j] + slope[j] * (this.from[j + 1] - this.from[j]);
      this.cells = 1 / Math.min(...knots.map((k, j) => k - (j ? knots[j - 1] : 0)));
      this.top = knots[J - 1];
      this.piece = new Uint8Array(Math.ceil(this.top * this.cells) + 2);
      for (let c = 0, j = 0; c < this.piece.length; c++) {
        while (j < J && this.from[j + 1] <= c / this.cells) j++;
        this.piece[c] = j;
      }
    }

    /** psi'(z) = P'(a z) / a, over z and over its mirror twin's z. */
    derivative(z, from, count, scale) {
      const { piece, slope, value, cells, top } = this, knot = this.from;
      for (let i = from; i < from + count; i++) {
        const t = z[i] * scale, size = t < 0 ? -t : t;
        let j = piece.length - 1, p;
        if (size < top) {
          j = piece[(size * cells) | 0];
          if (size >= knot[j + 1]) j++;
          p = value[j] + slope[j] * (size - knot[j]);
        } else p = value[value.length - 1];
        z[i] = (t < 0 ? -p : p) / scale;
      }
    }

    /** x - y + W^T psi'(W x), row by row, so that everything stays in the cache. */
    gradient(x, y, n, out) {
      const { planes, back, even, odd, wide } = this.buffers(n), row = new Float64Array(n + 2 * REACH);
      const mirror = (i) => (i < 0 ? -1 - i : i >= n ? 2 * n - 1 - i : i);
      wide.fill(0);
      for (let i = 0; i < n; i++) {
        for (let f = 0; f < 7; f++) {
          const a = mirror(i + DISTANCE[f]) * n, b = mirror(i - DISTANCE[f]) * n;
          if (f === 0) for (let c = 0; c < n; c++) row[c + REACH] = x[a + c];
          else if (f < 4) for (let c = 0; c < n; c++) row[c + REACH] = x[a + c] + x[b + c];
          else for (let c = 0; c < n; c++) row[c + REACH] = x[a + c] - x[b + c];
          for (let c = 0; c < REACH; c++) row[c] = row[2 * REACH - 1 - c], row[n + REACH + c] = row[n + REACH - 1 - c];
          for (let g = 0; g < 7; g++) {
            const d = DISTANCE[g], sign = g < 4 ? 1 : -1, at = (7 * f + g) * n;
            if (g === 0) for (let c = 0; c < n; c++) planes[at + c] = row[c + REACH];
            else for (let c = 0; c < n; c++) planes[at + c] = row[c + REACH + d] + sign * row[c + REACH - d];
          }
        }
        back.fill(0);
        this.parts.forEach(([w, v], f) => {
          const [ours, others] = PLANES[f < this.parts.length / 2 ? 0 : 1], scale = this.scales[f];
          collect(planes, ours, w, even, n);
          collect(planes, others, v, odd, n);
          for (let c = 0; c < n; c++) {
            const e = even[c], o = odd[c];
            even[c] = e + o, odd[c] = e - o; // the filter's output and its mirror image's
          }
          this.derivative(even, 0, n, scale);
          this.derivative(odd, 0, n, scale);
          for (let c = 0; c < n; c++) {
            const p = even[c], q = odd[c];
            even[c] = p + q, odd[c] = p - q;
          }
          spread(back, ours, w, even, n);
          spread(back, others, v, odd, n);
        });
        for (let f = 0; f < 7; f++) {
          row.fill(0);
          for (let g = 0; g < 7; g++) {
            const d = DISTANCE[g], at = (7 * f + g) * n;
            for (let c = 0; c < n; c++) row[c + REACH + d] += back[at + c];
            if (g > 0 && g < 4) for (let c = 0; c < n; c++) row[c + REACH - d] += back[at + c];
            else if (g >= 4) for (let c = 0; c < n; c++) row[c + REACH - d] -= back[at + c];
          }
          for (let c = 0; c < REACH; c++) row[2 * REACH - 1 - c] += row[c], row[n + REACH - 1 - c] += row[n + REACH + c];
          const a = mirror(i + DISTANCE[f]) * n, b = mirror(i - DISTANCE[f]) * n;
          for (let c = 0; c < n; c++) wide[a + c] += row[c + REACH];
          if (f > 0 && f < 4) for (let c = 0; c < n; c++) wide[b + c] += row[c + REACH];
          else if (f >= 4) for (let c = 0; c < n; c++) wide[b + c] -= row[c + REACH];
        }
      }
      let norm = 0;
      for (let i = 0; i < n * n; i++) out[i] = x[i] - y[i] + wide[i], norm += out[i] * out[i];
      return Math.sqrt(norm);
    }

    buffers(n) {
      if (this.kept?.n !== n) {
        const made = (count) => new Float64Array(count * n);
        this.kept = { n, planes: made(49), back: made(49), even: made(1), odd: made(1), wide: made(n) };
      }
      return this.kept;
    }

    /** D(y), by Nesterov's method, which forgets its momentum wherever that points uphill, until its error is at most tol. */
    apply(y) {
      const n = Math.sqrt(y.length), goal = (1 - this.rho) * this.tol * n, gradient = new Float64Array(n * n);
      const start = this.warm && this.last?.length === y.length ? this.last : y;
      let x = start.slice(), v = start.slice(), clock = 1;
      for (let k = 0; k < this.most; k++) {
        this.inner++;
        const norm = this.gradient(v, y, n, gradient);
        if (norm <= goal) return (this.last = v);
        if (!Number.isFinite(norm)) break;
        let uphill = 0;
        const stepped = v.map((value, i) => value - gradient[i] / this.lipschitz);
        for (let i = 0; i < n * n; i++) uphill += gradient[i] * (stepped[i] - x[i]);
        if (uphill > 0) clock = 1;
        const later = (1 + Math.sqrt(1 + 4 * clock * clock)) / 2, push = (clock - 1) / later;
        for (let i = 0; i < n * n; i++) v[i] = stepped[i] + push * (stepped[i] - x[i]);
        x = stepped, clock = later;
      }
      throw new Error(`the denoiser has not reached its accuracy after ${this.most} steps: choose a larger sigma.`);
    }
  }

  /** out[c] = sum over planes p of weights[p] planes[p][c]. */
  function collect(planes, which, weights, out, n) {
    out.fill(0);
    for (let k = 0; k < which.length; k += 4) {
      const [a, b, c, d] = four(which, k, n), [p, q, r, s] = four(weights, k, 1);
      for (let i = 0; i < n; i++) {
        out[i] += p * planes[a + i] + q * planes[b + i] + r * planes[c + i] + s * planes[d + i];
      }
    }
  }

  /** The adjoint: planes[p][c] += weights[p] from[c]. */
  function spread(planes, which, weights, from, n) {
    for (let k = 0; k < which.length; k++) {
      const at = which[k] * n, w = weights[k];
      for (let i = 0; i < n; i++) planes[at + i] += w * from[i];
    }
  }

  const four = (values, k, n) => [0, 1, 2, 3].map((j) => (k + j < values.length ? values[k + j] * n : 0));

  return { Ridge };
});
