"""What the website costs a visitor: python benchmarks/site.py  ->  benchmarks/results/site.json

The built site (`make book`) is served on this machine as the hosts of static sites serve it, with text compressed. Of the first
page, the first paint over a slow line, in Chromium's own emulation of it, with an empty cache each time; of the first page
and of those whose files are largest, the bytes that are sent, until the page is loaded, and until all its pictures have been
scrolled to.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from pnp_course.provenance import provenance

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "site.json"
sys.path.insert(0, str(ROOT / "tests"))
from site_transfer import SLOW_LINE, files_of, first_paint, weight  # noqa: E402
from site_visit import CHROMIUM, FLAGS, HTML, PAGES, Zipped, serve  # noqa: E402

FIRST, ROUNDS, LARGEST = "book/intro.html", 9, 5
PAINTED = [FIRST, "notebooks/00_restore_a_photograph.html", "book/theory/coco.html", "book/playground.html"]


def measure() -> dict[str, Any]:
    """Paints and weights."""
    load = round(os.getloadavg()[0], 1)
    server, address = serve(Zipped)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        paints = {}
        for path in PAINTED:
            times = [first_paint(browser, address, path) for _ in range(ROUNDS)]
            paints[path] = {"median_ms": round(statistics.median(times)), "worst_ms": round(max(times))}
            print(path, paints[path], flush=True)
        weights = {}
        for path in [FIRST, *sorted(set(PAGES) - {FIRST}, key=files_of)[-LARGEST:]]:
            loaded, scrolled = weight(browser, address, path)
            weights[path] = {"loaded_bytes": loaded, "scrolled_bytes": scrolled}
            print(path, weights[path], flush=True)
        version = browser.version
        browser.close()
    server.shutdown()
    files = [p for p in HTML.rglob("*") if p.is_file()]
    return {
        "line": SLOW_LINE, "rounds": ROUNDS, "first": FIRST, "first_paint": paints, "weights": weights,
        "site": {"files": len(files), "pages": len(PAGES), "bytes": sum(p.stat().st_size for p in files)},
        "machine": {"cores": os.cpu_count(), "load_before": load, "chromium": version}, "provenance": provenance(),
    }  # fmt: skip


if __name__ == "__main__":
    if not (HTML / FIRST).exists():
        raise SystemExit("there is no site in _build/html: run make book first.")
    RESULTS.write_text(json.dumps(measure(), indent=1) + "\n", encoding="utf-8")
