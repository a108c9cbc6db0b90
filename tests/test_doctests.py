"""The examples in the docstrings, which the reference of the book shows, print what they say."""

import doctest
import importlib
import pkgutil

import pytest
import torch

import pnp_course

FOUND = {
    module.name: tests
    for module in pkgutil.walk_packages(pnp_course.__path__, "pnp_course.")
    if module.name.split(".")[1] not in ("toy", "viz", "exercises", "experiments", "cli", "__main__", "demo")
    if (tests := [t for t in doctest.DocTestFinder().find(importlib.import_module(module.name)) if t.examples])
}


def test_the_main_rooms_have_examples():
    rooms = {name.split(".")[1] for name in FOUND}
    wanted = {"images", "noise", "metrics", "fidelities", "operators", "jacobian", "priors", "guarantees", "deconvolution",
              "solvers", "denoisers"}  # fmt: skip
    assert wanted <= rooms


@pytest.mark.parametrize("name", FOUND)
def test_examples_print_what_they_say(name):
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in FOUND[name]:
        test.globs["torch"] = torch
        runner.run(test)
    assert runner.failures == 0
