"use strict";
/* DnCNN and FFDNet, plain stacks of convolutions for gray pictures, as in pnp_course/denoisers/dncnn.py. */
PnP.room("networks", function () {
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

  /** The numbers of a layer: 32-bit floats, little-endian, as base64. Weights go with the output channel first. */
  function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)), view = new DataView(bytes.buffer);
    return Float64Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
  }

  class Network {
    /** weights.layers: [{ weight, bias }], packed. */
    constructor({ layers }, sigma) {
      this.sigma = sigma;
      this.layers = layers.map(({ weight, bias }) => ({ weight: unpack(weight), bias: unpack(bias) }));
    }

    /** All convolutions, on planes of side h with their borders. */
    forward(planes, h) {
      const last = this.layers.length - 1;
      return this.layers.reduce((p, { weight, bias }, k) => convolve(p, weight, bias, h, h, k === last), planes);
    }
  }

  /** D(x) = x - R(x); it sees the noise itself, whatever sigma is. */
  class DnCNN extends Network {
    apply(x) {
      const n = Math.sqrt(x.length), stride = n + 2, planes = new Float64Array(stride * stride);
      for (let r = 0; r < n; r++) planes.set(x.subarray(r * n, (r + 1) * n), (r + 1) * stride + 1);
      const noise = this.forward(planes, n);
      return x.map((value, i) => value - noise[(Math.floor(i / n) + 1) * stride + (i % n) + 1]);
    }
  }

  /** Works on the four half-size subimages, with the noise level as a fifth; sides of pictures are even. */
  class FFDNet extends Network {
    apply(x) {
      const n = Math.sqrt(x.length), h = n / 2, stride = h + 2, plane = stride * stride;
      const planes = new Float64Array(5 * plane), out = new Float64Array(n * n);
      const place = (r, c) => ((r % 2) * 2 + (c % 2)) * plane + ((r >> 1) + 1) * stride + (c >> 1) + 1;
      for (let r = 0; r < n; r++) for (let c = 0; c < n; c++) planes[place(r, c)] = x[r * n + c];
      for (let r = 1; r <= h; r++) planes.fill(this.sigma, 4 * plane + r * stride + 1, 4 * plane + r * stride + 1 + h);
      const result = this.forward(planes, h);
      for (let r = 0; r < n; r++) for (let c = 0; c < n; c++) out[r * n + c] = result[place(r, c)];
      return out;
    }
  }

  return { DnCNN, FFDNet };
});
