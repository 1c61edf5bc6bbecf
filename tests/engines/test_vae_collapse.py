"""Posterior collapse, on purpose, and its repair by a fork of the same networks."""

import pytest

from benchmarks.vae_collapse import REPAIR, one
from engines.config import from_dict, to_dict
from engines.registry import FAMILIES
from engines.state import pack, unpack

FAMILY = FAMILIES["vae"]
ILL = dict(dataset="digits", latent=8, mean_pixels=True, lr_decay=False, width=64, batch=32, lr=5e-3)


@pytest.mark.parametrize("seed", range(5))
def test_averaged_pixels_collapse_every_latent_and_their_sum_brings_half_of_them_back(seed):
    ill = FAMILY.build(FAMILY.resolve(ILL | {"seed": seed}))
    for _ in range(150):
        ill.train_step()
    assert ill.measure()["active_units"] == 0 and ill.measure()["test_kl"] < 0.05
    fork = FAMILY.build(from_dict(FAMILY.Config, to_dict(ill.config) | REPAIR))
    unpack(fork, pack(ill))
    for _ in range(300):
        fork.train_step()
    assert fork.measure()["active_units"] >= 4


@pytest.mark.slow
def test_the_preset_does_what_it_says():
    row = one(seed=11)
    assert row["collapsed"]["active_units"] == 0 and row["repaired"]["active_units"] >= 4
    assert row["repaired"]["test_recon"] < row["collapsed"]["test_recon"] - 30
