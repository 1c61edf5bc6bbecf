"""One thread, as in the workers, and short ways to an engine and to a layer of its stage."""

import pytest
import torch

from engines.registry import FAMILIES

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def gan():
    """settings -> a fresh GAN engine with the recommended values of its data set."""
    family = FAMILIES["gan"]
    return lambda device="cpu", data=None, **settings: family.build(family.resolve(settings), device=device, data=data)


def layer(views, name):
    """The layer of the stage that is called so."""
    return next(view for view in views["stage"] if view.name == name)
