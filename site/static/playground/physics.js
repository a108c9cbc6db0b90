"use strict";
/* The camera: a circular blur, photon counting, and the Poisson fidelity with its proximal operator. The same mathematics, with
   the same names, as pnp_course/operators/blur.py, noise.py and fidelities.py; a test compares the numbers. */
PnP.room("physics", function (PnP) {
  const { real, back } = PnP.fft;

  /** A x = k * x on n x n pictures with a periodic boundary. kernel: { size, values }, its centre at size >> 1. */
  class Blur {
    constructor(kernel, n) {
      if (kernel.size > n) throw new Error(`the kernel is ${kernel.size} pixels wide; wanted at most ${n}, the picture's side.`);
      const padded = new Float64Array(n * n), centre = kernel.size >> 1;
      for (let i = 0; i < kernel.size; i++) {
        for (let j = 0; j < kernel.size; j++) {
          padded[((i - centre + n) % n) * n + ((j - centre + n) % n)] = kernel.values[i * kernel.size + j];
        }
      }
      this.n = n;
      this.transfer = real(padded, n);
      this.energy = this.transfer.re.map((r, i) => r * r + this.transfer.im[i] ** 2); // |k^|^2
    }

    /** A x. */
    apply(x) {
      const { re, im } = this.transfer, s = real(x, this.n);
      for (let i = 0; i < re.length; i++) {
        const r = s.re[i] * re[i] - s.im[i] * im[i];
        s.im[i] = s.re[i] * im[i] + s.im[i] * re[i], s.re[i] = r;
      }
      return back(s, this.n);
    }
  }

  /** Independent numbers in (0, 1): xorshift32. Equal seeds give equal numbers. */
  function uniforms(seed) {
    let state = Math.imul(seed + 1, 0x9e3779b9) | 0 || 1;
    const next = () => {
      state ^= state << 13, state ^= state >>> 17, state ^= state << 5;
      return ((state >>> 0) + 0.5) / 4294967296;
    };
    for (let i = 0; i < 16; i++) next(); // neighbouring seeds begin alike
    return next;
  }

  /** A Poisson number of this mean: exact, since a sum of Poisson numbers is one, and each part is Knuth's product. */
  function poisson(mean, uniform) {
    let count = 0;
    for (let left = mean; left > 0; left -= 16) {
      const stop = Math.exp(-Math.min(left, 16));
      for (let product = uniform(); product > stop; product *= uniform()) count++;
    }
    return count;
  }

  /** y ~ Poisson(peak A x) / peak, [B] (1), and the number of photons. */
  function degrade(x, blur, peak, seed) {
    const uniform = uniforms(seed);
    let photons = 0;
    const y = blur.apply(x).map((v) => {
      const count = poisson(peak * Math.max(v, 0), uniform);
      photons += count;
      return count / peak;
    });
    return { y, photons };
  }

  /** prox of lam (v - y log v): the root >= 0 of v^2 - (z - lam) v - lam y = 0, [B] (95). */
  function proxKl(z, y, lam) {
    const q = z - lam, root = Math.sqrt(q * q + 4 * lam * y);
    return q >= 0 ? (q + root) / 2 : (2 * lam * y) / Math.max(root - q, 1e-30);
  }

  /** G(u) = <1, A u - y log A u>, [B] (2). The proximal operator is the inner ADMM of [B] (93)-(96), as in the library. */
  class Poisson {
    constructor(blur, y, { rho = 32, tol = 3e-4, inner = 20 } = {}) {
      const norm = Math.sqrt(blur.energy.reduce((a, b) => Math.max(a, b), 0));
      Object.assign(this, { blur, y, tol, inner, rho: rho / 2 ** Math.round(2 * Math.log2(norm)) });
    }

    prox(z, lam) {
      const { blur, y, rho } = this, { n, energy, transfer: k } = blur, size = n * n, spectrum = real(z, n);
      const [solved, seen] = [(i) => 1 / (1 + rho * energy[i]), () => 1].map((factor) => {
        const s = { re: new Float64Array(energy.length), im: new Float64Array(energy.length) };
        for (let i = 0; i < energy.length; i++) {
          const f = factor(i);
          s.re[i] = f * (spectrum.re[i] * k.re[i] - spectrum.im[i] * k.im[i]);
          s.im[i] = f * (spectrum.re[i] * k.im[i] + spectrum.im[i] * k.re[i]);
        }
        return back(s, n);
      });
      const x = seen.slice(), av = seen, d = new Float64Array(size), s = seen.slice();
      for (let step = 0; step < this.inner; step++) {
        let moved = 0, apart = 0, norm = 0;
        const fresh = new Float64Array(size);
        for (let i = 0; i < size; i++) fresh[i] = proxKl(av[i] - d[i], y[i], lam / rho), s[i] = fresh[i] + d[i];
        const filtered = real(s, n);
        for (let i = 0; i < energy.length; i++) {
          const f = 1 / (1 + rho * energy[i]);
          filtered.re[i] *= f, filtered.im[i] *= f;
        }
        const smooth = back(filtered, n); // (I + rho A A^T)^{-1} s
        for (let i = 0; i < size; i++) {
          const next = solved[i] + s[i] - smooth[i];
          apart += (fresh[i] - next) ** 2, moved += (fresh[i] - x[i]) ** 2, norm += next * next;
          x[i] = fresh[i], av[i] = next, d[i] = s[i] - next;
        }
        if (Math.sqrt(Math.max(apart, moved)) <= this.tol * Math.max(Math.sqrt(norm), 1e-30)) break;
      }
      const last = real(s, n); // v = (I + rho A^T A)^{-1} (z + rho A^T s)
      for (let i = 0; i < energy.length; i++) {
        const f = 1 / (1 + rho * energy[i]);
        const r = spectrum.re[i] + rho * (last.re[i] * k.re[i] + last.im[i] * k.im[i]);
        last.im[i] = f * (spectrum.im[i] + rho * (last.im[i] * k.re[i] - last.re[i] * k.im[i])), last.re[i] = f * r;
      }
      return back(last, n);
    }
  }

  return { Blur, Poisson, degrade, poisson, proxKl, uniforms };
});
