"""Runs that denoise latents: two parts in one run, and the contract of every engine over both."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from engines.core import Images
from engines.diffusion import questions as q
from engines.diffusion.config import cost
from engines.diffusion.diagnosis import diagnose
from engines.diffusion.objectives import errors
from engines.diffusion.presets import Request, resolve
from engines.loop import advance, first_look
from engines.nn.autoencoder import CellAutoencoder, build_autoencoder, elbo_terms, missing_contrast
from engines.registry import FAMILIES
from engines.state import pack, unpack

QUICK = dict(dataset="digits", space="latent", batch=32, width=32, depth=2, num_steps=3, ae_share=0.5)


@pytest.fixture(scope="module")
def make():
    family = FAMILIES["diffusion"]
    return lambda **settings: family.build(family.resolve({**QUICK, **settings}))


def train(engine, steps):
    for _ in range(steps):
        engine.train_step()
    return engine


@pytest.fixture(scope="module")
def trained(make):
    engine = make(steps=120)
    return train(engine, 120)


def answer(engine, question):
    *_, last = engine.answer(question)
    return last


def test_the_elbo_is_that_of_closed_forms():
    """An encoder that says N(1, 4) of every latent and a decoder that says 1/2 of every pixel."""
    net = build_autoencoder((1, 8, 8), 3, False, torch.Generator().manual_seed(0))
    for p in net.parameters():
        p.data.zero_()
    net.encoder[3].bias.data[:3] = 1.0
    net.encoder[3].bias.data[3:] = float(np.log(4))
    reconstruction, kl = elbo_terms(net, torch.rand(5, 1, 8, 8), torch.Generator().manual_seed(0))
    assert_close(reconstruction, torch.full((5,), 64 * float(np.log(2))))
    assert_close(kl, torch.full((5,), 3 * 0.5 * (1 + 4 - 1 - float(np.log(4)))))


def test_contrast_that_is_missing_is_found():
    """Logits of half the data's: twice those. Of data that vary less than what is decoded: as they are."""
    logits = torch.randn(400, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    assert missing_contrast(logits, (2 * logits).sigmoid()) == pytest.approx(2.0, abs=1e-3)
    assert missing_contrast(logits, (logits / 2).sigmoid()) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("cells", [False, True])
def test_amplified_logits_are_that_many_times_as_large(cells):
    net = build_autoencoder((1, 8, 8), 4, cells, torch.Generator().manual_seed(0))
    z = torch.randn(3, *net.shape, generator=torch.Generator().manual_seed(1))
    before = net.decode(z)
    net.amplify(1.5)
    assert_close(net.decode(z), 1.5 * before)


def test_decoded_images_vary_as_the_data_do(make):
    """With contrast, from the step on at which the autoencoder is finished; without, they are paler. What is learned is the same."""
    spread, weights = {}, {}
    for contrast in (True, False):
        engine = train(make(steps=400, contrast=contrast), 201)
        decoded = engine.decode(engine.encode(engine.examples))
        spread[contrast] = float(decoded.var(0).sum() / engine.examples.var(0).sum())
        weights[contrast] = [p.clone() for p in engine.net.parameters()]
    assert spread[True] == pytest.approx(1.0, abs=0.01) and spread[False] < 0.9
    assert all(torch.equal(a, b) for a, b in zip(weights[True], weights[False], strict=True))


@pytest.mark.parametrize("image", [(1, 28, 28), (3, 32, 32)])
def test_cells_keep_their_place(image):
    """What stands in one corner of an image is in that corner of its latents."""
    net = build_autoencoder(image, 4, True, torch.Generator().manual_seed(0))
    assert isinstance(net, CellAutoencoder) and net.shape == (4, image[1] // 4, image[2] // 4)
    x = torch.full((2, *image), 0.5)
    x[1, :, :4, :4] = 1.0
    mean, _ = net.encode(x)
    moved = (mean[1] - mean[0]).abs().sum(0)
    assert moved[0, 0] > 0 and moved[3:, :].max() == 0 and moved[:, 3:].max() == 0
    assert net.decode(mean).shape == x.shape


def test_the_autoencoder_learns_first_and_then_stands_still(make):
    engine = make(steps=60)
    assert engine.latent.first == 30
    first = train(engine, 1).probe.look(engine)["reconstruction"]
    before = [p.clone() for p in engine.net.parameters()]
    rows = [s for s in advance(engine, steps=28, every=29) if s is not None]
    assert rows[-1].metrics["recon"] > 0 and "mse" not in rows[-1].metrics and "validation_mse" not in rows[-1].metrics
    assert all(torch.equal(a, b) for a, b in zip(before, engine.net.parameters(), strict=True))
    held, again = engine.look()["reconstruction"]
    error = lambda views: float(((views[1].pixels - views[0].pixels) ** 2).mean())  # noqa: E731
    assert error((held, again)) < error(first)
    train(engine, 1)
    frozen = {k: v.clone() for k, v in engine.latent.state_dict().items()}
    rows = [s for s in advance(engine, steps=30, every=30) if s is not None]
    assert rows[-1].metrics["mse"] > 0 and "recon" not in rows[-1].metrics and "validation_mse" in rows[-1].metrics
    assert all(torch.equal(v, frozen[k]) for k, v in engine.latent.state_dict().items())
    assert any(not torch.equal(a, b) for a, b in zip(before, engine.net.parameters(), strict=True))


def test_the_held_out_loss_is_that_of_latents_as_training_draws_them(trained):
    """On the training images the loss of the probe's kind is that of training, up to noise; of the centres alone it is lower."""
    engine, x = trained, trained.examples[:1_000]
    generator = torch.Generator().manual_seed(0)
    sigma, eps = engine.draw_sigma(1_000, generator), torch.randn((1_000, *engine.shape), generator=generator)
    within = torch.randn((1_000, *engine.shape), generator=generator)
    loss = lambda z: float(errors(engine.ema.net, engine.parameterisation, z, eps, sigma, engine.labels[:1_000]).mean())  # noqa: E731
    as_trained = loss(engine.latent.draw(torch.arange(1_000), generator))
    assert loss(engine.latent.encode(x, within)) == pytest.approx(as_trained, rel=0.03)
    assert loss(engine.latent.encode(x)) < 0.97 * as_trained


def test_latents_are_white(trained):
    index = torch.arange(len(trained.examples))
    z = trained.latent.draw(index, torch.Generator().manual_seed(0))
    assert_close(z.mean(0), torch.zeros(24), atol=0.1, rtol=0)
    assert_close(torch.cov(z.T), torch.eye(24), atol=0.15, rtol=0)


def test_decoding_undoes_encoding(trained):
    """As well as the autoencoder can: nearer than the mean image is, and nearest to itself among ten."""
    x = torch.from_numpy(trained.data.pixels[:10])
    again = trained.decode(trained.encode(x))
    apart = ((again[:, None] - x[None]) ** 2).flatten(2).mean(2)
    assert (apart.argmin(1) == torch.arange(10)).sum() >= 8
    assert F.mse_loss(again, x) < F.mse_loss(x.mean(0, keepdim=True).expand_as(x), x)


@pytest.mark.parametrize("at", [5, 10, 15])
def test_resumed_is_bit_for_bit_the_same_run(make, at):
    """Before, at and after the step at which the autoencoder is finished."""
    whole = train(make(steps=20, seed=1), 20)
    assert whole.latent.first == 10
    resumed = make(steps=20, seed=1)
    unpack(resumed, pack(train(make(steps=20, seed=1), at)))
    assert pack(train(resumed, 20 - at)) == pack(whole)


def test_a_finished_engine_goes_back_to_where_its_autoencoder_learned(make):
    early = pack(train(make(steps=20, seed=1), 4))
    engine = train(make(steps=20, seed=1), 20)
    late = pack(engine)
    unpack(engine, early)
    assert not engine.latent.frozen
    assert pack(train(engine, 16)) == late


def test_looking_evaluating_and_asking_change_nothing(make):
    quiet, watched = make(steps=8, seed=5), make(steps=8, seed=5)
    for _ in range(8):
        quiet.train_step()
        watched.train_step()
        first_look(watched)
        watched.health()
        list(watched.sample(Request(n=4)))
        answer(watched, q.Denoise(n=4))
    assert pack(quiet) == pack(watched)


@pytest.mark.parametrize("settings", [{}, {"dataset": "mnist"}, {"dataset": "emoji"}, {"dataset": "mnist", "text": True}], ids=str)
def test_the_cost_is_that_of_the_networks(make, settings):
    engine = make(**settings)
    assert cost(engine.config).parameters == sum(p.numel() for net in (engine.net, engine.latent.net) for p in net.parameters())


def test_questions_see_decoded_images_and_latents(trained):
    found = answer(trained, q.Denoise(n=6))
    for panel in ("x_t", "x0"):
        assert all(isinstance(v, Images) and v.pixels.shape == (6, 1, 8, 8) for v in found.views[panel])
    assert [v.pixels.shape for v in found.views["latent"]] == [(6, 1, 4, 6)] * 3
    assert [v.name for v in found.views["latent"]] == [v.name for v in found.views["x0"]]


@pytest.mark.parametrize(
    "question",
    [
        q.Matrix(most=2, samplers="heun", n=20),
        q.Guidance(scales=(1.0, 2.0), per_class=1),
        q.Edit(n=2),
        q.Invert(n=2),
        q.Distil(steps=4, n=10),
    ],
    ids=lambda x: type(x).__name__,
)
def test_questions_that_make_sense_are_answered_in_pixels(trained, question):
    found = answer(trained, question)
    pixels = [v.pixels for layers in found.views.values() for v in layers if isinstance(v, Images)]
    assert pixels and all(p.shape[1:] == (1, 8, 8) and np.isfinite(p).all() for p in pixels)


def test_little_noise_leaves_an_example_as_it_was(trained):
    """Edited from σ 0.05, what comes back is what the autoencoder makes of the example."""
    found = answer(trained, q.Edit(n=2, sigma=0.05))
    rebuilt = trained.decode(trained.encode(torch.from_numpy(found.views["original"][0].pixels)))
    assert F.mse_loss(torch.from_numpy(found.views["results"][0].pixels[:1]), rebuilt) < 0.03


REFUSED = [
    (q.Inpaint(), "latents, which are not pixels"),
    (q.Bound(), "bits per dimension are of pixels"),
    (q.Attention(caption="a seven"), "needs text=true"),
]


@pytest.mark.parametrize(("question", "sentence"), REFUSED, ids=str)
def test_the_others_are_refused_with_a_sentence(trained, question, sentence):
    with pytest.raises(ValueError, match=sentence):
        answer(trained, question)


def test_a_student_waits_for_the_autoencoder(make):
    with pytest.raises(ValueError, match="the denoiser begins at step 30"):
        answer(train(make(steps=60), 3), q.Distil(steps=2))


def test_the_first_part_is_said_to_be_one():
    config = resolve({**QUICK, "steps": 60})
    note = diagnose([{"step": 10, "recon": 31.4, "kl": 2.0}], config)
    assert note.kind == "autoencoder" and "until step 30" in note.text and "31 nats" in note.text and note.evidence[0].value == 31.4
    assert diagnose([{"step": 40, "mse": 0.9}], config) is None


BAD = [
    ({"space": "latent"}, "space=latent cannot combine with points"),
    ({"dataset": "digits", "space": "latent", "steps": 1}, "steps=1 cannot combine with space=latent"),
    ({"dataset": "digits", "space": "latent", "text": True}, "text=true needs conditional=false, space=latent and one of mnist"),
    ({"dataset": "mnist", "text": True, "space": "pixel"}, "text=true needs"),
    ({"dataset": "mnist", "contrast": True}, "contrast=true needs space=latent: pixels are not decoded"),
    ({"dataset": "mnist", "space": "latent", "text": True, "classifier_scale": 1.0}, "the classifier knows no places"),
]


@pytest.mark.parametrize(("settings", "sentence"), BAD, ids=str)
def test_bad_values_are_named(settings, sentence):
    with pytest.raises(ValueError) as error:
        resolve(settings)
    assert sentence in str(error.value)


@pytest.mark.slow
def test_readable_digits_after_a_few_seconds():
    """Half of the preset: the judge is sure of what it sees, and sees what was asked for."""
    family = FAMILIES["diffusion"]
    engine = family.build(family.resolve({**family.presets["latent"].settings, "steps": 500}))
    train(engine, 500)
    (drawn,) = engine.sample(Request(n=200))
    said = engine.probe.judge.look(drawn.views["samples"][0].pixels)[1]
    assert (said.argmax(1) == np.arange(200) % 10).mean() > 0.85
    assert said.max(1).mean() > 0.9
