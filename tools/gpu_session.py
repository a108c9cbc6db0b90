"""A short session on a rented GPU, from a bare machine to weights: python tools/gpu_session.py kit | run | unpack.

    python tools/gpu_session.py kit gpu_kit.tar              here: the library, this script, tests, and the photographs
    python tools/gpu_session.py run --minutes 15 -o OUT      there, in the unpacked kit or in a checkout
    python tools/gpu_session.py unpack OUT -o zoo            here: weights, cards, logs, and the checkpoint to go on from

`run` measures steps for the first minute, divides the rest of the minutes by what it measured, and trains as `train-zoo`
does, in a folder of its own. After each network, and at the end, it writes into OUT what there is, for places that give back
little: the files of the zoo as one archive, cut into at most four parts of 15 MiB, and at most three small files beside them
(`log.txt`, and of `--check` `tests.txt` and `agreement.csv`). It can be killed at any time; in a folder that already holds a
part of a zoo, or with `--resume OUT`, it goes on. `--check` first runs the tests that need a GPU, outside the minutes, and
keeps what they found.

The machine needs Python 3.11 or newer with torch 2.9 or newer, numpy, pillow, safetensors, scikit-image, tqdm and typer, and
pytest for `--check`; nothing is downloaded there.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

TESTS = (
    "conftest", "device_cases", "more_device_cases", "pretend_device", "pretend_graph", "test_devices", "test_training_graph",
)  # fmt: skip
PART, PARTS = 15 * 2**20, 4  # bytes of a part, and how many there may be: below 16 MiB each and 64 MiB together
MEASURING = 60.0  # seconds
PACKING = 15.0  # seconds kept at the end to write what there is


def kit(archive: Path) -> None:
    """Pack what a machine without a network needs; the photographs come from the data set bsd400."""
    from pnp_course.datasets import dataset
    from pnp_course.training.zoo import SHARES

    files = [p for p in sorted((ROOT / "pnp_course").rglob("*")) if p.is_file() and "__pycache__" not in p.parts]
    needed = {*SHARES, "coco-ridge-0.25"}  # to start from, and for the tests
    files = [p for p in files if "weights" not in p.parts or (p.parent.name == "weights" and p.stem in needed)]
    files += [ROOT / "pyproject.toml", Path(__file__).resolve(), *(ROOT / "tests" / f"{name}.py" for name in TESTS)]
    with tarfile.open(archive, "w") as tar:
        for path in files:
            tar.add(path, path.relative_to(ROOT))
        for path in dataset("bsd400"):
            tar.add(path, Path("data") / "bsd400" / path.name)
    print(f"{archive}: {archive.stat().st_size / 2**20:.1f} MiB")


def pack(work: Path, output: Path) -> str:
    """Write the zoo in `work` into parts in `output`; of checkpoints, only those of networks that are not finished."""
    files = [p for p in sorted(work.rglob("*")) if p.is_file() and p.suffix in (".safetensors", ".json", ".csv")]
    going = [p for p in sorted(work.rglob("checkpoint.pt")) if not (p.parent / f"{p.parent.name}.json").exists()]
    parts = _parts(work, files + going)
    said = ""
    if len(parts) > PARTS:
        parts, said = _parts(work, files), f"; too large, so left out: {', '.join(p.parent.name for p in going)}"
    if len(parts) > PARTS:
        raise ValueError(
            f"the zoo takes {len(parts)} parts of {PART >> 20} MiB, and {PARTS} are allowed: name fewer networks."
        )
    for old in output.glob("zoo.tar.*"):
        if int(old.suffix[1:]) >= len(parts):
            old.unlink()
    for i, part in enumerate(parts):
        (output / "zoo.part").write_bytes(part)
        (output / "zoo.part").replace(output / f"zoo.tar.{i}")
    return f"packed {len(files) + len(going)} files into {len(parts)} of {PART >> 20} MiB{said}"


def _parts(work: Path, files: Iterable[Path]) -> list[bytes]:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for path in files:
            tar.add(path, path.relative_to(work))
    data = whole.getvalue()
    return [data[i : i + PART] for i in range(0, len(data), PART)]


def unpack(parts: Path, output: Path) -> None:
    """Put the parts in the folder `parts` together again, into the folder `output`."""
    found = sorted(parts.glob("zoo.tar.*"), key=lambda p: int(p.suffix[1:]))
    if not found:
        raise ValueError(f"there is no zoo.tar.0 in {parts}; wanted the folder that `run` wrote.")
    output.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(b"".join(p.read_bytes() for p in found))) as tar:
        tar.extractall(output, filter="data")


class Say:
    """Prints lines with the time since the start, and keeps them in a file."""

    def __init__(self, path: Path):
        self.path, self.begun = path, time.monotonic()

    def __call__(self, line: str) -> None:
        """Print one."""
        now = f"{time.monotonic() - self.begun:6.1f} s  "
        line = now + line.replace("\n", "\n" + now)
        print(line, flush=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def check(output: Path, say: Say) -> None:
    """Run the tests that need a GPU, and keep how far it was from the CPU."""
    names = [str(ROOT / "tests" / f"{name}.py") for name in TESTS if name.startswith("test_")]
    environment = os.environ | {"PNP_COURSE_AGREEMENT": str(output / "agreement.csv")}
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "gpu or recorded", *names]
    done = subprocess.run(tests, cwd=ROOT, env=environment, capture_output=True, text=True)
    (output / "tests.txt").write_text((done.stdout + done.stderr)[-200_000:], encoding="utf-8")
    say(f"tests: {(done.stdout.strip().splitlines() or ['nothing'])[-1]}")


def run(options: argparse.Namespace) -> None:
    """Measure, train, pack."""
    if (ROOT / "data" / "bsd400").is_dir():
        os.environ.setdefault("PNP_COURSE_DATA", str(ROOT / "data"))
    from pnp_course.devices import device_named
    from pnp_course.training.zoo import Measured, chosen, make_plan, train_networks

    device, names = device_named(options.device), chosen(options.only)
    output, work = options.output, options.work
    for folder in (output, work):
        folder.mkdir(parents=True, exist_ok=True)
    if options.resume and not any(work.iterdir()):
        unpack(options.resume, work)
    say = Say(output / "log.txt")
    known: dict[str, Measured] = {}
    if options.check:
        check(output, say)
    end = time.monotonic() + 60 * options.minutes
    begun = {path.parent.name for path in (*work.glob("*/checkpoint.pt"), *work.glob("*/*.json"))}
    todo = [name for name in names if name not in begun]
    measuring = min(MEASURING, 6 * options.minutes)  # a tenth of a shorter session
    for line in make_plan(todo, work, options.minutes, device, known, time.monotonic() + measuring) if todo else ():
        say(line)
    for name, found in known.items():
        say(f"{name}: {1 / found.seconds:.2f} steps and {found.batch / found.seconds:.0f} patches a second")
    for line in train_networks(names, work, end - PACKING, device, known):
        say(line)
        if ": weights, " in line:
            say(pack(work, output))
    say(pack(work, output))


def main(arguments: list[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("kit", help="pack what the machine needs")
    made.add_argument("archive", type=Path)
    ran = commands.add_parser("run", help="measure, train and pack")
    ran.add_argument("--minutes", type=float, required=True, help="of the session, its measurements included")
    ran.add_argument("-o", "--output", type=Path, required=True, help="folder for a few small files")
    ran.add_argument("--only", default="", help="names with commas between them; by default the whole zoo")
    ran.add_argument("--work", type=Path, default=ROOT / "runs" / "session", help="folder of the training itself")
    ran.add_argument("--resume", type=Path, help="an earlier OUT, if the folder of the training is empty")
    ran.add_argument("--check", action="store_true", help="run the tests that need a GPU first")
    ran.add_argument("--device", default="auto")
    undone = commands.add_parser("unpack", help="put the parts together again")
    undone.add_argument("parts", type=Path)
    undone.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        if options.command == "kit":
            kit(options.archive)
        elif options.command == "run":
            run(options)
        else:
            unpack(options.parts, options.output)
    except (ValueError, OSError, RuntimeError) as error:
        print(f"gpu_session: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
