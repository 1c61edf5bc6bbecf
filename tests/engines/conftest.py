"""One thread, as in the workers, and a short way to an engine."""

import pytest
import torch

from engines.registry import FAMILIES

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def gan():
    """settings -> a fresh GAN engine with the recommended values of its data set."""
    family = FAMILIES["gan"]
    return lambda device="cpu", data=None, **settings: family.build(family.resolve(settings), device=device, data=data)
