"""Environment files for conda, for Docker and the devcontainer, and the cell for Colab: written from requirements.txt.

`requirements.txt` is the one list of pins. conda makes only the Python and takes everything else from the same pins by
pip. The container is made from the same file, with torch's CPU build. Colab brings torch, NumPy and the like, which are
left as they are; what it does not bring is pinned.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import torch_build

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements.txt"
PYTHON = "3.12"
LABEL = "Written by tools/classroom.py environments from requirements.txt"
# of the library's needs, what Colab's image does not bring, or brings without being needed by anything else there
COLAB = ("safetensors", "pooch", "typer", "tifffile", "pydicom")


def pins(text: str) -> list[str]:
    """The lines of requirements.txt that pin a package."""
    return re.findall(r"^[A-Za-z][\w.-]*==\S+$", text, flags=re.M)


def conda(lines: list[str]) -> str:
    """environment.yml."""
    packages = "\n".join(f"      - {line}" for line in lines)
    return f"""# {LABEL}.
# conda env create -f environment.yml && conda activate pnp_course
# On Linux without an NVIDIA GPU, PIP_EXTRA_INDEX_URL={torch_build.CPU_INDEX} before the command offers the smaller torch.
name: pnp_course
channels: [conda-forge]
dependencies:
  - python={PYTHON}
  - pip
  - pip:
{packages}
      - -e .
"""


def dockerfile(lines: list[str]) -> str:
    """The image of the course: torch's CPU build first, then everything else; needs no network when it runs."""
    torch = next(line for line in lines if line.startswith("torch=="))
    return f"""# {LABEL}.
# docker build -f .devcontainer/Dockerfile -t pnp_course . && docker run --rm -p 8888:8888 pnp_course
FROM python:{PYTHON}-slim
ENV PNP_COURSE_ENV=none PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN apt-get update && apt-get install -y --no-install-recommends git make chromium && rm -rf /var/lib/apt/lists/*
WORKDIR /course
RUN pip install {torch} --index-url {torch_build.CPU_INDEX}
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
RUN pip install --no-deps -e . && python tools/nb.py work
EXPOSE 8888
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--no-browser", "--allow-root", "my_notebooks"]
"""


def devcontainer(lines: list[str]) -> str:
    """What Codespaces and VS Code read."""
    settings = {
        "name": "pnp_course",
        "build": {"dockerfile": "Dockerfile", "context": ".."},
        "postCreateCommand": "pip install --no-deps -e . && python tools/nb.py work",
        "forwardPorts": [8888],
        "customizations": {"vscode": {"extensions": ["ms-python.python", "ms-toolsai.jupyter"]}},
    }
    return json.dumps(settings, indent=2) + "\n"


def colab(lines: list[str], repository: str = "") -> str:
    """A cell that makes a notebook run in Colab, from the repository, or from the wheel of the kit put beside it."""
    names = "|".join(COLAB)
    missing = " ".join(line for line in lines if re.match(rf"({names})==", line))
    course = f'"pnp_course @ git+{repository}"' if repository else "pnp_course-*.whl"
    where = "" if repository else "  # first put the wheel of the classroom kit into Colab's files"
    return f"""# {LABEL}.
import sys

if "google.colab" in sys.modules:{where}
    %pip install -q {missing}
    %pip install -q --no-deps {course}
"""


def files(root: Path = ROOT) -> dict[Path, str]:
    """Every file and what it should hold."""
    import yaml

    lines = pins((root / "requirements.txt").read_text(encoding="utf-8"))
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    repository = str(settings["repository"]["url"] or "")
    return {
        root / "environment.yml": conda(lines),
        root / ".devcontainer" / "Dockerfile": dockerfile(lines),
        root / ".devcontainer" / "devcontainer.json": devcontainer(lines),
        root / "book" / "colab_cell.txt": colab(lines, repository),
    }


def write(root: Path = ROOT) -> int:
    """Write all files."""
    for path, text in files(root).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(root))
    return 0


def check(root: Path = ROOT) -> int:
    """Say which files differ from requirements.txt."""
    wrong = [p for p, text in files(root).items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    for path in wrong:
        print(f"{path.relative_to(root)} differs: run python tools/classroom.py environments", file=sys.stderr)
    return 1 if wrong else 0
