"""Runs as folders of Hugging Face packages and back, from the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from engines.__main__ import main
from engines.exchange import CARD
from engines.registry import FAMILIES
from engines.runs import load_run

SMALL = ["--set", "layers=2", "--set", "width=16", "--set", "heads=2", "--set", "kv_heads=1", "--set", "batch=2", "--steps", "3"]


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    """A run of a small Llama on a text, averaged weights included."""
    folder = str(tmp_path_factory.mktemp("llama") / "run")
    more = ["--set", "model=llama", "--set", "block_size=16", "--set", "ema_decay=0.5"]
    assert main(["train", "autoregressive", "--dataset", "moby", *SMALL, *more, "--out", folder]) == 0
    return folder


@pytest.fixture(scope="module")
def exported(llama, tmp_path_factory):
    pytest.importorskip("transformers")
    out = str(tmp_path_factory.mktemp("exported") / "hf")
    assert main(["export", llama, "--to", "transformers", "--out", out]) == 0
    return out


def test_a_text_model_there_and_back(llama, exported, tmp_path, capsys):
    """transformers gives our logits; the run that comes back draws the same texts."""
    transformers = pytest.importorskip("transformers")
    _, engine, _ = load_run(llama)
    model = transformers.AutoModelForCausalLM.from_pretrained(exported, dtype=torch.float32).eval()
    tokens = torch.arange(16)[None]
    with torch.no_grad():
        assert_close(model(tokens).logits, engine.ema.net(tokens), atol=1e-5, rtol=0)
        assert (engine.net(tokens) - engine.ema.net(tokens)).abs().max() > 1e-3  # it is the averaged weights that went out
    capsys.readouterr()
    assert main(["import", exported, "--out", str(tmp_path / "back")]) == 0
    (row,) = lines(capsys.readouterr().out)
    assert (row["family"], row["format"], row["dataset"], row["step"]) == ("autoregressive", "transformers", "moby", 3)
    texts = []
    for i, run in enumerate((llama, str(tmp_path / "back"))):
        out = tmp_path / f"{i}.npz"
        assert main(["sample", run, "--n", "2", "--set", "length=12", "--out", str(out)]) == 0
        with np.load(out, allow_pickle=False) as arrays:
            texts.append(arrays["text"].tolist())
    assert texts[0] == texts[1]


def test_a_model_of_pixels_there_and_back(tmp_path):
    transformers = pytest.importorskip("transformers")
    run, out, back = (str(tmp_path / name) for name in ("run", "out", "back"))
    assert main(["train", "autoregressive", "--dataset", "digits", *SMALL, "--set", "model=image-gpt", "--out", run]) == 0
    assert main(["export", run, "--to", "transformers", "--out", out]) == 0
    assert main(["import", out, "--out", back]) == 0
    (_, engine, _), (_, again, _) = load_run(run), load_run(back)
    x = torch.zeros(1, 8, 8, dtype=torch.int64)
    with torch.no_grad():
        assert torch.equal(again.model(x), engine.model(x))
        theirs = transformers.AutoModelForCausalLM.from_pretrained(out).eval()(engine.net.sequence(x)).logits
        assert_close(engine.net.shaped(theirs), engine.net(x), atol=1e-5, rtol=0)


def test_what_a_family_cannot_be_written_as_is_refused(llama, tmp_path, capsys):
    out = str(tmp_path / "out")
    for to, words in (("diffusers", "to=diffusers is not for Autoregressive runs"), ("onnx", "to=onnx is not one of diffusers")):
        assert main(["export", llama, "--to", to, "--out", out]) == 2
        streams = capsys.readouterr()
        assert words in streams.err and streams.err.count("\n") == 1 and not streams.out
    assert not (tmp_path / "out").exists()


def test_a_model_without_counterpart_is_refused(tmp_path, capsys):
    pytest.importorskip("transformers")
    run = str(tmp_path / "run")
    small = ["--set", "model=gru", "--set", "width=8", "--set", "batch=2", "--set", "block_size=8", "--steps", "1"]
    assert main(["train", "autoregressive", "--dataset", "moby", *small, "--out", run]) == 0
    capsys.readouterr()
    assert main(["export", run, "--to", "transformers", "--out", str(tmp_path / "out")]) == 2
    assert "model=gru has no counterpart in transformers" in capsys.readouterr().err


def _changed(name, **values):
    def change(folder):
        about = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(about | values))

    return change


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: [p.unlink() for p in f.iterdir()], "holds no model of diffusers or transformers"),
        (lambda f: (f / "config.json").write_text("{"), "is not a JSON object"),
        (lambda f: (f / "config.json").write_text("[]"), "is not a JSON object"),
        (lambda f: (f / "model.safetensors").unlink(), "model.safetensors"),
        (lambda f: (f / "model.safetensors").write_bytes(b"x" * 40), "cannot be read"),
        (lambda f: (f / CARD).unlink(), f"holds no {CARD}"),
        (lambda f: (f / CARD).write_text("{}"), "is not the description of an exported run"),
        (_changed(CARD, family="cats"), "cats is not a family"),
        (_changed(CARD, family="gan"), "to=transformers is not for GAN runs"),
        (_changed(CARD, config={"dataset": "moby", "lr": -1}), "lr=-1 is outside"),
        (_changed(CARD, config={"dataset": "moby"}), "a model of other sizes"),
        (_changed("config.json", model_type="bert"), "model_type=bert is not gpt2 or llama"),
    ],
)
def test_a_damaged_folder(exported, tmp_path, damage, words, capsys):
    folder = tmp_path / "hf"
    folder.mkdir()
    for file in Path(exported).iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    damage(folder)
    capsys.readouterr()
    assert main(["import", str(folder), "--out", str(tmp_path / "run")]) == 2
    streams = capsys.readouterr()
    assert words in streams.err and streams.err.count("\n") == 1 and not streams.out
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["export", "nowhere", "--to", "diffusers", "--out", "x"], "nowhere is not a run folder"),
        (["export", "nowhere", "--out", "x"], "--to"),
        (["import", "nowhere", "--out", "x"], "nowhere is not a folder"),
        (["import", "."], "--out"),
    ],
)
def test_mistakes(args, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(args) == 2
    streams = capsys.readouterr()
    assert words in streams.err and streams.err.count("\n") == 1 and not streams.out


def test_formats_are_named_without_importing_them():
    assert FAMILIES["autoregressive"].references == {"transformers": "engines.autoregressive.references"}
    assert FAMILIES["diffusion"].references == {"diffusers": "engines.diffusion.references"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # diffusers with numpy 2
def test_the_run_on_the_shelf_opens_in_diffusers_and_comes_back(tmp_path, capsys):
    """The pipeline's images are those of the run that comes back; the global random stream stays where it was."""
    pytest.importorskip("diffusers")
    run, out, back = "assets/checkpoints/diffusion-mnist", str(tmp_path / "out"), str(tmp_path / "back")
    assert main(["export", run, "--to", "diffusers", "--out", out]) == 0
    streams = capsys.readouterr()
    (row,) = lines(streams.out)
    assert row["format"] == "diffusers" and "model_index.json" in row["files"] and not streams.err

    from engines.diffusion.references import open_pipeline

    _, engine, _ = load_run(run)
    pipeline = open_pipeline(out)
    theirs = dict(pipeline.unet.net.state_dict())
    assert theirs.keys() == engine.ema.net.state_dict().keys()
    assert all(torch.equal(theirs[name], tensor) for name, tensor in engine.ema.net.state_dict().items())
    assert main(["import", out, "--out", back]) == 0
    _, again, _ = load_run(back)
    request = FAMILIES["diffusion"].Request(n=3, num_steps=3)
    (mine,), (came_back,) = engine.sample(request), again.sample(request)
    assert np.array_equal(mine.views["samples"][0].pixels, came_back.views["samples"][0].pixels)


def test_a_latent_run_there_and_back(tmp_path):
    pytest.importorskip("diffusers")
    run, out, back = (str(tmp_path / name) for name in ("run", "out", "back"))
    assert main(["train", "diffusion", "--dataset", "digits", "--set", "space=latent", "--steps", "4", "--out", run]) == 0
    assert main(["export", run, "--to", "diffusers", "--out", out]) == 0
    assert main(["import", out, "--out", back]) == 0
    (_, engine, _), (_, again, _) = load_run(run), load_run(back)
    request = FAMILIES["diffusion"].Request(n=3, num_steps=3)
    (mine,), (came_back,) = engine.sample(request), again.sample(request)
    assert np.array_equal(mine.views["samples"][0].pixels, came_back.views["samples"][0].pixels)
