"""What a teacher hands out or keeps, each with one command, in _build/classroom/.

python tools/classroom.py student      pnp_course_notebooks.zip: the notebooks without outputs and solutions, for students
python tools/classroom.py slides       slides/: a deck of each notebook's core, which opens without a network; and its zip
python tools/classroom.py nbgrader     nbgrader/: a course directory of nbgrader with one assignment for each notebook
python tools/classroom.py instructor   pnp_course_instructor.zip: solved notebooks, exam with model answers, slides, the
                                       assignments. Not for students, and therefore linked from nowhere
python tools/classroom.py kit [--collect FOLDER | --wheels FOLDER]
                                       pnp_course_kit.zip: what a room without a network needs; the wheels are downloaded
                                       into FOLDER first, or are there already, or are left out
python tools/classroom.py environments [--check]
                                       environment.yml, .devcontainer/ and the cell for Colab, from requirements.txt; or
                                       say which of them differ from it (exit code 1)
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

import environments
import exam
import kit
import nb
import nbformat
import nbgrader_export
import slides
import student

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "_build" / "classroom"
INSTRUCTOR = "pnp_course_instructor.zip"
SLIDER = "Run this cell, and all above it: then its sliders move."
README = """For the instructor. Do not put this archive where students find it.

solved/         the notebooks with all outputs; the given solutions stand below the exercises
exam/           the questions of the exam, and model answers with points
slides/         a deck of each notebook's core: open NAME.html in a browser; nothing is loaded from elsewhere
nbgrader/       a course directory of nbgrader: source/ holds an assignment for each notebook, with solutions
                cd nbgrader && nbgrader generate_assignment 02_proximal_operators
"""


def zip_folder(folder: Path, archive: Path, extra: Iterable[tuple[str, str]] = ()) -> Path:
    """Everything below `folder`, and texts by name, as a zip; written whole or not at all."""
    part = archive.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            zipped.write(path, str(path.relative_to(folder)))
        for name, text in extra:
            zipped.writestr(name, text)
    part.replace(archive)
    return archive


def say(path: Path) -> int:
    """Print what was written, and its size."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    print(f"{shown}: {len(files)} file(s), {sum(p.stat().st_size for p in files) / 1e6:.1f} MB")
    return 0


def built() -> dict[str, nbformat.NotebookNode]:
    """The built notebooks by name."""
    return {p.stem: nbformat.read(p, as_version=4) for p in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))}


def students() -> int:
    """The zip for students."""
    BUILT.mkdir(parents=True, exist_ok=True)
    nb.zip_copies(BUILT / nb.STUDENT_ZIP)
    return say(BUILT / nb.STUDENT_ZIP)


def decks() -> int:
    """The slides, and their zip."""
    slides.write(built(), BUILT / "slides")
    zip_folder(BUILT / "slides", BUILT / "pnp_course_slides.zip")
    return say(BUILT / "slides")


def assignments() -> int:
    """The course directory of nbgrader."""
    sources = {p.stem: nb.read_source(p) for p in sorted(nb.SOURCES.glob("[0-9]*.py"))}
    points = nbgrader_export.export(sources, BUILT / "nbgrader", student.website(ROOT / "_config.yml"))
    print(", ".join(f"{stem[:2]}: {count}" for stem, count in points.items()) + " points")
    return say(BUILT / "nbgrader")


def without_dead_sliders(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with a sentence in the place of each slider that moves only while a kernel runs."""
    notebook.metadata.pop("widgets", None)
    for cell in (c for c in notebook.cells if c.cell_type == "code"):
        for k, output in enumerate(cell.outputs):
            if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
                said = {"text/plain": SLIDER, "text/markdown": f"*{SLIDER}*"}
                cell.outputs[k] = nbformat.v4.new_output("display_data", data=said)
    return notebook


def instructor() -> int:
    """The archive with everything that students must not see."""
    folder = BUILT / "instructor"
    for made, name in ((decks, "slides"), (assignments, "nbgrader")):
        made()
        kit.copy(BUILT / name, folder / name)
    (folder / "solved").mkdir(parents=True, exist_ok=True)
    for stem, notebook in built().items():
        nbformat.write(without_dead_sliders(notebook), folder / "solved" / f"{stem}.ipynb")
    (folder / "exam").mkdir(exist_ok=True)
    (folder / "exam" / "questions.md").write_text(exam.sheet(), encoding="utf-8")
    (folder / "exam" / "answers.md").write_text(exam.ANSWERS.read_text(encoding="utf-8"), encoding="utf-8")
    return say(zip_folder(folder, BUILT / INSTRUCTOR, [("README.txt", README)]))


def main(arguments: list[str]) -> int:
    """Read the command and run it."""
    word, options = (arguments[0] if arguments else ""), arguments[1:]
    commands = {"student": students, "slides": decks, "nbgrader": assignments, "instructor": instructor}
    if word in commands and not options:
        return commands[word]()
    if word == "environments" and options in ([], ["--check"]):
        return environments.check() if options else environments.write()
    if word == "kit" and (wanted := kit.options(options)):
        BUILT.mkdir(parents=True, exist_ok=True)
        return say(kit.make(BUILT / kit.NAME, wanted))
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
