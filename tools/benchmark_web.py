"""Sections of the benchmarks page that were measured in a browser: the playground, and the website itself."""

from __future__ import annotations

from benchmark_tables import Row, measured, table


def playground(r: Row) -> list[str]:
    """A run of the playground."""
    rows = [
        [f"`{name}`", side.replace("x", "×"), at["processor_seconds"], at["clock_seconds"], at["psnr"]]
        for name, sides in r["denoisers"].items()
        for side, at in sides.items()
    ]
    machine = r["machine"]
    busy = (
        f"other programs were running (load {machine['load_before']:g}), which the clock shows"
        if machine["load_before"] > 0.3
        else "nothing else was running"
    )
    head = [f"{r['iterations']} iterations", "size", "processor (s)", "clock (s)", "PSNR at the end (dB)"]
    return [
        "## The playground", "",
        f"CoCo-ADMM with the suggested parameters in the [playground](playground.md), in Chromium {machine['chromium']}, which "
        f"draws each iterate meanwhile. On the machine, of {machine['cores']} cores, {busy}; seconds of the processor are those "
        "of all processes of the browser.", "",
        *table(head, rows), "", measured(r, "playground.py"), "",
    ]  # fmt: skip


def website(r: Row) -> list[str]:
    """First paint on a slow line, and bytes."""
    line, machine, site = r["line"], r["machine"], r["site"]
    name = {path: f"[{path.removesuffix('.html')}](/{source(path)})" for path in {*r["first_paint"], *r["weights"]}}
    paints = [[name[path], at["median_ms"], at["worst_ms"]] for path, at in r["first_paint"].items()]
    weights = [
        [name[path], f"{at['loaded_bytes'] / 1e6:.2f}", f"{at['scrolled_bytes'] / 1e6:.2f}"]
        for path, at in r["weights"].items()
    ]
    mbit, load = line["downloadThroughput"] * 8 / 1e6, machine["load_before"]
    busy = f"other programs were running (load {load:g})" if load > 0.3 else "nothing else was running"
    return [
        "## This website", "",
        f"The first paint with an empty cache over a line of {mbit:g} Mbit/s and {line['latency']} ms for a round trip, in "
        f"Chromium {machine['chromium']}'s own emulation; {r['rounds']} visits. On the machine, of {machine['cores']} cores, "
        f"{busy}.",
        "", *table(["page", "first paint, median (ms)", "worst (ms)"], paints), "",
        "The bytes that are sent for the first page and for those whose files are largest, with text compressed as the hosts of "
        "static sites do.", "",
        *table(["page", "loaded (MB)", "with all pictures (MB)"], weights), "",
        f"The whole site has {site['pages']} pages and {site['files']} files, {site['bytes'] / 1e6:.1f} MB on the disk.", "",
        measured(r, "site.py"), "",
    ]  # fmt: skip


def classroom(r: Row) -> list[str]:
    """Sizes and seconds of the kit."""
    sizes, seconds, load = r["sizes_mb"], r["seconds"], r["machine"]["load_before"]
    busy = f"other programs were running (load {load:g})" if load > 0.3 else "nothing else was running"
    parts = f"{r['wheels']} wheels {sizes['wheels']:.0f} and the website {sizes['site']:.0f}"
    rows = [
        ["to pack it", f"{sizes['kit']:.0f}, of which {parts}", seconds["pack"]],
        ["`python install.py`", f"{sizes['environment']:.0f} in `.venv`", seconds["install"]],
        ["`python -m pnp_course demo`, first run", None, seconds["demo"]],
        ["the students' notebook 00, run as it is", None, seconds["notebook"]],
    ]  # fmt: skip
    return [
        "## The classroom kit", "",
        "The [kit for a room without a network](teaching.md#without-a-network), made with torch's CPU build for Linux and Python "
        f"{r['python']}, unpacked, and installed without an index. On the machine, of {r['machine']['cores']} cores, {busy}.", "",
        *table(["step", "MB", "seconds"], rows), "", measured(r, "kit.py"), "",
    ]  # fmt: skip


def source(path: str) -> str:
    """The file from which a page is made."""
    return path.replace(".html", ".ipynb" if path.startswith("notebooks/") else ".md")
