"""Finished runs that come with the project: a visitor has them as if they had been trained here."""

import json

import numpy as np
import pytest
import torch

from engines.config import to_dict
from engines.registry import FAMILIES
from engines.runs import RUN, load_run
from playground.sessions import frames, shelf
from tests.playground.conftest import branch

SHELVED = [(key, preset) for key, family in FAMILIES.items() for preset in shelf.names(family)]


def place(family, preset):
    return shelf.folder(FAMILIES[family], preset)


def test_the_tab_that_needs_one_has_one():
    assert ("vae", "mnist") in SHELVED
    assert {("diffusion", preset) for preset in ("ring", "mnist", "fashion", "emoji")} <= set(SHELVED)


@pytest.mark.parametrize(("key", "preset"), SHELVED)
def test_each_is_the_finished_run_of_its_preset_and_says_how_it_was_made(key, preset):
    family, found = FAMILIES[key], shelf.kept(place(key, preset))
    assert found.config == to_dict(family.resolve(family.presets[preset].settings)) and found.step == found.config["steps"]
    assert json.loads((place(key, preset) / RUN).read_bytes())["command"] == f"python -m benchmarks.pretrain {key} {preset}"
    steps = [step for step, _ in found.film]
    assert steps[0] == 0 and steps[-1] == found.step and steps == sorted(steps) and len(steps) >= 12
    assert [step for step, _ in found.rows][-1] == found.step


MEASURED = {
    "vae": ("test_neg_elbo", "test_kl", "active_units"),
    "autoregressive": ("val_nats_per_char", "val_bits_per_byte", "bits_per_dim"),
    "diffusion": ("validation_mse", "nfe"),
}
# made before held-out noise levels were drawn one from each part of their distribution


@pytest.mark.parametrize(("key", "preset"), SHELVED)
def test_its_last_picture_and_numbers_are_those_of_its_checkpoint(key, preset):
    """As far as another machine, which may round otherwise, can say."""
    found = shelf.kept(place(key, preset))
    _, engine, _ = load_run(str(place(key, preset)))
    then, now = frames.decode(found.film[-1][1]), frames.decode(frames.encode(frames.Snapshot(engine.step, {}, engine.look())))
    alike(engine, then.views, now.views)
    last, measured = json.loads(found.rows[-1][1])["m"], engine.evaluate()
    names = [name for name in MEASURED[key] if name in measured]
    assert names
    for name in names:
        assert measured[name] == pytest.approx(last[name], rel=1e-3), name


def alike(engine, then, now):
    """Places of latents; walks and denoised images from the same noise; the surprise of the text on the stage, read again; of images drawn
    pixel by pixel with the same random numbers, most."""
    if "latent" in then:
        np.testing.assert_allclose(then["latent"][0].xy, now["latent"][0].xy, atol=1e-3)
        return
    if engine.family == "diffusion":
        for a, b in zip(then["stage"], now["stage"], strict=True):
            if hasattr(a, "pixels"):
                assert np.abs(a.pixels - b.pixels).mean() < 0.01
            else:
                np.testing.assert_allclose(a.xy, b.xy, atol=1e-2)
        return
    stage = then["stage"][0]
    if hasattr(stage, "pieces"):
        pieces = engine.source.tokenizer.pieces
        ids = torch.tensor([pieces.index(piece) for piece in stage.pieces])[: engine.model.block_size]
        np.testing.assert_allclose(engine.probe.read(engine, ids).surprise[1:], stage.surprise[1 : len(ids)], atol=1e-3)
    else:
        same = (np.abs(stage.pixels - now["stage"][0].pixels) < 1e-3).all((1, 2, 3))
        assert same.mean() >= 0.75, "one pixel drawn otherwise changes the rest of its image"


def test_a_visitor_gets_it_with_its_past_asks_it_and_forks_it(visit):
    visitor = visit("vae")
    visitor.act("revive", preset="mnist")
    header = visitor.pull(history=1)
    found = shelf.kept(place("vae", "mnist"))
    assert header["state"] == "finished" and branch(header)["step"] == found.step
    assert [row["s"] for row in visitor.rows] == [step for step, _ in found.rows]
    assert {s for _, s, backdrop in visitor.frames if not backdrop} >= {step for step, _ in found.film}
    answer = visitor.post("ask", json={"question": "decode", "values": {"z": [0.5, 0.5]}})
    assert answer.status_code == 200, answer.text
    assert frames.decode(answer.content).views["decode"][0].pixels.shape == (1, 1, 28, 28)
    forked = visitor.act("fork", branch=branch(header)["id"], step=found.step, settings={"beta": 20.0, "steps": found.step + 40})
    done = visitor.until(lambda h: branch(h, forked["branch"])["state"] == "finished", 60)
    assert branch(done, forked["branch"])["step"] == found.step + 40


def test_a_pixel_model_from_the_shelf_is_asked_at_once(visit):
    visitor = visit("autoregressive")
    visitor.act("revive", preset="pixelcnn")
    header = visitor.pull(history=1)
    assert header["state"] == "finished" and branch(header)["step"] == shelf.kept(place("autoregressive", "pixelcnn")).step
    answer = visitor.post("ask", json={"question": "likelihood", "values": {"index": 3}})
    assert answer.status_code == 200, answer.text
    told = frames.decode(answer.content)
    bits = told.views["bits"][0].values
    assert bits.shape == (8, 8) and 1 < told.metrics["bits_per_dim"] < 3
    assert told.metrics["bits_per_dim"] == pytest.approx(bits.mean(), rel=2e-3)  # maps travel as bytes


def test_a_diffusion_model_from_the_shelf_is_asked_at_once_and_goes_on(visit):
    """Without raw weights and moments in its checkpoint, training goes on from the average."""
    visitor = visit("diffusion")
    visitor.act("revive", preset="ring")
    header = visitor.pull(history=1)
    step = shelf.kept(place("diffusion", "ring")).step
    assert header["state"] == "finished" and branch(header)["step"] == step
    answer = visitor.post("ask", json={"question": "likelihood", "values": {"n": 20, "num_steps": 20}})
    assert answer.status_code == 200, answer.text
    told = frames.decode(answer.content).metrics
    assert told["log_p"] == pytest.approx(told["exact log_p"], abs=0.5)
    forked = visitor.act("fork", branch=branch(header)["id"], step=step, settings={"lr": 1e-3, "steps": step + 400})
    done = visitor.until(lambda h: branch(h, forked["branch"])["state"] == "finished", 60)
    assert branch(done, forked["branch"])["step"] == step + 400
    assert [row for row in visitor.rows if row["b"] == forked["branch"]][-1]["m"]["modes_covered"] == 8


def test_what_is_not_there_is_refused(visit):
    visitor = visit("vae")
    for preset in ("collapse", "../vae-mnist", 3, None):
        assert visitor.refused("revive", preset=preset)["field"] == "preset"
    assert visit("gan").refused("revive", preset="ring")["field"] == "preset"
