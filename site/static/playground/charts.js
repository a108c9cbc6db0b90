"use strict";
/* A line chart in SVG: the current run, and the run before it for comparison. Colours come from the style sheet. */
PnP.room("charts", function () {
  const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [340, 182, 44, 14, 34, 26];
  const NAMESPACE = "http://www.w3.org/2000/svg";

  function element(name, attributes, text) {
    const made = document.createElementNS(NAMESPACE, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  /** Round numbers between low and high, about five. */
  function ticks(low, high) {
    const raw = (high - low) / 4, power = 10 ** Math.floor(Math.log10(raw));
    const step = power * [1, 2, 5, 10].find((m) => m * power >= raw);
    const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
    return Array.from({ length: last - first + 1 }, (_, i) => +((first + i) * step).toPrecision(12));
  }

  class Chart {
    /** place: an svg element. title: what the lines show. log: are the values on a logarithmic axis? */
    constructor(place, title, { log = false, floor = 1e-9 } = {}) {
      Object.assign(this, { place, title, log, floor, lines: [] });
      place.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
      place.setAttribute("role", "img");
      this.show([]);
    }

    /** lines: [{ values, kind }], kind is a class of the style sheet; values[0] belongs to iteration 1. */
    show(lines) {
      const { place, log } = this;
      const scale = (value) => (log ? Math.log10(Math.max(value, this.floor)) : value);
      const shown = lines.map(({ values, kind }) => ({ kind, points: values.map(scale) }));
      const all = shown.flatMap((line) => line.points.filter(Number.isFinite));
      let low = Math.min(...all), high = Math.max(...all);
      if (!all.length) [low, high] = log ? [-4, 0] : [15, 30];
      if (high - low < (log ? 1 : 0.5)) [low, high] = [low - (log ? 0.5 : 0.25), high + (log ? 0.5 : 0.25)];
      const count = Math.max(10, ...shown.map((line) => line.points.length));
      const x = (k) => LEFT + ((k - 1) / (count - 1)) * (WIDTH - LEFT - RIGHT);
      const y = (value) => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM);
      const parts = [element("text", { x: 2, y: 13, class: "title" }, this.title)];
      const levels = log ? ticks(low, high).filter(Number.isInteger) : ticks(low, high);
      for (const v of levels) {
        parts.push(element("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(v), y2: y(v), class: "grid" }));
        const label = element("text", { x: LEFT - 5, y: y(v) + 4, "text-anchor": "end" }, log ? "10" : String(v));
        if (log) label.append(element("tspan", { dy: -5, "font-size": "75%" }, String(v).replace("-", "−")));
        parts.push(label);
      }
      for (const k of ticks(1, count).filter((k) => k >= 1 && Number.isInteger(k))) {
        parts.push(element("text", { x: x(k), y: HEIGHT - 10, "text-anchor": "middle" }, String(k)));
      }
      for (const { kind, points } of shown) {
        const path = points.map((v, i) => (Number.isFinite(v) ? `${x(i + 1).toFixed(1)},${y(v).toFixed(1)}` : "")).filter(Boolean);
        parts.push(element("polyline", { points: path.join(" "), class: kind }));
      }
      place.replaceChildren(...parts);
      place.setAttribute("aria-label", `${this.title}: ${this.describe(lines)}`);
    }

    /** The curves in words, for those who do not see them. */
    describe(lines) {
      if (!lines.some((line) => line.values.length)) return "no values yet";
      const say = (v) => (this.log ? v.toExponential(1) : v.toFixed(2));
      return lines
        .filter((line) => line.values.some(Number.isFinite))
        .map(({ values, kind }) => {
          const real = values.filter(Number.isFinite);
          return `${kind} line from ${say(real[0])} to ${say(real.at(-1))} in ${values.length} iterations`;
        })
        .join("; ");
    }
  }

  return { Chart };
});
