"""What a page may set and ask of a VAE, as the web process checks it and a worker gets it."""

import json

import pytest

from engines.config import from_dict
from engines.registry import FAMILIES
from playground.sessions.limits import Refused
from playground.sessions.settings import asked, changed, resolve, same_shape

VAE = FAMILIES["vae"]


def test_a_list_of_numbers_survives_the_way_to_a_worker():
    name, values = asked(VAE, "decode", {"z": [0.5, -1]})
    question = from_dict(VAE.questions[name], json.loads(json.dumps(values)))
    assert question.z == (0.5, -1.0) and question.sweep == 0


@pytest.mark.parametrize("z", [[1100.0], "0.5", None, [[0.1]], [True], {"0": 1}, [0.0] * 65, [float("nan")]], ids=str)
def test_a_list_that_does_not_fit_is_refused_by_name(z):
    with pytest.raises(Refused) as refusal:
        asked(VAE, "decode", {"z": z})
    assert refusal.value.field == "z" and str(refusal.value).endswith(".")


@pytest.mark.parametrize(
    "change",
    [
        {"beta": 4.0},
        {"objective": "free-bits"},
        {"objective": "autoencoder"},
        {"objective": "iwae"},
        {"estimator": "reinforce"},
        {"mean_pixels": True},
    ],
    ids=str,
)
def test_a_fork_may_change_what_keeps_the_networks(change):
    parent = resolve(VAE, {"dataset": "mnist"})
    same_shape(VAE, parent, changed(VAE, parent, change))


@pytest.mark.parametrize(
    "change", [{"latent": 3}, {"width": 64}, {"likelihood": "logistic"}, {"conditional": True}, {"objective": "vq-vae"}], ids=str
)
def test_a_fork_may_not_change_the_networks(change):
    parent = resolve(VAE, {"dataset": "mnist"})
    with pytest.raises(Refused, match="keeps the networks"):
        same_shape(VAE, parent, changed(VAE, parent, change))


def test_every_preset_is_affordable():
    for preset in VAE.presets.values():
        resolve(VAE, preset.settings)
