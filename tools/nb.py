"""Notebooks: notebooks/src/NN_name.py (py:percent) is the source, notebooks/NN_name.ipynb is built from it.

python tools/nb.py build [NN_name ...]   execute the sources (all, or those named) into notebooks with outputs
python tools/nb.py text [NN_name ...]    put changed Markdown into built notebooks, where the code is the same
python tools/nb.py check                 each pair agrees, is executed, is clean, and states the computed minutes;
                                         exit code 1 and one line for each fault
python tools/nb.py minutes [--write]     minutes that each notebook takes a reader (tools/reading.py), core and full;
                                         or write them into the heads, the notebooks and the plan in book/intro.md
python tools/nb.py student               notebooks without outputs and solutions, zipped, in _build/student/
python tools/nb.py work                  the same as files in my_notebooks/; those that are there are left as they are
python tools/nb.py time [--write]        seconds of each notebook and of its slowest cell in the last `make test`;
                                         exit code 1 if one took longer than it should on an idle machine; or keep
                                         them in notebooks/seconds.json, from which the book's page of timings is made
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import cell_times
import jupytext
import nbformat
import reading
import student
from course import CELL_SECONDS, REPORT, WORK

ROOT = Path(__file__).resolve().parent.parent
SOURCES, NOTEBOOKS = ROOT / "notebooks" / "src", ROOT / "notebooks"
PLAN = ROOT / "book" / "intro.md"
CORE_MINUTES = 90
STUDENT_ZIP = "pnp_course_notebooks.zip"
JPEG_FROM_BYTES = 100_000
MAX_LINES, MAX_MB, MAX_TOTAL_MB = 25, 2.0, 25.0
LANGUAGE = {"name": "python"}
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def code_hash(notebook: nbformat.NotebookNode) -> str:
    """SHA-256 over all code cells; it is stored when they are executed, so that old outputs are noticed."""
    code = "\0".join(c.source for c in notebook.cells if c.cell_type == "code")
    return hashlib.sha256(code.encode()).hexdigest()


def read_source(path: Path) -> nbformat.NotebookNode:
    """The notebook a source describes, with cell ids that depend on nothing but the source."""
    notebook = jupytext.read(path)
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": LANGUAGE})
    for i, cell in enumerate(notebook.cells):
        cell.id = hashlib.sha256(f"{i}{cell.source}".encode()).hexdigest()[:8]
    return notebook


def poll_in_short_steps() -> None:
    """Wait for replies in short polls: in a long one nbclient can miss the reply of a cell that uses widgets."""
    from queue import Empty

    from jupyter_client.channels import AsyncZMQSocketChannel

    async def get_msg(self, timeout=None):  # type: ignore[no-untyped-def]
        end = None if timeout is None else monotonic() + timeout
        while True:
            step = 0.25 if end is None else min(0.25, max(end - monotonic(), 0))
            if await self.socket.poll(step * 1000):
                return await self._recv()
            if end is not None and monotonic() >= end:
                raise Empty

    AsyncZMQSocketChannel.get_msg = get_msg  # type: ignore[method-assign]


# What runs in the kernel before a notebook, and is no part of it: figures get twice the pixels, for sharp screens, and
# say whether they hold a photograph or another picture made of pixels.
SHARP = """
from IPython import get_ipython
from IPython.core import pylabtools
from matplotlib.collections import QuadMesh
from matplotlib.image import _ImageBase
from matplotlib_inline.config import InlineBackend

def sharp(figure, base64=False, of=pylabtools.retina_figure, **options):
    made = of(figure, base64=base64, **options)
    pixels = figure.findobj(lambda artist: isinstance(artist, (_ImageBase, QuadMesh)))
    return made and (made[0], {**made[1], "pixels": bool(pixels)})

pylabtools.retina_figure = sharp
InlineBackend.instance(parent=get_ipython()).figure_formats = {"retina"}
"""


def lighten(notebook: nbformat.NotebookNode) -> None:
    """Store drawings with a palette, which loses nothing that one sees, and heavy photographs as JPEG.

    A drawing is a figure without a picture made of pixels; the website draws it in other colours in the dark.
    """
    from PIL import Image

    for output in (o for c in notebook.cells if c.cell_type == "code" for o in c.outputs if "data" in o):
        png = base64.b64decode(output.data.get("image/png", ""))
        if not png:
            continue
        shown = output.metadata.get("image/png", {})
        picture, buffer = Image.open(io.BytesIO(png)), io.BytesIO()
        dpi = picture.info.get("dpi", (72, 72))
        flat = Image.new("RGB", picture.size, "white")
        flat.paste(picture, mask=picture.getchannel("A") if picture.mode == "RGBA" else None)
        if not shown.pop("pixels", True):
            flat.quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True, dpi=dpi)
            output.data["image/png"] = base64.b64encode(buffer.getvalue()).decode()
        elif len(png) > JPEG_FROM_BYTES:
            flat.save(buffer, "JPEG", quality=82, dpi=dpi)
            if buffer.tell() < len(png) / 2:
                del output.data["image/png"]
                output.data["image/jpeg"] = base64.b64encode(buffer.getvalue()).decode()
                output.metadata["image/jpeg"] = output.metadata.pop("image/png", {})


def build(names: list[str]) -> int:
    """Execute each source top to bottom in a new kernel; a notebook is written only if all its cells ran."""
    from nbclient import NotebookClient

    poll_in_short_steps()
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ["OMP_NUM_THREADS"] = "1"  # as in the test, since the last digits may depend on the number of threads
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # whatever backend the caller has
    for source in sorted(SOURCES.glob("*.py")):
        if names and source.stem not in names:
            continue
        print(f"building {source.stem}", flush=True)
        notebook, began = read_source(source), monotonic()
        notebook.cells.insert(0, nbformat.v4.new_code_cell(SHARP))
        NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(NOTEBOOKS)}},
        ).execute()
        del notebook.cells[0]
        for cell in (c for c in notebook.cells if c.cell_type == "code"):
            cell.execution_count -= 1
            for output in (o for o in cell.outputs if o.output_type == "execute_result"):
                output.execution_count = cell.execution_count
        lighten(notebook)
        notebook.metadata["language_info"] = nbformat.from_dict(LANGUAGE)
        notebook.metadata["executed_code_sha256"] = code_hash(notebook)
        target = NOTEBOOKS / f"{source.stem}.ipynb"
        part = target.with_suffix(".part")
        nbformat.write(notebook, part)
        os.replace(part, target)
        print(f"built in {monotonic() - began:.0f} s", flush=True)
    return 0


def text(names: list[str]) -> int:
    """Put the Markdown of the sources into the built notebooks; outputs stay, and belong to the same code."""
    left = 0
    for source in sorted(SOURCES.glob("*.py")):
        target = NOTEBOOKS / f"{source.stem}.ipynb"
        if (names and source.stem not in names) or not target.exists():
            continue
        want, got = read_source(source), nbformat.read(target, as_version=4)
        if got.metadata.get("executed_code_sha256") != code_hash(want):
            print(f"nb: the code of {source.stem} has changed: build it.", file=sys.stderr)
            left = 1
            continue
        done = iter([c for c in got.cells if c.cell_type == "code"])
        for cell in (c for c in want.cells if c.cell_type == "code"):
            old = next(done)
            cell.outputs, cell.execution_count = old.outputs, old.execution_count
        got.cells = want.cells
        part = target.with_suffix(".part")
        nbformat.write(got, part)
        os.replace(part, target)
    return left


def minutes(write: bool) -> int:
    """Print core and full minutes of each notebook with what was counted; or write them wherever they are stated."""
    for source in sorted(SOURCES.glob("*.py")):
        if write:
            reading.write(source, PLAN)
            continue
        core, full = reading.read(source)
        more = f"  over {CORE_MINUTES}" if core.minutes > CORE_MINUTES else ""
        print(f"{source.stem:28} {core.minutes:4} {full.minutes:4}  {core._asdict()}{more}")
    return text([]) if write else 0


def image_outputs(cell: nbformat.NotebookNode) -> bool:
    """Does the cell show a picture?"""
    return any(kind.startswith("image/") for o in cell.get("outputs", []) for kind in o.get("data", {}))


def faults_of_cell(number: int, cell: nbformat.NotebookNode) -> list[str]:
    """What is wrong with a code cell."""
    out, tags = [], cell.metadata.get("tags", [])
    if len([line for line in cell.source.splitlines() if line.strip()]) > MAX_LINES:
        out.append(f"has more than {MAX_LINES} lines: move code into pnp_course/")
    if "http" in cell.source and "google.colab" not in cell.source:
        out.append("reaches for the network")
    if image_outputs(cell) and not cell.metadata.get("mystnb", {}).get("image", {}).get("alt"):
        out.append('shows a figure without alt text: # %% mystnb={"image": {"alt": "..."}}')
    for output in cell.outputs:
        text = str(output.get("text", "")) + "".join(str(v) for k, v in output.get("data", {}).items() if "text" in k)
        if output.output_type == "stream" and output.name == "stderr":
            out.append("wrote to stderr")
        if output.output_type == "error" and "raises-exception" not in tags:
            out.append(f"ended with {output.ename}")
        if str(ROOT) in text or re.search(r"(?<![\w.])(/home/|/Users/|/root/|/tmp/|[A-Z]:\\)", text):
            out.append("shows an absolute path of one machine")
        if re.search(r"<img(?![^>]*\balt=)", text):
            out.append("shows an HTML picture without alt text")
    return [f"code cell {number} {fault}" for fault in out]


def faults_of_links(notebook: nbformat.NotebookNode) -> list[str]:
    """Relative links of Markdown cells that lead nowhere."""
    words = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    targets = re.findall(r"\]\((?!https?:|#|mailto:|attachment:)([^)#\s]+)", words)
    return [f"links to {t}, which does not exist" for t in targets if not (NOTEBOOKS / t).exists()]


def check_pair(source: Path) -> list[str]:
    """Faults of one notebook."""
    target = NOTEBOOKS / f"{source.stem}.ipynb"
    if not target.exists():
        return ["is not built"]
    want, got = read_source(source), nbformat.read(target, as_version=4)

    def bare(notebook: nbformat.NotebookNode) -> list[object]:
        return [
            (c.cell_type, c.source, c.metadata.get("tags", []), c.metadata.get("mystnb", {})) for c in notebook.cells
        ]

    faults = [] if bare(want) == bare(got) else ["differs from its source: run tools/nb.py build"]
    if got.metadata.get("executed_code_sha256") != code_hash(want):
        faults.append("has outputs of other code than the source's: run tools/nb.py build")
    code = [c for c in got.cells if c.cell_type == "code"]
    if [c.execution_count for c in code] != list(range(1, len(code) + 1)):
        faults.append("was not executed top to bottom")
    for number, cell in enumerate(code, 1):
        faults += faults_of_cell(number, cell)
    if target.stat().st_size > MAX_MB * 2**20:
        faults.append(f"has {target.stat().st_size / 2**20:.1f} MB, more than {MAX_MB}")
    return faults + faults_of_links(got) + reading.faults(source, PLAN) + reading.unfinished(source)


def check() -> int:
    """Check all pairs and print one line for each fault."""
    sources = sorted(SOURCES.glob("*.py"))
    faults = [f"{s.stem}: {fault}" for s in sources for fault in check_pair(s)]
    built = {p.stem for p in NOTEBOOKS.glob("*.ipynb")}
    faults += [f"{name}: has no source in notebooks/src" for name in sorted(built - {s.stem for s in sources})]
    total = sum(p.stat().st_size for p in NOTEBOOKS.glob("*.ipynb")) / 2**20
    if total > MAX_TOTAL_MB:
        faults.append(f"all notebooks together have {total:.1f} MB, more than {MAX_TOTAL_MB}")
    if not sources:
        faults.append("there is no source in notebooks/src")
    print("\n".join(faults) if faults else f"{len(sources)} notebook(s) in order, {total:.1f} MB")
    return 1 if faults else 0


def copies() -> Iterator[tuple[str, nbformat.NotebookNode]]:
    """File name and contents of each student's copy."""
    site = student.website(ROOT / "_config.yml")
    for source in sorted(SOURCES.glob("*.py")):
        yield f"{source.stem}.ipynb", student.copy(read_source(source), source.stem, site)


def zip_copies(archive: Path) -> None:
    """Write a zip of the students' copies, whose links lead to the website or are left out, so that it opens anywhere."""
    site = student.website(ROOT / "_config.yml")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, notebook in copies():
            zipped.writestr(name, nbformat.writes(student.links(notebook, site)))


def classroom() -> int:
    """Write the zip for a class into _build/student/."""
    folder = ROOT / "_build" / "student"
    folder.mkdir(parents=True, exist_ok=True)
    zip_copies(folder / STUDENT_ZIP)
    print((folder / STUDENT_ZIP).relative_to(ROOT))
    return 0


def work() -> int:
    """Put the students' copies into `WORK`, except those that are there: they hold what the reader has written."""
    folder = ROOT / WORK
    folder.mkdir(exist_ok=True)
    for name, notebook in copies():
        if not (folder / name).exists():
            part = folder / f"{name}.part"
            nbformat.write(notebook, part)
            os.replace(part, folder / name)
    return 0


def main(arguments: list[str]) -> int:
    """Read the command and run it."""
    if arguments[:1] in (["build"], ["text"]):
        unknown = [n for n in arguments[1:] if not (SOURCES / f"{n}.py").exists()]
        if unknown:
            print(f"nb: there is no notebooks/src/{unknown[0]}.py", file=sys.stderr)
            return 2
        return (build if arguments[0] == "build" else text)(arguments[1:])
    if arguments in (["minutes"], ["minutes", "--write"]):
        return minutes("--write" in arguments)
    if arguments == ["check"]:
        return check()
    if arguments in (["time"], ["time", "--write"]):
        return cell_times.report(ROOT / REPORT, NOTEBOOKS / "seconds.json" if "--write" in arguments else None)
    if arguments in (["student"], ["work"]):
        return {"student": classroom, "work": work}[arguments[0]]()
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
