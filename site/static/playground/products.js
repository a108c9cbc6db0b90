"use strict";
/* Products of a matrix with lines of numbers, where the denoisers spend their time: assembled, two numbers at a time, where the
   browser has SIMD, and in JavaScript elsewhere; both add in the same order. */
PnP.room("products", function (PnP) {
  const PAGE = 65536, LINE = 16; // bytes: of a page of WebAssembly's memory, and of what a pair of numbers starts at

  /** Arrays of doubles in one memory, all 0, where the assembled product reads and writes. A call makes them all. */
  class Workspace {
    constructor(lengths) {
      const starts = [];
      let bytes = 0;
      for (const length of lengths) starts.push(bytes), (bytes += Math.ceil((8 * length) / LINE) * LINE);
      const memory = assembled() && new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) });
      const buffer = memory ? memory.buffer : new ArrayBuffer(bytes);
      this.arrays = lengths.map((length, i) => new Float64Array(buffer, starts[i], length));
      this.product = memory && new WebAssembly.Instance(assembled(), { page: { memory } }).exports.multiply;
    }

    /** out = M in, all of them parts of this workspace's arrays: `input` and `out` hold a line of n numbers for each column
        and each row of M, `values` its numbers, row after row. The rows are a multiple of 4, and n is. */
    multiply(values, rows, columns, input, out, n) {
      if (!this.product) return inScript(values, rows, columns, input, out, n);
      this.product(values.byteOffset, rows, columns, input.byteOffset, out.byteOffset, n);
    }
  }

  let kept;
  /** The assembled product, or null where the browser cannot run it. */
  function assembled() {
    if (kept !== undefined) return kept;
    try {
      kept = new WebAssembly.Module(Uint8Array.from(atob(PnP.assembled.multiply), (letter) => letter.charCodeAt(0)));
    } catch {
      kept = null; // no WebAssembly, or none with SIMD, or the page may not compile
    }
    return kept;
  }

  function inScript(values, rows, columns, input, out, n) {
    out.fill(0, 0, rows * n);
    for (let r = 0; r < rows; r += 4) {
      const u = r * n, v = u + n, w = v + n, x = w + n;
      for (let j = 0; j < columns; j++) {
        const k = r * columns + j, a = values[k], b = values[k + columns], c = values[k + 2 * columns];
        const d = values[k + 3 * columns], from = j * n;
        for (let i = 0; i < n; i++) {
          const p = input[from + i];
          out[u + i] += a * p, out[v + i] += b * p, out[w + i] += c * p, out[x + i] += d * p;
        }
      }
    }
  }

  return { Workspace, inScript };
});
