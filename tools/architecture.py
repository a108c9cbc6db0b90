"""The rooms of the library: their order, the picture and the table of book/architecture.md, and who imports whom.

python tools/architecture.py            write book/architecture.svg and the table in book/architecture.md
python tools/architecture.py --check    exit code 1 and one line for each fault: an import that points up, a module
without
                                        a room, or a picture or a table that does not agree with the code

`LAYERS` is the one place that says what stands on what; the picture, the table and the tests read it.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE, PICTURE = ROOT / "book" / "architecture.md", ROOT / "book" / "architecture.svg"
BEGIN, END = "<!-- rooms: written by tools/architecture.py -->", "<!-- end of the rooms -->"


class Room(NamedTuple):
    """A room: its name, what it is for, where its box begins and ends in the picture (0 to 12), and its modules."""

    name: str
    words: str
    left: float
    right: float
    modules: tuple[str, ...] = ()

    @property
    def all_modules(self) -> tuple[str, ...]:
        """The names of its modules and packages inside pnp_course; the room's own name if no others are given."""
        return self.modules or (self.name,)


# from the ground up: a room imports only from floors below its own
LAYERS: tuple[tuple[Room, ...], ...] = (
    (
        Room("_checks", "checks of input, and what they say", 0, 4, ("_checks", "_progress")),
        Room("whole_files", "files that appear whole or not at all", 4, 8),
        Room("provenance", "device, version, seed and commit of a result", 8, 12, ("provenance", "devices")),
    ),
    (
        Room("images", "photographs, files, channels", 0, 1.8, ("images", "picture_files", "tiff_files")),
        Room("operators", "linear maps, exact adjoints", 2.1, 3.9),
        Room("noise", "Gaussian, photon counts, levels", 4.2, 5.8, ("noise", "anscombe", "generalised_anscombe", "noise_level")),
        Room("denoisers", "networks, wrappers, the shipped weights", 5.8, 10),
        Room("metrics", "PSNR, SSIM", 10, 12),
    ),
    (
        Room("priors", "total variation, wavelets", 0, 2),
        Room("fidelities", "value, gradient, proximal operator", 2, 5.6, ("fidelities", "ray_fidelities")),
        Room("jacobian", "products, norms, spectra of J", 7.2, 10.2, ("jacobian", "lanczos", "linearize")),
        Room("datasets", "published image sets", 10.2, 12),
    ),
    (
        Room("blind", "the blur kernel, from the picture", 0, 1.8),
        Room("solvers", "one generator for each algorithm, and run()", 2, 7.2),
    ),
    (
        Room("monitors", "what run() records at each iterate", 2, 5.6),
        Room("guarantees", "certificates, constants, rules: which theorem covers a run", 7.2, 11),
    ),
    (
        Room("deconvolution", "the main job: degrade and restore", 0, 3,
             ("deconvolution", "single_photon", "camera_noise", "raw", "denoising")),
        Room("toy", "worlds solved exactly, no pictures", 4, 7.2),
        Room("training", "photographs to patches to noise to loss to weights", 7.2, 12),
    ),
    (
        Room("ct", "phantoms, scans, slices, rivals", 0, 1.5),
        Room("viz", "figures, sliders, helpers of single notebooks", 2, 8.6),
        Room("exercises", "checks of what readers write", 9, 12),
    ),
    (
        Room("demo", "four methods side by side; deblurring without a kernel", 0, 3, ("demo", "deblurring")),
        Room("experiments", "the papers' tables, as functions", 3, 7),
    ),
    (Room("cli", "the command line", 0, 3, ("cli", "cli_work", "one_line", "__main__")),),
)  # fmt: skip
# outside the library, on its roof
ROOF = (Room("book", "pages, theorems, proofs", 0, 6), Room("notebooks", "the course", 6, 12))


class Arrow(NamedTuple):
    """The way of the data from one room to another: where it leaves (`at`) and arrives (`to`), 0 to 12, and a word."""

    source: str
    target: str
    at: float = 0
    to: float = 0
    word: str = ""


FLOW = (
    Arrow("images", "operators"), Arrow("operators", "noise"), Arrow("operators", "fidelities", 3, 3, "A"),
    Arrow("noise", "fidelities", 4.6, 4.6, "observation y"), Arrow("fidelities", "solvers", 3.5, 3.5, "prox, gradient"),
    Arrow("denoisers", "solvers", 6.3, 6.3, "D"), Arrow("denoisers", "jacobian", 8.2, 8.2, "D"),
    Arrow("jacobian", "guarantees", 8.2, 8.2, "norms, spectra"), Arrow("solvers", "monitors", 3.5, 3.5, "iterates"),
    Arrow("datasets", "training", 11.1, 11.1, "photographs"), Arrow("monitors", "viz", 3.5, 3.5, "history"),
    Arrow("toy", "viz", 5.6, 5.6, "exact answers"), Arrow("deconvolution", "demo", 1.75, 1.75, "restored picture"),
    Arrow("viz", "notebooks", 8, 8, "figures"), Arrow("exercises", "notebooks", 10.5, 10.5, "verdicts"),
    Arrow("experiments", "book", 5, 5, "rows"),
)  # fmt: skip


def floors() -> dict[str, int]:
    """Module or package below pnp_course -> number of its floor."""
    return {module: k for k, layer in enumerate(LAYERS) for room in layer for module in room.all_modules}


def home(module: str) -> str | None:
    """The room of a module, None if it has none."""
    return next((room.name for layer in LAYERS for room in layer if module in room.all_modules), None)


def imports(root: Path = ROOT) -> set[tuple[str, str]]:
    """All pairs (file, module imported) inside the library, by reading the sources; ("...", "") is the package's root.

    Files are paths from `root`; modules are the first name below pnp_course. Imports in functions and those for type
    checkers count; the version, which the root holds without importing anything, does not.
    """
    package, found = root / "pnp_course", set()
    for path in sorted(package.rglob("*.py")):
        file = path.relative_to(root).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            for name in names:
                if name.split(".")[0] == "pnp_course" and name != "pnp_course.__version__":
                    first = [*name.split("."), ""][1]
                    exists = (package / first).is_dir() or (package / f"{first}.py").is_file()
                    found.add((file, first if exists else ""))
    return found


def module_of(file: str) -> str:
    """The first name below pnp_course of a file; "" for the package's own __init__."""
    first = file.split("/")[1].removesuffix(".py")
    return "" if first == "__init__" else first


def modules(root: Path = ROOT) -> list[str]:
    """The modules and packages that there are."""
    found = {module_of(path.relative_to(root).as_posix()) for path in (root / "pnp_course").rglob("*.py")}
    return sorted(found - {""})


def faults(root: Path = ROOT) -> list[str]:
    """One sentence for each import that points up or sideways, and for each module without a room."""
    floor = floors()
    out = [
        f"pnp_course/{m} has no room: name it in LAYERS of tools/architecture.py."
        for m in modules(root)
        if m not in floor
    ]
    for file, target in sorted(imports(root)):
        source = module_of(file)
        if not source or source not in floor or home(source) == home(target):
            continue  # the root's own __init__ is above all rooms
        if not target:
            out.append(f"{file} imports from the package's root, which stands above it: name the module it comes from.")
        elif target in floor and floor[target] >= floor[source]:
            out.append(f"{file} imports {target}, which is not below it: move what is shared to a lower floor.")
    return out


def uses(root: Path = ROOT) -> dict[str, list[str]]:
    """Room -> the rooms from which it imports, without `_checks`, which is imported everywhere."""
    pairs = {(home(module_of(file)), home(target)) for file, target in imports(root)}
    return {
        room.name: sorted(b for a, b in pairs if a == room.name and b and b not in (room.name, "_checks"))
        for layer in LAYERS
        for room in layer
    }


def standing(root: Path = ROOT) -> list[list[Room]]:
    """The layers with those rooms that exist."""
    there = modules(root)
    return [[room for room in layer if any(m in there for m in room.all_modules)] for layer in LAYERS]


def table(root: Path = ROOT) -> str:
    """The rooms as a Markdown table, the roof first."""
    imported = uses(root)
    lines = ["| floor | room | what for | imports from |", "|---|---|---|---|"]
    for k, layer in reversed(list(enumerate(standing(root)))):
        for room in layer:
            names = ", ".join(f"`{name}`" for name in imported[room.name])
            lines.append(f"| {k} | `{room.name}` | {room.words} | {names} |")
    return "\n".join(lines)


def page(root: Path = ROOT) -> str:
    """The page with a table that agrees with the code."""
    text = (root / PAGE.relative_to(ROOT)).read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table(root)}\n\n{END}{rest.partition(END)[2]}"


def main(arguments: list[str]) -> int:
    """Write, or check."""
    from architecture_picture import picture

    wanted = {PAGE: page(), PICTURE: picture()}
    if arguments == ["--check"]:
        out = faults()
        out += [
            f"{path.relative_to(ROOT).as_posix()} does not agree with the code: run python tools/architecture.py."
            for path, text in wanted.items()
            if not path.exists() or path.read_text(encoding="utf-8") != text
        ]
        print("\n".join(out) or "every import points down; picture and table are current")
        return 1 if out else 0
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
