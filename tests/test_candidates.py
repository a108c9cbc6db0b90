"""Weights that wait in benchmarks/candidates are whole, and better than the shipped ones whose place they may take."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from pnp_course import load_denoiser
from pnp_course.denoisers import denoiser_card
from pnp_course.training.presets import PRESETS, preset_from

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks" / "candidates"
PLACES = {"coco-0.25-taught": "coco-0.25"}
THERE = sorted(path.stem for path in FOLDER.glob("*.safetensors"))


@pytest.mark.parametrize("name", THERE)
def test_a_candidate(name):
    card, shipped = denoiser_card(name, FOLDER), denoiser_card(PLACES[name])
    load_denoiser(name, folder=FOLDER)  # its hash is that of the card
    assert asdict(preset_from(card["training"])) == json.loads(json.dumps(asdict(PRESETS[name])))
    assert f"`{name}`" in (FOLDER / "README.md").read_text(encoding="utf-8")
    levels = ("15", "25", "40")
    assert all(card["psnr_cbsd68"][level] > shipped["psnr_cbsd68"][level] for level in levels)
