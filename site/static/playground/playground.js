"use strict";
/* The page: controls, the worker's messages, pictures and curves. All computing is done in the worker. */
PnP.page = function () {
  const root = document.getElementById("playground"), $ = (name) => root.querySelector(`[data-pg="${name}"]`);
  const { data, pictures, theorems } = PnP, still = matchMedia("(prefers-reduced-motion: reduce)");
  const charts = {
    psnr: new PnP.charts.Chart($("psnr"), "PSNR (dB) of each iterate"),
    change: new PnP.charts.Chart($("change"), "relative change ‖xₖ − xₖ₋₁‖ / ‖xₖ‖", { log: true }),
  };
  let source = null, clean = null, observed = null, worker = null, timer = 0, wanted = 0, used = false;
  let now = { psnr: [], change: [] }, before = { psnr: [], change: [] };
  let iterated = false; // is an iterate on the right?

  const power = (name) => 10 ** Number($(name).value);
  const chosen = () => root.querySelector('input[name="pg-denoiser"]:checked').value;
  const settings = () => ({
    algorithm: $("algorithm").value, kernel: data.kernels[$("kernel").value], peak: power("peak"), seed: Number($("seed").value),
    weights: data.denoisers[chosen()], sigma: Number($("sigma").value), lam: power("lam"), t: Number($("t").value),
    iterations: Number($("iterations").value),
  });

  /** Say something that a screen reader announces, too. */
  function say(words, trouble = false) {
    $("status").textContent = words;
    $("status").classList.toggle("trouble", trouble);
  }

  const short = (value) => (value >= 10 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toPrecision(2));

  /** Show the controls' values, and which theorem covers the run. */
  function label() {
    const { peak, sigma, lam, t, algorithm, weights } = settings();
    const values = { peak: `${short(peak)} photons`, sigma: sigma.toFixed(3), lam: short(lam), t: t.toFixed(2) };
    for (const [name, words] of Object.entries(values)) {
      $(`${name}-value`).textContent = words;
      $(name).setAttribute("aria-valuetext", words);
    }
    $("t").disabled = !algorithm.startsWith("coco");
    const { covered, words } = theorems.guarantee({ algorithm, denoiser: weights, t });
    $("verdict").textContent = words;
    $("verdict").classList.toggle("covered", covered);
  }

  function split() {
    const value = Number($("split").value);
    $("compare").style.setProperty("--split", `${value}%`);
    $("split").setAttribute("aria-valuetext", `${value} % of the width shows the left picture`);
  }

  function drawLeft() {
    const original = $("left").value === "original";
    $("left-name").textContent = original ? "original" : "photon counts";
    const x = original ? clean : observed;
    if (x) pictures.draw($("over"), x);
  }

  /** Stop at once: the worker is ended, whatever it computes. */
  function stop(words) {
    worker?.terminate();
    worker = null;
    root.dataset.state = "idle";
    $("stop").disabled = true;
    if (words) say(words);
  }

  function run() {
    stop();
    clearTimeout(timer);
    if (!clean) return;
    used = true;
    iterated = false;
    if (now.psnr.length > 1) before = now;
    now = { psnr: [], change: [] };
    const task = settings(), began = performance.now();
    worker = PnP.worker("job");
    root.dataset.state = "running";
    $("stop").disabled = false;
    say(`${theorems.LONG[task.algorithm]} is running.`);
    worker.onmessage = ({ data: message }) => show(message, task, began);
    worker.onerror = (event) => stopped(`The computation failed: ${event.message}. Reload the page, please.`);
    worker.postMessage({ ...task, clean });
  }

  function stopped(words) {
    stop();
    say(words, true);
  }

  function show(message, task, began) {
    if (message.kind === "observed") {
      observed = message.x;
      drawLeft();
      if (!iterated) {
        pictures.draw($("under"), observed);
        $("right-name").textContent = "not restored yet";
      }
      $("counts").textContent = `photon counts: ${message.photons.toLocaleString("en")} photons, PSNR ${message.psnr.toFixed(2)} dB`;
    } else if (message.kind === "iterate") {
      now.psnr.push(message.psnr);
      now.change.push(message.change);
      if (!still.matches || message.k % 10 === 0 || message.k === task.iterations) paint(message);
    } else if (message.kind === "error") stopped(`The run stopped: ${message.message}`);
    else finish(message, task, began);
  }

  function paint({ x, k, psnr, change }) {
    pictures.draw($("under"), x);
    $("right-name").textContent = "restored";
    iterated = true;
    curves();
    const moved = Number.isFinite(change) ? `, relative change ${change.toExponential(1)}` : "";
    $("progress").textContent = `iteration ${k}: PSNR ${psnr.toFixed(2)} dB${moved}`;
  }

  function curves() {
    for (const name of ["psnr", "change"]) {
      charts[name].show([{ values: before[name], kind: "dashed" }, { values: now[name], kind: "solid" }]);
    }
  }

  function finish({ k, diverged }, task, began) {
    stop();
    curves();
    PnP.last = now; // for whoever wants the numbers, in the browser's console
    const seconds = ((performance.now() - began) / 1000).toFixed(1), best = Math.max(...now.psnr);
    const end = `PSNR ${now.psnr.at(-1).toFixed(2)} dB at the end, ${best.toFixed(2)} at best`;
    root.dataset.seconds = seconds;
    if (diverged) say(`Diverged: at iteration ${k} the picture is 10,000 times as large as at the beginning, or not a number.`, true);
    else say(`Done: ${k} iterations in ${seconds} s; ${end}; last relative change ${now.change.at(-1).toExponential(1)}.`);
  }

  /** Cut a decoded picture to size and show it; the observation is made anew. A picture that cannot be used changes nothing. */
  function cut(decoded) {
    try {
      clean = pictures.square(decoded, Number($("size").value));
    } catch (error) {
      stopped(error.message);
      return false;
    }
    source = decoded;
    iterated = false;
    pictures.draw($("under"), clean);
    observed = null;
    drawLeft();
    look();
    return true;
  }

  /** Show what the camera sees, without iterating. */
  function look() {
    if (!clean) return;
    stop();
    worker = PnP.worker("job");
    worker.onmessage = ({ data: message }) => {
      if (message.kind === "error") return stopped(message.message);
      show(message, { iterations: 0 }, 0);
      stop();
    };
    worker.postMessage({ ...settings(), iterations: 0, clean });
  }

  async function take(picture, name) {
    const mine = ++wanted;
    stop();
    try {
      const decoded = await pictures.decode(picture, name);
      if (mine !== wanted) return; // another one was chosen meanwhile
      if (cut(decoded)) say(`${name} is ready. Press “Restore”.`);
    } catch (error) {
      say(error.message, true);
    }
  }

  const photograph = () => take(data.photos[$("photo").value].address, $("photo").value);
  const file = (chosenFile) => chosenFile && take(chosenFile, chosenFile.name);

  /** Any change of a control: a run that was begun begins again; otherwise the observation is made anew. */
  function changed() {
    label();
    clearTimeout(timer);
    timer = setTimeout(used ? run : look, 250);
  }

  function suggest() {
    const apart = ({ peak }) => Math.abs(Math.log(peak / power("peak")));
    const { sigma, lam, t } = data.suggestions.reduce((a, b) => (apart(b) < apart(a) ? b : a));
    $("sigma").value = sigma, $("lam").value = Math.log10(lam), $("t").value = t;
    changed();
  }

  /** Set several controls at once, as the experiments below the playground do. */
  function set(values) {
    for (const [name, value] of Object.entries(values)) {
      if (name === "denoiser") root.querySelector(`input[name="pg-denoiser"][value="${value}"]`).checked = true;
      else $(name).value = ["peak", "lam"].includes(name) ? Math.log10(value) : value;
    }
    label();
    if ("size" in values && source) cut(source);
    run();
    root.scrollIntoView({ behavior: still.matches ? "auto" : "smooth" });
    $("run").focus({ preventScroll: true });
  }

  function connect() {
    for (const [name, { label: words }] of Object.entries(data.kernels)) $("kernel").add(new Option(words, name));
    for (const name of Object.keys(data.photos)) $("photo").add(new Option(name, name));
    for (const [role, d] of Object.entries(data.denoisers)) {
      $(`about-${role}`).textContent = `${d.name}, ${d.parameters.toLocaleString("en")} weights`;
    }
    $("photo").onchange = photograph;
    $("file").onchange = () => file($("file").files[0]);
    $("size").onchange = () => source && cut(source) && used && changed();
    $("left").onchange = drawLeft;
    $("split").oninput = split;
    $("run").onclick = run;
    $("stop").onclick = () => stop(`Stopped after ${now.psnr.length} iterations.`);
    $("again").onclick = () => ($("seed").value = Number($("seed").value) + 1, changed());
    $("suggest").onclick = suggest;
    for (const name of ["peak", "sigma", "lam", "t"]) $(name).oninput = changed;
    for (const name of ["kernel", "algorithm", "iterations"]) $(name).onchange = changed;
    for (const radio of root.querySelectorAll('input[name="pg-denoiser"]')) radio.onchange = changed;
    for (const button of document.querySelectorAll("button[data-experiment]")) {
      button.onclick = () => set(JSON.parse(button.dataset.experiment));
    }
    const box = $("compare"), to = (event) => {
      const { left, width } = box.getBoundingClientRect();
      $("split").value = Math.round((100 * (event.clientX - left)) / width);
      split();
    };
    box.onpointerdown = (event) => (box.setPointerCapture(event.pointerId), to(event));
    box.onpointermove = (event) => event.buttons && to(event);
    root.ondragover = (event) => (event.preventDefault(), box.classList.add("dragged"));
    root.ondragleave = () => box.classList.remove("dragged");
    root.ondrop = (event) => {
      event.preventDefault();
      box.classList.remove("dragged");
      if (event.dataTransfer.files.length) file(event.dataTransfer.files[0]);
      else say("This was not a file; wanted a picture: drop one from a folder, or choose it below.", true);
    };
  }

  connect();
  root.hidden = false;
  label();
  split();
  photograph();
};
PnP.start("playground", PnP.page);
