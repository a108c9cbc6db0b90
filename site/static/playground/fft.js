"use strict";
/* Discrete Fourier transforms of n x n pictures, n a power of two. A picture is a Float64Array, row after row; the
   spectrum of a real one is its left half, (n, n / 2 + 1), as rfft2 of numpy and torch give it. */
PnP.room("fft", function () {
  const plans = new Map();

  function plan(n) {
    if (!plans.has(n)) {
      if (n < 2 || n & (n - 1)) throw new Error(`the side is ${n} pixels; wanted a power of two.`);
      const reverse = new Int32Array(n), cos = new Float64Array(n / 2), sin = new Float64Array(n / 2);
      for (let i = 1; i < n; i++) reverse[i] = (reverse[i >> 1] >> 1) | (i & 1 ? n >> 1 : 0);
      for (let k = 0; k < n / 2; k++) {
        cos[k] = Math.cos((2 * Math.PI * k) / n);
        sin[k] = Math.sin((2 * Math.PI * k) / n);
      }
      plans.set(n, { reverse, cos, sin });
    }
    return plans.get(n);
  }

  /** In place, along the first axis of (n, m): sum over j of x_j exp(sign 2 pi i j k / n), by Cooley and Tukey. */
  function transform(re, im, n, m, sign) {
    const { reverse, cos, sin } = plan(n);
    for (let i = 0; i < n; i++) {
      const j = reverse[i];
      if (j <= i) continue;
      for (let c = 0, a = i * m, b = j * m; c < m; c++, a++, b++) {
        const r = re[a], s = im[a];
        re[a] = re[b], im[a] = im[b], re[b] = r, im[b] = s;
      }
    }
    for (let half = 1; half < n; half *= 2) {
      for (let k = 0; k < half; k++) {
        const wr = cos[(k * n) / (2 * half)], wi = sign * sin[(k * n) / (2 * half)];
        for (let start = k; start < n; start += 2 * half) {
          for (let c = 0, a = start * m, b = (start + half) * m; c < m; c++, a++, b++) {
            const tr = re[b] * wr - im[b] * wi, ti = re[b] * wi + im[b] * wr;
            re[b] = re[a] - tr, im[b] = im[a] - ti, re[a] += tr, im[a] += ti;
          }
        }
      }
    }
  }

  /** The half spectrum { re, im } of a real picture. Rows 2h and 2h + 1 travel as one complex row. */
  function real(x, n) {
    const m = n / 2, re = new Float64Array(n * m), im = new Float64Array(n * m);
    for (let h = 0; h < m; h++) {
      for (let w = 0; w < n; w++) re[w * m + h] = x[2 * h * n + w], im[w * m + h] = x[(2 * h + 1) * n + w];
    }
    transform(re, im, n, m, -1);
    const width = m + 1, out = { re: new Float64Array(n * width), im: new Float64Array(n * width) };
    for (let k = 0; k < width; k++) {
      for (let h = 0; h < m; h++) {
        const p = k * m + h, q = ((n - k) % n) * m + h, even = 2 * h * width + k, odd = even + width;
        out.re[even] = (re[p] + re[q]) / 2, out.im[even] = (im[p] - im[q]) / 2;
        out.re[odd] = (im[p] + im[q]) / 2, out.im[odd] = (re[q] - re[p]) / 2;
      }
    }
    transform(out.re, out.im, n, width, -1);
    return out;
  }

  /** The real picture of a half spectrum, which is used up. */
  function back({ re, im }, n) {
    const m = n / 2, width = m + 1, zr = new Float64Array(n * m), zi = new Float64Array(n * m);
    transform(re, im, n, width, 1);
    for (let k = 0; k < n; k++) {
      const j = k <= m ? k : n - k, sign = k <= m ? 1 : -1;
      for (let h = 0; h < m; h++) {
        const even = 2 * h * width + j, odd = even + width;
        zr[k * m + h] = re[even] - sign * im[odd], zi[k * m + h] = sign * im[even] + re[odd];
      }
    }
    transform(zr, zi, n, m, 1);
    const x = new Float64Array(n * n), scale = 1 / (n * n);
    for (let h = 0; h < m; h++) {
      for (let w = 0; w < n; w++) x[2 * h * n + w] = zr[w * m + h] * scale, x[(2 * h + 1) * n + w] = zi[w * m + h] * scale;
    }
    return x;
  }

  return { transform, real, back };
});
