"use strict";
/* FFDNet: convolutions on the four half-size subimages, as in pnp_course/denoisers/dncnn.py. */
PnP.room("ffdnet", function () {
  /** 3 x 3 convolution of planes with a border of zeros, (h + 2) x (w + 2) each, all in one array; ReLU unless last. */
  function convolve(input, weight, bias, h, w, last) {
    const stride = w + 2, plane = (h + 2) * stride, inputs = input.length / plane, outputs = bias.length;
    const out = new Float64Array(outputs * plane);
    for (let o = 0; o < outputs; o++) {
      for (let y = 1; y <= h; y++) {
        const at = o * plane + y * stride;
        for (let x = 1; x <= w; x++) out[at + x] = bias[o];
        for (let i = 0; i < inputs; i++) {
          const k = 9 * (o * inputs + i), mid = i * plane + y * stride, up = mid - stride, down = mid + stride;
          const a = weight[k], b = weight[k + 1], c = weight[k + 2], d = weight[k + 3], e = weight[k + 4];
          const f = weight[k + 5], g = weight[k + 6], l = weight[k + 7], m = weight[k + 8];
          for (let x = 1; x <= w; x++) {
            out[at + x] +=
              a * input[up + x - 1] + b * input[up + x] + c * input[up + x + 1] +
              d * input[mid + x - 1] + e * input[mid + x] + f * input[mid + x + 1] +
              g * input[down + x - 1] + l * input[down + x] + m * input[down + x + 1];
          }
        }
        if (!last) for (let x = 1; x <= w; x++) if (out[at + x] < 0) out[at + x] = 0;
      }
    }
    return out;
  }

  class FFDNet {
    /** weights.layers: [{ weight, bias }], flat, output channel first; sides of pictures are even. */
    constructor(weights, sigma) {
      this.sigma = sigma;
      this.layers = weights.layers.map(({ weight, bias }) => ({ weight: Float64Array.from(weight), bias }));
    }

    apply(x) {
      const n = Math.sqrt(x.length), h = n / 2, stride = h + 2, plane = stride * stride;
      let planes = new Float64Array(5 * plane);
      const place = (r, c) => ((r % 2) * 2 + (c % 2)) * plane + ((r >> 1) + 1) * stride + (c >> 1) + 1;
      for (let r = 0; r < n; r++) for (let c = 0; c < n; c++) planes[place(r, c)] = x[r * n + c];
      for (let r = 1; r <= h; r++) planes.fill(this.sigma, 4 * plane + r * stride + 1, 4 * plane + r * stride + 1 + h);
      this.layers.forEach(({ weight, bias }, k) => {
        planes = convolve(planes, weight, bias, h, h, k === this.layers.length - 1);
      });
      const out = new Float64Array(n * n);
      for (let r = 0; r < n; r++) for (let c = 0; c < n; c++) out[r * n + c] = planes[place(r, c)];
      return out;
    }
  }

  return { FFDNet };
});
