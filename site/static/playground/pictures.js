"use strict";
/* From a photograph to an n x n gray picture, and from numbers to pixels. */
PnP.room("pictures", function () {
  const MEGABYTES = 40, MEGAPIXELS = 60;

  /** Decode a file or an address. Errors are one sentence: what came, what was wanted, how to fix it. */
  async function decode(source, name) {
    if (source instanceof Blob && source.size > MEGABYTES * 2 ** 20) {
      throw new Error(`${name} has ${Math.round(source.size / 2 ** 20)} MB; wanted at most ${MEGABYTES}: shrink it first.`);
    }
    const image = new Image();
    image.src = source instanceof Blob ? URL.createObjectURL(source) : source;
    try {
      await image.decode();
    } catch {
      throw new Error(`${name} is not a picture that this browser can read; wanted a JPEG, PNG or WebP file: convert it first.`);
    } finally {
      if (source instanceof Blob) URL.revokeObjectURL(image.src);
    }
    const { naturalWidth: w, naturalHeight: h } = image;
    if (w * h > MEGAPIXELS * 1e6) {
      throw new Error(`${name} has ${Math.round((w * h) / 1e6)} million pixels; wanted at most ${MEGAPIXELS}: shrink it first.`);
    }
    return { image, name };
  }

  /** The central square of a decoded picture at n x n, gray by the luma weights of ITU-R BT.601, in [0, 1]. */
  function square({ image, name }, n) {
    let side = Math.min(image.naturalWidth, image.naturalHeight);
    if (side < n) {
      throw new Error(
        `${name} is ${image.naturalWidth} x ${image.naturalHeight}; wanted ${n} or more pixels each way: ` +
          "take a larger picture or a smaller size."
      );
    }
    const left = (image.naturalWidth - side) / 2, top = (image.naturalHeight - side) / 2;
    let canvas = copy(image, left, top, side, side > 4 * n ? 4 * n : n);
    while (canvas.width > n) canvas = copy(canvas, 0, 0, canvas.width, Math.max(n, canvas.width / 2)); // halving averages
    const { data } = canvas.getContext("2d").getImageData(0, 0, n, n);
    return Float64Array.from({ length: n * n }, (_, i) => {
      return (0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2]) / 255;
    });
  }

  function copy(image, left, top, side, n) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = n;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.imageSmoothingQuality = "high";
    context.fillStyle = "white"; // under transparency
    context.fillRect(0, 0, n, n);
    context.drawImage(image, left, top, side, side, 0, 0, n, n);
    return canvas;
  }

  /** Show numbers on [0, 1] as gray pixels; NaN is black. */
  function draw(canvas, x) {
    const n = Math.sqrt(x.length), context = canvas.getContext("2d");
    if (canvas.width !== n) canvas.width = canvas.height = n;
    const pixels = context.createImageData(n, n), words = new Uint32Array(pixels.data.buffer);
    for (let i = 0; i < x.length; i++) {
      const gray = Math.round(255 * Math.min(Math.max(x[i] || 0, 0), 1));
      words[i] = 0xff000000 | (gray << 16) | (gray << 8) | gray;
    }
    context.putImageData(pixels, 0, 0);
  }

  return { decode, draw, square };
});
