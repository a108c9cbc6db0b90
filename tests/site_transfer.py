"""What a page of the built website costs a visitor: bytes that are sent, and the first paint on a slow line."""

import re

from site_visit import HTML

# Chromium's own throttling: 1.6 Mbit/s down, 0.75 Mbit/s up, 150 ms for each round trip
SLOW_LINE = {
    "offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8,
}  # fmt: skip
SCROLLED = """async () => {
  const pictures = [...document.querySelectorAll('article img')].filter(i => i.getClientRects().length);
  for (const i of pictures) i.loading = 'eager';
  await Promise.all(pictures.map(i => i.decode().catch(() => 0))) }"""


def opened(browser):
    """A page with an empty cache, and Chromium's own record of its network."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    return context, page, line


def first_paint(browser, address, path):
    """Milliseconds from the request to the first text or picture, on a slow line and with an empty cache."""
    context, page, line = opened(browser)
    line.send("Network.emulateNetworkConditions", SLOW_LINE)
    page.goto(address + path, wait_until="load")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    context.close()
    return paint


def weight(browser, address, path):
    """Bytes that were sent until the page was loaded, and until every picture of it had been scrolled to."""
    context, page, line = opened(browser)
    sent = []
    line.on("Network.loadingFinished", lambda answer: sent.append(answer["encodedDataLength"]))
    page.goto(address + path, wait_until="networkidle")
    loaded = sum(sent)
    page.evaluate(SCROLLED)
    page.wait_for_load_state("networkidle")
    context.close()
    return round(loaded), round(sum(sent))


def files_of(path):
    """Bytes of a page's HTML and of its pictures on the disk: tells large pages from small ones without a browser."""
    text = (HTML / path).read_text(encoding="utf-8")
    pictures = {((HTML / path).parent / name).resolve() for name in re.findall(r'<img\b[^>]*\bsrc="([^":]+)"', text)}
    return len(text.encode()) + sum(picture.stat().st_size for picture in pictures if picture.exists())
