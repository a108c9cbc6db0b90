"use strict";
/* DnCNN and FFDNet, plain stacks of convolutions for gray pictures, as in pnp_course/denoisers/dncnn.py. */
PnP.room("networks", function () {
  /** A row of two output planes, at `first` and `second`, gets the share of one input plane; `w` pixels from `mid` on.
      Two at a time, and the pixels of the window are kept from one step to the next: half as long as one by one. */
  function row(out, first, second, input, mid, stride, w, weight, k, l) {
    const a = weight[k], b = weight[k + 1], c = weight[k + 2], d = weight[k + 3], e = weight[k + 4];
    const f = weight[k + 5], g = weight[k + 6], h = weight[k + 7], i = weight[k + 8];
    const A = weight[l], B = weight[l + 1], C = weight[l + 2], D = weight[l + 3], E = weight[l + 4];
    const F = weight[l + 5], G = weight[l + 6], H = weight[l + 7], I = weight[l + 8];
    let up = mid - stride, down = mid + stride;
    let p = input[up - 1], q = input[up], s = input[mid - 1], t = input[mid], u = input[down - 1], v = input[down];
    for (const end = mid + w; mid < end; mid++, up++, down++, first++, second++) {
      const x = input[up + 1], y = input[mid + 1], z = input[down + 1];
      out[first] += a * p + b * q + c * x + d * s + e * t + f * y + g * u + h * v + i * z;
      out[second] += A * p + B * q + C * x + D * s + E * t + F * y + G * u + H * v + I * z;
      p = q, q = x, s = t, t = y, u = v, v = z;
    }
  }

  /** 3 x 3 convolution of planes with a border of zeros, (h + 2) x (w + 2) each, all in one array; ReLU unless last. */
  function convolve(input, weight, bias, h, w, last) {
    const stride = w + 2, plane = (h + 2) * stride, inputs = input.length / plane, outputs = bias.length;
    const even = outputs + (outputs % 2), out = new Float64Array(even * plane);
    if (even > outputs) weight = Float64Array.from({ length: 9 * even * inputs }, (_, j) => weight[j] ?? 0);
    for (let o = 0; o < even; o += 2) {
      for (let y = 1; y <= h; y++) {
        const first = o * plane + y * stride + 1, second = first + plane;
        out.fill(bias[o], first, first + w);
        out.fill(bias[o + 1] ?? 0, second, second + w);
        for (let i = 0; i < inputs; i++) {
          const k = 9 * (o * inputs + i);
          row(out, first, second, input, i * plane + y * stride + 1, stride, w, weight, k, k + 9 * inputs);
        }
      }
    }
    if (!last) for (let j = 0; j < out.length; j++) if (out[j] < 0) out[j] = 0;
    return out.subarray(0, outputs * plane);
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
