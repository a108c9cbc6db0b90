"""The network of a job: a shipped denoiser, one of an experiment's own, or, at paper scale, the published weights of a method.

Published weights are named "published/KIND" (kinds: `denoisers.published.KINDS`) and lie as KIND.pth or KIND.ckpt in
the folder published/ of the data folder, PNP_COURSE_DATA. Where to get them: book/full-scale.md.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

from torch import nn

from pnp_course.datasets import MissingDataError
from pnp_course.denoisers import denoiser_card, load_denoiser
from pnp_course.denoisers.published import load_published

PUBLISHED = "published/"
OWN = Path(__file__).parent / "weights"  # of networks that one experiment uses, and that are not shipped as denoisers


def network(name: str) -> nn.Module:
    """The denoiser of this name.

    Raises:
        MissingDataError: published weights that are not in the data folder.
    """
    if name.startswith(PUBLISHED):
        return load_published(name.removeprefix(PUBLISHED), _file(name))
    return load_denoiser(name, folder=_folder(name))


def weights_hash(name: str) -> str:
    """The SHA-256 of the weights; empty for a method without a network."""
    if not name:
        return ""
    if name.startswith(PUBLISHED):
        path = _file(name)
        return _sha256(path, path.stat().st_mtime_ns)
    return str(denoiser_card(name, _folder(name))["sha256"])


def _folder(name: str) -> Path | None:
    return OWN if (OWN / f"{name}.json").exists() else None


def _file(name: str) -> Path:
    root = os.environ.get("PNP_COURSE_DATA")
    for ending in (".pth", ".ckpt"):
        if root and (path := Path(root) / f"{name}{ending}").exists():
            return path
    raise MissingDataError(
        f"the authors' weights {name.removeprefix(PUBLISHED)!r} are not there (PNP_COURSE_DATA is {root or 'not set'}): put "
        f"them as {name}.pth or {name}.ckpt into the folder that PNP_COURSE_DATA names (the page full-scale says where they "
        "come from), or take --scale course."
    )


@cache
def _sha256(path: Path, changed: int) -> str:
    """The hash of a file of some hundred megabytes, computed once as long as the file does not change."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
