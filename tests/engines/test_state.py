"""Packing is exact, restoring is checked, and neither shares memory with the engine."""

import json
import struct

import pytest
import torch
from safetensors.torch import load, save
from torch.testing import assert_close

from engines.state import pack, read_meta, unpack


def train(engine, steps):
    for _ in range(steps):
        engine.train_step()
    return engine


def repack(blob, change):
    """The same bytes with `change(tensors, meta)` applied."""
    tensors, meta = load(blob), read_meta(blob)
    change(tensors, meta)
    return save(tensors, metadata={"meta": json.dumps(meta)})


@pytest.mark.parametrize(
    "settings", [{}, {"objective": "wgan-gp"}, {"dataset": "grid25"}, {"objective": "non-saturating", "n_critic": 2}], ids=str
)
def test_resumed_is_bit_for_bit_the_same_run(gan, settings):
    whole = train(gan(seed=1, **settings), 40)
    half = pack(train(gan(seed=1, **settings), 20))
    resumed = gan(seed=1, **settings)
    unpack(resumed, half)
    assert resumed.step == 20
    assert pack(train(resumed, 20)) == pack(whole)


def test_restoring_the_same_bytes_twice_gives_the_same_run(gan):
    """Optimisers keep references to the state they are given: without a copy the second run would start from the first one's end."""
    blob = pack(train(gan(), 10))
    engine = gan()
    unpack(engine, blob)
    first = pack(train(engine, 10))
    unpack(engine, blob)
    assert pack(engine) == blob
    assert pack(train(engine, 10)) == first


def test_a_packed_engine_does_not_move_on(gan):
    engine = train(gan(), 5)
    blob = pack(engine)
    copy = bytes(blob)
    train(engine, 5)
    assert blob == copy != pack(engine)


def test_packed_before_the_first_step(gan):
    blob, engine = pack(gan()), train(gan(), 3)
    fresh = gan()
    unpack(fresh, blob)
    assert pack(train(fresh, 3)) == pack(engine)
    unpack(engine, blob)  # also back to the beginning: moments start anew
    assert engine.step == 0 and pack(train(engine, 3)) == pack(fresh)


def test_a_fork_keeps_its_own_config(gan):
    parent = train(gan(objective="non-saturating"), 10)
    fork = gan(objective="r3gan", lr_g=1e-4)
    unpack(fork, pack(parent))
    assert (fork.step, fork.config.objective, fork.config.lr_g) == (10, "r3gan", 1e-4)
    assert_close(fork.G.state_dict(), parent.G.state_dict(), rtol=0, atol=0)
    train(fork, 5)


def test_meta(gan):
    meta = read_meta(pack(train(gan(seed=4), 2)))
    assert (meta["family"], meta["step"], meta["config"]["seed"]) == ("gan", 2, 4)
    assert meta["versions"]["torch"] == torch.__version__


@pytest.mark.parametrize(
    "blob",
    [b"", b"abc", b"\x00" * 100, struct.pack("<Q", 2**60) + b"{}", struct.pack("<Q", 2) + b"[]", struct.pack("<Q", 2) + b"{}"],
    ids=range(6),
)
def test_other_bytes_are_refused(gan, blob):
    with pytest.raises(ValueError, match="not a checkpoint"):
        read_meta(blob)
    with pytest.raises(ValueError, match="not a checkpoint"):
        unpack(gan(), blob)


def nan(tensors, meta):
    tensors["G/net.layers.0.weight"][0, 0] = float("nan")


def missing(tensors, meta):
    del tensors["D/net.layers.0.bias"]


def extra(tensors, meta):
    tensors["D/more"] = torch.zeros(1)


def unknown(tensors, meta):
    tensors["H/weight"] = torch.zeros(1)


def half(tensors, meta):
    tensors["G/net.layers.0.weight"] = tensors["G/net.layers.0.weight"].half()


def moment(tensors, meta):
    tensors["opt_g/state/0/exp_avg"] = torch.zeros(1)


def stream(tensors, meta):
    tensors["rng/noise"] = torch.full_like(tensors["rng/noise"], 255)


def other_family(tensors, meta):
    meta["family"] = "vae"


def other_format(tensors, meta):
    meta["format"] = 99


def bad_step(tensors, meta):
    meta["step"] = -3


DAMAGE = {
    nan: "not finite",
    missing: "only in the engine",
    extra: "only in the checkpoint",
    unknown: "does not have",
    half: "G: net.layers.0.weight",
    moment: "opt_g: state/0/exp_avg",
    stream: "random stream",
    other_family: "checkpoint of vae",
    other_format: "not a checkpoint",
    bad_step: "not a checkpoint",
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda f: f.__name__)
def test_damage_is_named_and_changes_nothing(gan, damage):
    blob, engine = pack(train(gan(), 3)), train(gan(), 1)
    before = pack(engine)
    with pytest.raises(ValueError, match=DAMAGE[damage]):
        unpack(engine, repack(blob, damage))
    assert pack(engine) == before


def test_networks_of_another_size_are_refused(gan):
    with pytest.raises(ValueError, match=r"G: net.layers.0.weight is \(16, 2\) in the checkpoint and \(32, 2\) in the engine"):
        unpack(gan(), pack(gan(width_g=16)))


def test_cut_short(gan):
    with pytest.raises(ValueError):
        unpack(gan(), pack(gan())[:-10])
