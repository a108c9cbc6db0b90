"use strict";
/* The field explorer: seven handles to drag, three panels, the moves of three loops. */
PnP.fieldPage = function () {
  const root = document.getElementById("field"), $ = (name) => root.querySelector(`[data-pg="${name}"]`);
  const { displacement, helmholtz, loop, push, sample, swirl } = PnP.field;
  const PANELS = { full: "solid", conservative: "dashed", hamiltonian: "dotted" }, COUNT = 200, SIZE = 300;
  const SHAPES = [[0.004, 0, 0.004], [0.008, 0.003, 0.004]], WEIGHTS = [1, 0.8]; // the two bumps of notebook 07
  const START = {
    bump1: [0.3, 0.35], bump2: [0.72, 0.6], centre: [0.3, 0.35], from: [0.5, 0.8], to: [0.5, 0.8], start: [0.62, 0.2], data: [0.5, 0.5],
  };
  const NAMES = {
    bump1: "first bump of the prior", bump2: "second bump of the prior", centre: "centre of the swirl", from: "foot of the push",
    to: "tip of the push", start: "start of the loop", data: "the data y",
  };
  const chart = new PnP.charts.Chart($("moves"), "length of the k-th move", { log: true, floor: 1e-16 });
  let places = structuredClone(START), frame = 0;

  const NAMESPACE = "http://www.w3.org/2000/svg";
  const element = (name, attributes) => {
    const made = document.createElementNS(NAMESPACE, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const at = ([x, y]) => [x * SIZE, (1 - y) * SIZE];
  const value = (name) => Number($(name).value);

  function arrows(field, scale) {
    const [first, second] = field.grid(), { n } = field, ways = [];
    for (let i = 2; i < n; i += 4) {
      for (let j = 2; j < n; j += 4) {
        const v = [first[i * n + j] * scale, second[i * n + j] * scale], [x, y] = at([i / n, j / n]);
        const [dx, dy] = [v[0] * SIZE, -v[1] * SIZE], size = Math.hypot(dx, dy);
        if (size < 0.4) continue;
        const [hx, hy] = [(0.35 * dx), (0.35 * dy)];
        ways.push(`M${x.toFixed(1)} ${y.toFixed(1)}l${dx.toFixed(1)} ${dy.toFixed(1)}` +
          `m${(-hx - hy / 2).toFixed(1)} ${(-hy + hx / 2).toFixed(1)}l${(hx + hy / 2).toFixed(1)} ${(hy - hx / 2).toFixed(1)}` +
          `l${(-hx + hy / 2).toFixed(1)} ${(-hy - hx / 2).toFixed(1)}`);
      }
    }
    return element("path", { d: ways.join(""), class: "arrows" });
  }

  const star = ([x, y]) => {
    const points = Array.from({ length: 10 }, (_, k) => {
      const r = k % 2 ? 4 : 9, angle = (Math.PI * k) / 5;
      return `${(x + r * Math.sin(angle)).toFixed(1)},${(y - r * Math.cos(angle)).toFixed(1)}`;
    });
    return element("polygon", { points: points.join(" "), class: "star" });
  };

  function draw() {
    frame = 0;
    const bumps = ["bump1", "bump2"].map((name, k) => ({ mean: places[name], covariance: SHAPES[k], weight: WEIGHTS[k] }));
    const fields = [displacement(bumps, value("sigma")), swirl(places.centre, value("turn")), push(places.from, places.to)];
    const parts = helmholtz(sample(fields)), lam = value("lam");
    const longest = Math.max(...parts.full.grid().map((v) => v.reduce((m, a) => Math.max(m, Math.abs(a)), 0)), 1e-9);
    const paths = {}, moves = {};
    for (const [name, kind] of Object.entries(PANELS)) {
      const path = (paths[name] = loop(parts[name], places.start, places.data, lam, COUNT));
      moves[name] = path.slice(1).map((p, k) => Math.hypot(p[0] - path[k][0], p[1] - path[k][1]));
      const points = path.map((p) => at(p).map((c) => c.toFixed(1)).join(",")).join(" ");
      const [ex, ey] = at(path.at(-1)), [sx, sy] = at(places.start), [dx, dy] = at(places.data);
      $(name).replaceChildren(
        arrows(parts[name], 0.06 / longest), element("polyline", { points, class: `path ${kind}` }),
        ...path.map(at).map(([cx, cy]) => element("circle", { cx, cy, r: 1.8, class: `dot ${kind}` })),
        star(at(places.bump1)), star(at(places.bump2)),
        element("rect", { x: dx - 5, y: dy - 5, width: 10, height: 10, class: "data" }),
        element("circle", { cx: sx, cy: sy, r: 6, class: "begin" }), element("circle", { cx: ex, cy: ey, r: 5, class: `end ${kind}` }),
      );
    }
    const [fx, fy] = at(places.from), [tx, ty] = at(places.to);
    $("full").append(element("line", { x1: fx, y1: fy, x2: tx, y2: ty, class: "push" }));
    place();
    chart.show(Object.entries(PANELS).map(([name, kind]) => ({ values: moves[name], kind })));
    describe(parts, moves);
  }

  function describe(parts, moves) {
    const total = parts.full.energy, share = (name) => `${Math.round((100 * parts[name].energy) / total)} %`;
    const end = (name) => {
      const last = Math.max(...moves[name].slice(-20));
      return last < 1e-6 ? "settles" : `still moves by ${last.toPrecision(2)}`;
    };
    $("status").textContent =
      `Of the energy of V, ${share("conservative")} is in the conservative part, ${share("hamiltonian")} in the Hamiltonian part. ` +
      `After ${COUNT} iterations the loop with V ${end("full")}, with the conservative part alone it ${end("conservative")}, ` +
      `with the Hamiltonian part alone it ${end("hamiltonian")}.`;
    Object.assign(root.dataset, { full: end("full"), conservative: end("conservative"), hamiltonian: end("hamiltonian") });
  }

  /** Put the handles where their points are, and say so. */
  function place() {
    for (const [name, [x, y]] of Object.entries(places)) {
      const handle = $(name);
      Object.assign(handle.style, { left: `${100 * x}%`, top: `${100 * (1 - y)}%` });
      handle.setAttribute("aria-label", `${NAMES[name]}, at ${x.toFixed(2)}, ${y.toFixed(2)}: drag it, or move it with the arrow keys`);
    }
  }

  function label() {
    for (const name of ["turn", "sigma", "lam"]) {
      $(`${name}-value`).textContent = value(name).toFixed(2);
      $(name).setAttribute("aria-valuetext", value(name).toFixed(2));
    }
  }

  /** Draw once before the next repaint, however many events there were. */
  function later() {
    label();
    frame ||= requestAnimationFrame(draw);
  }

  function move(name, [x, y]) {
    const inside = (v) => Math.min(Math.max(v, 0.02), 0.98), before = places[name];
    places[name] = [inside(x), inside(y)];
    if (name === "from") { // the tip travels with the foot
      places.to = places.to.map((v, a) => inside(v + places.from[a] - before[a]));
    }
    later();
  }

  function connect() {
    const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    for (const name of Object.keys(START)) {
      const handle = $(name);
      handle.title = NAMES[name];
      handle.onpointerdown = (event) => handle.setPointerCapture(event.pointerId);
      handle.onpointermove = (event) => {
        if (!event.buttons) return;
        const { left, top, width, height } = $("full").getBoundingClientRect();
        move(name, [(event.clientX - left) / width, 1 - (event.clientY - top) / height]);
      };
      handle.onkeydown = (event) => {
        const way = KEYS[event.key];
        if (!way) return;
        event.preventDefault();
        const step = event.shiftKey ? 0.05 : 0.01;
        move(name, places[name].map((v, a) => v + step * way[a]));
      };
    }
    for (const name of ["turn", "sigma", "lam"]) $(name).oninput = later;
    $("reset").onclick = () => set({});
    for (const button of document.querySelectorAll("button[data-field]")) {
      button.onclick = () => {
        set(JSON.parse(button.dataset.field));
        const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
        root.scrollIntoView({ behavior: still ? "auto" : "smooth" });
      };
    }
  }

  /** The first state of the page, changed by { points: name -> place } and by values of sliders. */
  function set({ points = {}, ...sliders }) {
    places = { ...structuredClone(START), ...points };
    for (const name of ["turn", "sigma", "lam"]) $(name).value = sliders[name] ?? $(name).defaultValue;
    later();
  }

  connect();
  root.hidden = false;
  set({});
};
PnP.start("field", PnP.fieldPage);
