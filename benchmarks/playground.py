"""How long the playground of the website takes: python benchmarks/playground.py  ->  benchmarks/results/playground.json

50 iterations of CoCo-ADMM with the suggested parameters on the page's first photograph, with each of its two denoisers, in a
headless Chromium of this machine, from the press of the button to the last picture. Chromium draws the page meanwhile. Seconds
are given by the clock, and as those of the processor in all processes of the browser together, which other programs disturb
less; how busy the machine was before is written down. The site must be built (`make book`).
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from pnp_course.provenance import provenance

ROOT = Path(__file__).resolve().parent.parent
HTML, RESULTS = ROOT / "_build" / "html", ROOT / "benchmarks" / "results" / "playground.json"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
ITERATIONS, HOUR = 50, 3_600_000  # milliseconds
SIDES = {"certified": (64, 128), "unconstrained": (64,)}  # the page shows the second at 64
STATE = "document.getElementById('playground').dataset.state"
CHOOSE = """([denoiser, size, iterations]) => {
  document.querySelector(`input[name="pg-denoiser"][value="${denoiser}"]`).checked = true;
  const $ = (name) => document.querySelector(`[data-pg="${name}"]`);
  $("iterations").value = iterations; $("size").value = size; $("size").onchange(); $("suggest").click() }"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line for each."""

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def processor_seconds(browser: Browser) -> float:
    """Of all processes of the browser together."""
    session = browser.new_browser_cdp_session()
    total = sum(process["cpuTime"] for process in session.send("SystemInfo.getProcessInfo")["processInfo"])
    session.detach()
    return float(total)


def one(browser: Browser, page: Page, address: str, denoiser: str, side: int) -> dict[str, Any]:
    """A run on a fresh page: seconds, and how it ended."""
    page.goto(address)
    page.wait_for_selector('[data-pg="counts"]:not(:empty)')
    page.evaluate(CHOOSE, [denoiser, str(side), str(ITERATIONS)])
    page.wait_for_timeout(2000)  # the photons are counted anew
    before = processor_seconds(browser)
    page.click('[data-pg="run"]')
    page.wait_for_function(f"{STATE} === 'idle'")
    used = processor_seconds(browser) - before
    clock, psnr = page.evaluate("[Number(document.getElementById('playground').dataset.seconds), PnP.last.psnr.at(-1)]")
    return {"clock_seconds": clock, "processor_seconds": round(used, 1), "psnr": round(psnr, 2)}


def measure() -> dict[str, Any]:
    """Both denoisers at their sides."""
    load = round(os.getloadavg()[0], 1)
    handler = functools.partial(Quiet, directory=str(HTML))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rows: dict[str, Any] = {}
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=FLAGS
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(HOUR)
        address = f"http://127.0.0.1:{server.server_port}/book/playground.html"
        page.goto(address)
        for denoiser, sides in SIDES.items():
            name = page.evaluate("(role) => PnP.data.denoisers[role].name", denoiser)
            rows[name] = {f"{side}x{side}": one(browser, page, address, denoiser, side) for side in sides}
            print(name, rows[name], flush=True)
        version = browser.version
        browser.close()
    server.shutdown()
    machine = {"cores": os.cpu_count(), "load_before": load, "chromium": version}
    return {"iterations": ITERATIONS, "machine": machine, "denoisers": rows, "provenance": provenance()}


if __name__ == "__main__":
    if not (HTML / "book" / "playground.html").exists():
        raise SystemExit("there is no site in _build/html: run make book first.")
    RESULTS.write_text(json.dumps(measure(), indent=1) + "\n", encoding="utf-8")
