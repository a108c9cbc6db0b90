/* What the pages of the course do in the reader's browser; without it everything can still be read. */
(() => {
  "use strict";

  /* formulas: MathJax breaks a line that is too long, but would shred a table of lines,
     which is set a little smaller instead (below), and scrolls on a telephone */
  if (window.MathJax?.loader) {
    const holdsTable = (node) => node.isKind?.("mtable") || (node.childNodes ?? []).some((child) => child && holdsTable(child));
    MathJax.startup = {
      ready() {
        MathJax.startup.defaultReady();
        MathJax.startup.document.inputJax[0].postFilters.add(({ math, data }) => {
          if (math.display && holdsTable(data.root)) data.root.attributes.set("overflow", "scroll");
        });
      },
    };
  }

  /* formulas in a line of text: short ones are not broken, and none is parted from a bracket or a word before it */
  const SHORT = 16; /* letters and signs */
  const keepTogether = (root) => {
    for (const formula of root.querySelectorAll("span.math")) {
      formula.classList.toggle("whole", formula.querySelectorAll("mjx-c").length <= SHORT);
      formula.classList.toggle("joined", /\S$/.test(formula.previousSibling?.data ?? ""));
    }
  };

  /* sliders: a screen reader says what is shown, not the number of the frame */
  const speak = (slider) => {
    const output = slider.closest(".frame-slider")?.querySelector("output");
    if (output) slider.setAttribute("aria-valuetext", output.textContent);
  };
  document.addEventListener("input", (event) => {
    if (event.target.matches?.(".frame-slider input")) speak(event.target);
    const row = event.target.closest?.(".compare-slider");
    if (!row) return;
    row.previousElementSibling.style.setProperty("--border", `${event.target.value}%`);
    event.target.setAttribute("aria-valuetext", `${100 - event.target.value} % ${row.innerText.trim().split("\n").pop()}`);
  });

  /* boxes that scroll sideways can be reached by keyboard, and only those */
  const BOXES = ".highlight pre, .bd-article table, mjx-container[display='true'], div.math, .cell_output .output pre, .picture";
  const markBoxes = () => {
    for (const box of innerWidth < 700 ? [] : document.querySelectorAll("mjx-container[display='true']")) {
      const share = box.clientWidth / box.scrollWidth;
      if (box.scrollWidth > box.clientWidth + 1) box.style.fontSize = `${0.95 * share * (parseFloat(box.style.fontSize) || 100)}%`;
    }
    for (const box of document.querySelectorAll(BOXES)) {
      if (box.matches(".picture")) box.classList.remove("scrolls"); // with it, a picture that is not loaded yet has no width
      const scrolls = box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== "visible";
      if (scrolls) box.setAttribute("tabindex", "0");
      else box.removeAttribute("tabindex");
      box.classList.toggle("scrolls", scrolls);
      atEdges(box);
    }
  };
  /* a picture hides the ground of its box: it is told where to show the shadow */
  const atEdges = (box) => {
    if (!box.matches?.(".picture")) return;
    box.classList.toggle("at-start", box.scrollLeft < 2);
    box.classList.toggle("at-end", box.scrollLeft + box.clientWidth > box.scrollWidth - 2);
  };
  document.addEventListener("scroll", (event) => atEdges(event.target), { capture: true, passive: true });
  document.addEventListener("load", (event) => event.target.matches?.(".picture > img") && atEdges(event.target.parentElement), true);

  /* paper: everything folded is opened, black on white, and put back afterwards */
  let before = null;
  const paper = () => {
    if (before) return;
    const root = document.documentElement;
    before = { theme: root.dataset.theme, mode: root.dataset.mode, opened: [] };
    root.dataset.theme = "light";
    for (const details of document.querySelectorAll("details:not([open])")) {
      details.open = true;
      before.opened.push(details);
    }
    for (const box of document.querySelectorAll(".toggle-hidden")) {
      box.classList.remove("toggle-hidden");
      before.opened.push(box);
    }
    for (const image of document.querySelectorAll("img[loading=lazy]")) image.loading = "eager";
  };
  const screen = () => {
    if (!before) return;
    document.documentElement.dataset.theme = before.theme;
    for (const box of before.opened) {
      if (box.matches("details")) box.open = false;
      else box.classList.add("toggle-hidden");
    }
    before = null;
  };
  window.addEventListener("beforeprint", paper);
  window.addEventListener("afterprint", screen);
  matchMedia("print").addEventListener("change", (change) => (change.matches ? paper() : screen()));

  /* quizzes: choose, and be told why */
  const judge = (quiz) => {
    const chosen = quiz.querySelector("input:checked");
    for (const why of quiz.querySelectorAll(".why")) why.hidden = why.dataset.choice !== chosen?.value;
    quiz.dataset.verdict = chosen?.dataset.right ? "right" : "wrong";
  };
  document.addEventListener("change", (event) => {
    const quiz = event.target.closest?.(".quiz");
    if (quiz) judge(quiz);
  });

  /* previews: a term, a theorem or a paper is shown where it is mentioned */
  const PREVIEWED = "a.term, .bd-article a.reference.internal[href*='#']";
  const pages = new Map();
  const fetchPage = (url) => {
    if (!pages.has(url)) {
      const got = fetch(url).then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)));
      pages.set(url, got.then((text) => new DOMParser().parseFromString(text, "text/html")));
    }
    return pages.get(url);
  };
  const pieceOf = (page, id) => {
    const found = page.getElementById(id);
    if (!found) return null;
    if (found.matches("dt")) return [found, found.nextElementSibling];
    if (found.matches("div.proof, div.admonition, div.citation, figure, div.math")) return [found];
    const box = found.closest("div.proof, div.citation, dt");
    return box ? (box.matches("dt") ? [box, box.nextElementSibling] : [box]) : null;
  };
  const card = document.createElement("div");
  card.className = "preview";
  card.id = "preview";
  card.setAttribute("role", "tooltip");
  card.hidden = true;
  let wanted = null;
  let timer = 0;
  const hide = () => {
    clearTimeout(timer);
    wanted?.removeAttribute("aria-describedby");
    wanted = null;
    card.hidden = true;
  };
  const typeset = async () => {
    if (!card.querySelector(".math")) return;
    if (!window.MathJax?.typesetPromise) return;
    MathJax.typesetClear?.([card]);
    await MathJax.typesetPromise([card]);
    keepTogether(card);
  };
  const show = async (link) => {
    const url = new URL(link.href);
    const here = url.pathname === location.pathname;
    try {
      const page = here ? document : await fetchPage(url.pathname);
      const piece = pieceOf(page, decodeURIComponent(url.hash.slice(1)));
      if (!piece || wanted !== link) return;
      card.replaceChildren(...piece.filter(Boolean).map((node) => document.importNode(node, true)));
    } catch {
      return; /* a page read from a folder cannot fetch others: then there are no previews */
    }
    for (const node of card.querySelectorAll("[id]")) node.removeAttribute("id");
    for (const node of card.querySelectorAll(".headerlink, mjx-container")) {
      if (node.matches(".headerlink")) node.remove();
    }
    card.hidden = false;
    await typeset();
    if (wanted !== link) return;
    link.setAttribute("aria-describedby", "preview");
    const spot = link.getBoundingClientRect();
    const left = Math.max(8, Math.min(spot.left, innerWidth - card.offsetWidth - 8));
    const above = spot.bottom + card.offsetHeight + 12 > innerHeight && spot.top > card.offsetHeight + 12;
    card.style.left = `${left + scrollX}px`;
    card.style.top = `${(above ? spot.top - card.offsetHeight - 6 : spot.bottom + 6) + scrollY}px`;
  };
  const ask = (event) => {
    const link = event.target.closest?.(PREVIEWED);
    if (!link || link.closest(".preview") || link.classList.contains("headerlink")) return;
    hide();
    wanted = link;
    timer = setTimeout(() => show(link), event.type === "focusin" ? 0 : 250);
  };
  const leave = (event) => {
    if (wanted && !card.contains(event.relatedTarget) && event.relatedTarget !== wanted) hide();
  };

  /* the search shows lines of pages: formulas in them as one would type them, not as their source */
  const SIGNS = {
    lambda: "λ", gamma: "γ", sigma: "σ", delta: "δ", alpha: "α", beta: "β", mu: "μ", nu: "ν", tau: "τ", phi: "φ", varphi: "φ", psi: "ψ",
    kappa: "κ", theta: "θ", chi: "χ", rho: "ρ", ell: "ℓ", eta: "η", epsilon: "ε", varepsilon: "ε", Lambda: "Λ", Omega: "Ω",
    le: "≤", ge: "≥", ne: "≠", lVert: "‖", rVert: "‖", langle: "⟨", rangle: "⟩", nabla: "∇", partial: "∂", infty: "∞", in: "∈",
    to: "→", cdot: "·", times: "×", sum: "∑", prod: "∏", int: "∫", circ: "∘", iff: "⇔", sqrt: "√", pm: "±", sim: "∼", prox: "prox",
    log: "log", min: "min", max: "max", sup: "sup", inf: "inf", arg: "arg", mathsf: "",
  };
  const spoken = (source) =>
    source
      .replace(/\\[()[\]]|[$&]|\\\\/g, " ")
      .replace(/\\(begin|end)\{\w+\*?\}/g, " ")
      .replace(/\\([A-Za-z]+)/g, (_, name) => SIGNS[name] ?? "")
      .replace(/\\./g, " ")
      .replace(/[{}]/g, "");
  const cleanSearch = () => {
    if (typeof Search === "undefined" || !Search.htmlToText) return;
    const plainly = Search.htmlToText;
    Search.htmlToText = (page, anchor) => {
      const parsed = new DOMParser().parseFromString(page, "text/html");
      for (const formula of parsed.querySelectorAll(".math")) formula.textContent = spoken(formula.textContent);
      return plainly(parsed.documentElement.outerHTML, anchor);
    };
  };

  document.addEventListener("DOMContentLoaded", () => {
    cleanSearch();
    document.querySelectorAll(".quiz").forEach(judge);
    document.body.append(card);
    for (const slider of document.querySelectorAll(".frame-slider input")) speak(slider);
    document.addEventListener("mouseover", ask);
    document.addEventListener("focusin", ask);
    document.addEventListener("mouseout", leave);
    document.addEventListener("focusout", leave);
    document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
    const whenSet = window.MathJax?.startup?.promise ?? Promise.resolve();
    whenSet.then(() => keepTogether(document)).then(markBoxes);
    window.addEventListener("load", () => (window.MathJax?.startup?.promise ?? Promise.resolve()).then(markBoxes));
    window.addEventListener("resize", markBoxes);
    document.addEventListener("toggle", markBoxes, true);
  });
})();
