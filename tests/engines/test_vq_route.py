"""From a VQ-VAE to a prior over its codes and back to images, through the command line."""

import json

import numpy as np
import pytest

from engines.__main__ import main
from engines.core import drawn
from engines.handover import independent
from engines.registry import FAMILIES
from engines.runs import load_run


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def vq(tmp_path_factory):
    """Digits as 4×4 codes of 32, and the folder of the run."""
    folder = str(tmp_path_factory.mktemp("runs") / "vq")
    knobs = ["--set", "objective=vq-vae", "--set", "codes=32", "--set", "width=128"]
    assert main(["train", "vae", "--dataset", "digits", *knobs, "--steps", "300", "--out", folder]) == 0
    return folder


def test_codes_of_the_data_come_back_as_its_reconstructions(vq, tmp_path, capsys):
    assert main(["codes", vq, "--out", str(tmp_path / "codes.npz")]) == 0
    (row,) = lines(capsys.readouterr().out)
    with np.load(tmp_path / "codes.npz", allow_pickle=False) as arrays:
        codes, codebook = arrays["codes"], arrays["codebook"]
    assert row["shape"] == list(codes.shape) == [1_438, 4, 4] and codebook.shape == (32, 8) and row["used"] == len(np.unique(codes)) > 8
    assert row["nats_uniform"] == pytest.approx(16 * np.log(32)) and 0 < row["nats_independent"] < row["nats_uniform"]
    assert main(["decode", vq, "--codes", str(tmp_path / "codes.npz"), "--out", str(tmp_path / "x.npz")]) == 0
    with np.load(tmp_path / "x.npz", allow_pickle=False) as arrays:
        x = arrays["x"]
    _, engine, _ = load_run(vq)
    data = engine.data.pixels
    assert x.shape == data.shape and np.abs(x).max() <= 1
    error, spread = np.square(x - data).mean(), np.square(data - data.mean(0)).mean()
    assert error < 0.4 * spread, "what comes back is the data, not the mean of it"
    assert np.square(x - data[np.random.default_rng(0).permutation(len(data))]).mean() > 1.5 * error, "each comes back as itself"


@pytest.mark.slow
def test_a_prior_over_codes_beats_codes_drawn_one_by_one_and_is_drawn_as_images(vq, tmp_path, capsys):
    codes, run, out = (str(tmp_path / name) for name in ("codes.npz", "prior", "x.npz"))
    assert main(["codes", vq, "--out", codes]) == 0
    alone = lines(capsys.readouterr().out)[0]["nats_independent"]
    settings = ["--set", "width=24", "--set", "layers=3", "--steps", "250"]
    assert main(["train", "autoregressive", "--dataset", "own-codes", "--data", codes, *settings, "--out", run]) == 0
    learned = lines(capsys.readouterr().out)[-2]["test_nll"]
    assert learned < 0.9 * alone, "what codes owe each other is learned"
    assert main(["sample", run, "--n", "200", "--out", str(tmp_path / "drawn.npz")]) == 0
    assert main(["decode", vq, "--codes", str(tmp_path / "drawn.npz"), "--out", out]) == 0
    assert lines(capsys.readouterr().out)[-1] == {"samples": out, "shape": [200, 1, 8, 8]}
    _, engine, _ = load_run(vq)
    distance = "frechet_distance"
    with np.load(out, allow_pickle=False) as arrays:
        ours = engine.probe.quality(tensor(arrays["x"]))[distance]
    *_, last = engine.sample(FAMILIES["vae"].Request(n=200, seed=0))  # codes drawn one by one
    assert ours < 0.7 * engine.probe.quality(tensor(drawn(last).pixels))[distance]


def tensor(x):
    import torch

    return torch.from_numpy(x)


def test_nats_of_codes_drawn_one_by_one():
    """Two places: one fair coin, one that is always 3. ln 2 in all."""
    codes = np.array([[[0, 3]], [[1, 3]]])
    assert independent(codes, 4) == pytest.approx(np.log(2))


def test_what_has_no_codes_or_other_codes_is_refused_in_a_sentence(vq, tmp_path, capsys):
    plain = str(tmp_path / "plain")
    assert main(["train", "vae", "--dataset", "digits", "--steps", "1", "--set", "width=8", "--out", plain]) == 0
    gan = str(tmp_path / "gan")
    assert main(["train", "gan", "--dataset", "ring8", "--steps", "1", "--out", gan]) == 0
    prime = str(tmp_path / "prime")
    assert (
        main(["train", "vae", "--dataset", "digits", "--set", "objective=vq-vae", "--set", "latent=7", "--steps", "1", "--out", prime]) == 0
    )
    for name, array in (("wide", np.zeros((3, 4, 5), int)), ("large", np.full((3, 4, 4), 32)), ("real", np.zeros((3, 4, 4)))):
        np.savez(tmp_path / f"{name}.npz", codes=array)
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    for args, words in [
        (["codes", plain], "has no codes; vq-vae has"),
        (["codes", gan], "is a run of gan, which has no codes"),
        (["codes", prime], "latent=7 codes fill no grid"),
        (["decode", vq, "--codes", str(tmp_path / "wide.npz")], "not whole numbers of shape (n, 4, 4)"),
        (["decode", vq, "--codes", str(tmp_path / "real.npz")], "type float64 are not whole numbers"),
        (["decode", vq, "--codes", str(tmp_path / "large.npz")], "outside [0, 31]"),
        (["decode", vq, "--codes", str(tmp_path / "other.npz")], "not an npz file with an array codes"),
        (["decode", vq, "--codes", str(tmp_path / "nowhere.npz")], "nowhere.npz"),
        (["decode", vq], "--codes"),
    ]:
        capsys.readouterr()
        assert main(args) == 2, args
        streams = capsys.readouterr()
        assert words in streams.err and streams.err.count("\n") == 1 and not streams.out
