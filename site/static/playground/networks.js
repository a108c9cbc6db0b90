"use strict";
/* DnCNN and FFDNet, plain stacks of convolutions for gray pictures, as in pnp_course/denoisers/dncnn.py. */
PnP.room("networks", function (PnP) {
  /** 3 x 3 convolution of planes with a border of zeros, (h + 2) x (w + 2) each, all in one array; ReLU unless last. A row of
      all output planes is one product, of the weights with the nine moved rows of each input plane. */
  class Convolution {
    constructor({ weight, bias }, w) {
      const outputs = bias.length, columns = weight.length / outputs, rows = 4 * Math.ceil(outputs / 4);
      const line = 4 * Math.ceil(w / 4) + 4; // not a power of two: such lines would push each other out of the cache
      this.space = new PnP.products.Workspace([rows * columns, columns * line, rows * line]);
      this.space.arrays[0].set(weight);
      Object.assign(this, { bias, w, rows, columns, line });
    }

    apply(input, h, last) {
      const { bias, w, rows, columns, line, space } = this, [weight, moved, result] = space.arrays;
      const stride = w + 2, plane = (h + 2) * stride, out = new Float64Array(bias.length * plane);
      for (let y = 1; y <= h; y++) {
        for (let c = 0; c < columns; c++) {
          const tap = c % 9, from = Math.floor(c / 9) * plane + (y - 1 + Math.floor(tap / 3)) * stride + (tap % 3);
          for (let j = 0; j < w; j++) moved[c * line + j] = input[from + j];
        }
        space.multiply(weight, rows, columns, moved, result, line);
        for (let o = 0; o < bias.length; o++) {
          const to = o * plane + y * stride + 1, from = o * line, shift = bias[o];
          for (let j = 0; j < w; j++) {
            const value = result[from + j] + shift;
            out[to + j] = last || value > 0 ? value : 0;
          }
        }
      }
      return out;
    }
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
      if (this.side !== h) this.side = h, this.convolutions = this.layers.map((layer) => new Convolution(layer, h));
      return this.convolutions.reduce((p, layer, k) => layer.apply(p, h, k === this.layers.length - 1), planes);
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
