import os

import pytest
import torch

os.environ.setdefault("MPLBACKEND", "Agg")
pytest.register_assert_rewrite("site_visit")


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def photo():
    from pnp_course import images

    return images.photo("astronaut", 96)
