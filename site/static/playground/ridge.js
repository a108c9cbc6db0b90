"use strict";
/* The ridge denoiser, D(y) = the minimiser of R(x) + ||x - y||^2 / 2 with R(x) = sum of psi_i(W x), as in
   pnp_course/denoisers/ridge*.py. Each free filter and its mirror image share their parts that are even and odd in the
   columns, and each filter is even or odd under a half turn: in a basis of four parities the 2 x 49 products of a pair become
   25 or 24. */
PnP.room("ridge", function (PnP) {
  const REACH = 3, MOVES = 10; // filters are 7 x 7; moves that L-BFGS remembers
  /** Row and column functions: 0 .. 3 even, 4 .. 6 odd; function f reads the pixels at distance DISTANCE[f]. */
  const DISTANCE = [0, 1, 2, 3, 1, 2, 3], EVEN = [0, 1, 2, 3], ODD = [4, 5, 6];
  const pairs = (rows, columns) => rows.flatMap((r) => columns.map((c) => 7 * r + c));
  /** Pairs of a row and a column function, by parity. The first two are for filters that are even under a half turn, the
      others for odd ones; of two, the first is even in the columns. Each has a multiple of four planes (-1: none). */
  const GROUPS = [pairs(EVEN, EVEN), [...pairs(ODD, ODD), -1, -1, -1], pairs(ODD, EVEN), pairs(EVEN, ODD)];
  const STARTS = [0, 16, 28, 40], PLANES = 52;
  const SLOT = Array.from({ length: 49 }, (_, p) => GROUPS.flat().indexOf(p));

  /** The coefficient of basis function f of the numbers w(-3 .. 3): half the sum, or half the difference, of two of them. */
  const coefficient = (w, f) =>
    f === 0 ? w(0) : f < 4 ? (w(f) + w(-f)) / 2 : (w(DISTANCE[f]) - w(-DISTANCE[f])) / 2;

  /** The coefficient of a filter (49 numbers, row after row) for a row and a column function. */
  const product = (filter, r, c) =>
    coefficient((j) => coefficient((i) => filter[7 * (i + REACH) + j + REACH], r), c);

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
    constructor(weights, sigma, { tol = 5e-4, most = 500 } = {}) {
      const { levels, log_scales, log_mu, knots } = weights, end = levels.length - 1;
      const level = Math.min(Math.max(sigma, levels[0]), levels[end]), above = levels.findIndex((v) => v > level);
      const at = above < 0 ? end : Math.max(above, 1), share = (level - levels[at - 1]) / (levels[at] - levels[at - 1]);
      const spline = (values) => values[at - 1] + share * (values[at] - values[at - 1]);
      Object.assign(this, { tol, most, rho: weights.rho, last: null, memory: [], gradients: 0 });
      this.scales = log_scales.map((row) => Math.exp(spline(row)) / (sigma + 1e-5));
      const slope = slopes(weights, Math.min(Math.exp(spline(log_mu)), weights.steepest));
      this.lipschitz = 1 + Math.max(0, ...slope);
      this.profile(knots, slope);
      const half = weights.filters.length / 2;
      this.filters = half;
      this.groups = GROUPS.map((planes, g) => {
        const filters = weights.filters.slice(g < 2 ? 0 : half, g < 2 ? half : 2 * half);
        const rows = filters.map((filter) => planes.map((p) => (p < 0 ? 0 : product(filter, Math.floor(p / 7), p % 7))));
        return { there: rows.flat(), back: planes.flatMap((_, j) => rows.map((row) => row[j])), width: planes.length };
      });
    }

    /** P' from -top to top as a table of cells so narrow that each holds one knot at most: it is base + slope t +
        bend |t - knot| there. Evaluating it takes no branch; one that depends on a pixel cannot be foreseen by a processor. */
    profile(knots, slope) {
      const J = knots.length, from = [0, ...knots], slopes = [...slope, 0], value = [0]; // constant beyond the last knot
      for (let j = 0; j < J; j++) value.push(value[j] + slope[j] * (from[j + 1] - from[j]));
      this.top = knots[J - 1];
      const half = Math.ceil(this.top / Math.min(...knots.map((k, j) => k - from[j]))), made = () => new Float64Array(2 * half + 1);
      Object.assign(this, { cells: half / this.top, base: made(), slope: made(), knot: made(), bend: made() });
      for (let c = 0; c <= half; c++) {
        const j = from.findLastIndex((k) => k <= c / this.cells), knot = from[j + 1] ?? this.top; // the piece where it begins
        const bend = ((slopes[j + 1] ?? 0) - slopes[j]) / 2, base = value[j] - slopes[j] * from[j] - bend * knot;
        for (const [cell, sign] of [[half - 1 - c, -1], [half + c, 1]]) { // P' is odd
          if (cell < 0) continue;
          this.base[cell] = sign * base, this.slope[cell] = slopes[j] + bend;
          this.knot[cell] = sign * knot, this.bend[cell] = sign * bend;
        }
      }
    }

    /** psi'(z) = P'(a z) / a, written over the numbers z[from], ..., z[from + count - 1] of one filter. */
    derivative(z, from, count, scale) {
      const { base, slope, knot, bend, cells, top } = this, over = 1 / scale;
      for (let i = from; i < from + count; i++) {
        const s = z[i] * scale, t = (Math.abs(s + top) - Math.abs(s - top)) / 2, c = ((t + top) * cells) | 0; // |t| <= top
        z[i] = (base[c] + slope[c] * t + bend[c] * Math.abs(t - knot[c])) * over;
      }
    }

    /** x - y + W^T psi'(W x) into `out`, and its norm. It goes row by row, so that everything stays in the cache. */
    gradient(x, y, n, out) {
      const { space, planes, back, even, odd, wide, parts } = this.buffers(n), filters = this.filters;
      this.gradients++;
      wide.fill(0);
      for (let i = 0; i < n; i++) {
        fold(x, i, n, planes);
        for (const g of [0, 2]) {
          const [p, q] = [parts[g], parts[g + 1]];
          space.multiply(p.there, filters, p.width, p.planes, even, n);
          space.multiply(q.there, filters, q.width, q.planes, odd, n);
          butterfly(even, odd); // now the outputs of the filters, and of their mirror images
          for (let f = 0; f < filters; f++) {
            const scale = this.scales[g ? filters + f : f];
            this.derivative(even, f * n, n, scale);
            this.derivative(odd, f * n, n, scale);
          }
          butterfly(even, odd);
          space.multiply(p.back, p.width, filters, even, p.result, n);
          space.multiply(q.back, q.width, filters, odd, q.result, n);
        }
        unfold(back, i, n, wide);
      }
      let norm = 0;
      for (let i = 0; i < n * n; i++) out[i] = x[i] - y[i] + wide[i], norm += out[i] * out[i];
      return Math.sqrt(norm);
    }

    /** What `gradient` needs for pictures of side n; `parts` has the matrices of each parity, and its planes. */
    buffers(n) {
      if (this.kept?.n === n) return this.kept;
      const matrices = this.groups.flatMap(({ there, back }) => [there, back]), filters = this.filters;
      const space = new PnP.products.Workspace([PLANES * n, PLANES * n, filters * n, filters * n, ...matrices.map((m) => m.length)]);
      const [planes, back, even, odd, ...values] = space.arrays;
      values.forEach((array, i) => array.set(matrices[i]));
      const parts = this.groups.map(({ width }, g) => ({
        width, there: values[2 * g], back: values[2 * g + 1],
        planes: planes.subarray(STARTS[g] * n, (STARTS[g] + width) * n), result: back.subarray(STARTS[g] * n, (STARTS[g] + width) * n),
      }));
      return (this.kept = { n, space, planes, back, even, odd, parts, wide: new Float64Array(n * n) });
    }

    /** D(y) with a root mean squared error of at most tol, since ||x - D(y)|| <= ||gradient at x|| / (1 - rho). By L-BFGS
        (Nocedal 1980), from the result before and with its curvature; a plain gradient step wherever it does not help. */
    apply(y) {
      const n = Math.sqrt(y.length), goal = (1 - this.rho) * this.tol * n;
      let x = Float64Array.from(this.last ?? y), g = new Float64Array(n * n), norm = this.gradient(x, y, n, g);
      for (let k = 0; k < this.most && !(k && norm <= goal); k++) { // one step at least, or a run would seem to stand still
        let way = this.direction(g), step = this.step(x, y, g, way);
        const before = inner(g, way), after = inner(step.gradient, way);
        if (after < -before / 2) { // far beyond the lowest point of this line: go back to where the secant has it
          this.learn(step, way, g);
          way = way.map((value) => (value * before) / (before - after)), step = this.step(x, y, g, way);
        }
        this.learn(step, way, g);
        [x, g, norm] = [step.x, step.gradient, step.norm];
      }
      if (norm <= goal) return (this.last = x);
      throw new Error(`the denoiser has not reached its accuracy after ${this.most} steps: choose a larger sigma.`);
    }

    /** The inverse Hessian of the last moves, times g: the two loops of L-BFGS. Without moves, 1 / L. */
    direction(g) {
      const way = g.slice(), shares = [], last = this.memory.at(-1);
      for (const { s, y, dot } of this.memory.toReversed()) {
        const share = inner(s, way) / dot;
        shares.push(share);
        for (let i = 0; i < way.length; i++) way[i] -= share * y[i];
      }
      const scale = last ? last.dot / inner(last.y, last.y) : 1 / this.lipschitz;
      for (let i = 0; i < way.length; i++) way[i] *= scale;
      for (const { s, y, dot } of this.memory) {
        const share = shares.pop() - inner(y, way) / dot;
        for (let i = 0; i < way.length; i++) way[i] += share * s[i];
      }
      return way;
    }

    step(x, y, g, way) {
      const there = x.map((value, i) => value - way[i]), gradient = new Float64Array(x.length);
      return { x: there, gradient, norm: this.gradient(there, y, Math.sqrt(x.length), gradient) };
    }

    /** Keep the last few moves, -way, and how the gradient changed on them. */
    learn({ gradient }, way, g) {
      const s = way.map((value) => -value), y = gradient.map((value, i) => value - g[i]), dot = inner(s, y);
      if (dot > 0) this.memory.push({ s, y, dot });
      if (this.memory.length > MOVES) this.memory.shift();
    }
  }

  function inner(a, b) {
    let total = 0;
    for (let i = 0; i < a.length; i++) total += a[i] * b[i];
    return total;
  }

  /** The pixel that stands at position i of a line of n: pictures are continued by reflection. */
  const mirror = (i, n) => (i < 0 ? -1 - i : i >= n ? 2 * n - 1 - i : i);

  /** The planes of row i: all products of a row and a column function, read in the continued picture. */
  function fold(x, i, n, planes) {
    const row = new Float64Array(n + 2 * REACH);
    for (let f = 0; f < 7; f++) {
      const a = mirror(i + DISTANCE[f], n) * n, b = mirror(i - DISTANCE[f], n) * n, sign = f === 0 ? 0 : f < 4 ? 1 : -1;
      for (let c = 0; c < n; c++) row[c + REACH] = x[a + c] + sign * x[b + c];
      for (let c = 0; c < REACH; c++) row[c] = row[2 * REACH - 1 - c], row[n + REACH + c] = row[n + REACH - 1 - c];
      for (let g = 0; g < 7; g++) {
        const d = DISTANCE[g], sign = g === 0 ? 0 : g < 4 ? 1 : -1, at = SLOT[7 * f + g] * n;
        for (let c = 0; c < n; c++) planes[at + c] = row[c + REACH + d] + sign * row[c + REACH - d];
      }
    }
  }

  /** The adjoint of `fold`, added to the picture. */
  function unfold(planes, i, n, picture) {
    const row = new Float64Array(n + 2 * REACH);
    for (let f = 0; f < 7; f++) {
      row.fill(0);
      for (let g = 0; g < 7; g++) {
        const d = DISTANCE[g], sign = g === 0 ? 0 : g < 4 ? 1 : -1, at = SLOT[7 * f + g] * n;
        if (sign) for (let c = 0; c < n; c++) row[c + REACH + d] += planes[at + c], row[c + REACH - d] += sign * planes[at + c];
        else for (let c = 0; c < n; c++) row[c + REACH] += planes[at + c];
      }
      for (let c = 0; c < REACH; c++) row[2 * REACH - 1 - c] += row[c], row[n + REACH - 1 - c] += row[n + REACH + c];
      const a = mirror(i + DISTANCE[f], n) * n, b = mirror(i - DISTANCE[f], n) * n, sign = f === 0 ? 0 : f < 4 ? 1 : -1;
      for (let c = 0; c < n; c++) picture[a + c] += row[c + REACH];
      if (sign) for (let c = 0; c < n; c++) picture[b + c] += sign * row[c + REACH];
    }
  }

  /** (a, b) -> (a + b, a - b). */
  function butterfly(a, b) {
    for (let i = 0; i < a.length; i++) {
      const p = a[i], q = b[i];
      a[i] = p + q, b[i] = p - q;
    }
  }

  return { Ridge };
});
