"""A run as a folder of diffusers and back: the same samples bit for bit, nothing but safetensors and JSON, and one sentence for a folder
that is not what it should be."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from engines.data.captions import encode
from engines.diffusion import questions as q
from engines.diffusion.guidance import classifier_free
from engines.diffusion.references import REFERENCES, export, load, open_pipeline, read, walk_of
from engines.diffusion.samplers import SAMPLERS, final
from engines.registry import FAMILIES
from engines.runs import load_run
from playground.sessions import shelf

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # diffusers with numpy 2
FAMILY = FAMILIES["diffusion"]
COMPONENTS = {"unet", "scheduler", "vae", "text_encoder", "tokenizer"}


def trained(steps=6, total=0, **settings):
    engine = FAMILY.build(FAMILY.resolve(settings | {"steps": total or max(steps, 2)}))
    for _ in range(steps):
        engine.train_step()
    return engine


def samples(engine, n=6):
    (snapshot,) = engine.sample(FAMILY.Request(n=n, seed=3, num_steps=4))
    view = snapshot.views["samples"][0]
    return view.pixels if engine.image else view.xy


def answered(engine, question):
    *_, last = engine.answer(question)
    return last


@pytest.mark.parametrize(
    "settings",
    [
        dict(dataset="moons"),
        dict(dataset="digits"),
        dict(dataset="digits", network="dit", objective="eps", schedule="sigmoid", conditional=False),
        dict(dataset="digits", space="latent"),
    ],
    ids=["points", "unet", "dit", "latent"],
)
def test_a_run_comes_back_from_its_folder_bit_for_bit(settings, tmp_path):
    engine = trained(**settings)
    export(engine, tmp_path)
    config, parts = read(tmp_path)
    again = load(tmp_path)
    assert config == engine.config and again.step == engine.step
    assert np.array_equal(samples(engine), samples(again))
    files = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {".json", ".safetensors", ".md"}


def test_the_pipeline_of_diffusers_draws_what_our_sampler_draws(tmp_path):
    engine = trained(dataset="digits", sampler="euler")
    export(engine, tmp_path)
    pipeline = open_pipeline(tmp_path)
    assert type(pipeline.scheduler).__module__.startswith("diffusers.") and type(pipeline).__mro__[2].__module__.startswith("diffusers.")
    y = torch.arange(3)
    walked = list(walk_of(pipeline, "euler", batch_size=3, num_inference_steps=5, generator=torch.Generator().manual_seed(1),
                          class_labels=y, guidance_scale=2.0))  # fmt: skip
    assert len(walked) == 6 and walked[-1][0] == 0
    # Euler by hand, guided, with the network of the engine that is still in memory
    denoise = classifier_free(engine.ema.net, engine.parameterisation, y, 2.0)
    x = walked[0][1]
    for (sigma, _), (to, theirs) in zip(walked[:-1], walked[1:], strict=True):
        with torch.no_grad():
            x = x + (to - sigma) / sigma * (x - denoise(x, sigma))
        assert_close(x, theirs, rtol=0, atol=1e-5 * float(theirs.abs().max()))
    images = pipeline(batch_size=2, num_inference_steps=5, generator=torch.Generator().manual_seed(1), output_type="np").images
    assert images.shape == (2, 8, 8, 1) and 0 <= images.min() < images.max() <= 1


@pytest.fixture(scope="module")
def told():
    return load_run(str(shelf.folder(FAMILY, "text")))[1]


def test_a_latent_run_told_words_is_five_components_and_comes_back(told, tmp_path):
    """Autoencoder, denoiser, text encoder with its tokenizer, scheduler: the pipeline draws what our sampler draws from a caption."""
    export(told, tmp_path)
    index = json.loads((tmp_path / "model_index.json").read_text())
    assert {name for name, kinds in index.items() if isinstance(kinds, list) and kinds[0]} == COMPONENTS
    pipeline, caption = open_pipeline(tmp_path), "a large seven at the left"
    walked = list(walk_of(pipeline, "flow-euler", batch_size=4, num_inference_steps=6, generator=torch.Generator().manual_seed(1),
                          prompt=caption, guidance_scale=4.0))  # fmt: skip
    y = torch.from_numpy(encode(caption)).expand(4, -1)
    sigmas = torch.tensor([sigma for sigma, _ in walked])
    denoise = classifier_free(told.ema.net, told.parameterisation, y, 4.0)
    with torch.no_grad():
        ours = final(SAMPLERS["flow-euler"](denoise, walked[0][1], sigmas, None))
    assert_close(ours, walked[-1][1], rtol=0, atol=1e-5 * float(ours.abs().max()))
    drawn = pipeline(batch_size=4, num_inference_steps=6, generator=torch.Generator().manual_seed(1), prompt=[caption] * 4,
                     guidance_scale=4.0, output_type="np").images  # fmt: skip
    assert_close(torch.from_numpy(drawn[..., 0]), (told.decode(ours)[:, 0] / 2 + 0.5).detach(), rtol=0, atol=1e-4)
    again = load(tmp_path)
    assert np.array_equal(samples(told), samples(again)) and again.step == told.step == 9_000


def test_own_images_come_back_in_latents_too(tmp_path):
    """Latents of one's own images, which have no classes to be guided to."""
    images = np.random.default_rng(0).integers(0, 256, (12, 1, 8, 8)).astype(np.uint8)
    engine = FAMILY.build(FAMILY.resolve(dict(dataset="own-images", space="latent", steps=4)), data=images)
    assert engine.config.cfg_scale == 1
    for _ in range(4):
        engine.train_step()
    export(engine, tmp_path)
    assert np.array_equal(samples(engine), samples(load(tmp_path, images)))


def test_their_tokenizer_reads_captions_as_ours(told, tmp_path):
    export(told, tmp_path)
    pipeline = open_pipeline(tmp_path)
    for caption in ("A small 7, slanted left, at the top left.", "an 8", "zero"):
        ids = pipeline.tokenizer(caption, padding="max_length")["input_ids"]
        assert ids == encode(caption).tolist()
    for bad in ("a small cat", "a " * 13):
        with pytest.raises(ValueError, match="does not consist of up to 12 of these words: a, at, bottom"):
            pipeline(prompt=bad, num_inference_steps=2)


def test_a_run_whose_autoencoder_still_learns_has_nothing_to_export(tmp_path):
    with pytest.raises(ValueError, match="it begins at step 4"):
        export(trained(steps=2, dataset="digits", space="latent", total=8, ae_share=0.5), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", REFERENCES)
def test_every_reference_walks_as_we_do(sampler):
    # the cosine schedule begins at sigma 20,000, where x itself, which only Euler and Heun walk, has no fifth digit left in float32
    schedule = "linear" if REFERENCES[sampler].scale == "ve" else "cosine"
    latent = trained(steps=40, dataset="digits", space="latent", objective="flow" if schedule == "linear" else "v")
    for engine in (trained(steps=40, dataset="moons"), trained(steps=60, dataset="digits", objective="x0", schedule=schedule), latent):
        found = answered(engine, q.Parity(sampler=sampler, num_steps=10, n=6))
        assert found.metrics["largest difference"] < 1e-5
        assert len(found.views["difference"][0].y) == 10
        assert found.metrics["ours"] > 0 and found.metrics["theirs"] > 0 and found.metrics["megabytes"] > 0.001


def test_a_question_that_diffusers_cannot_answer_is_refused():
    engine = trained(steps=1, dataset="moons")
    with pytest.raises(ValueError, match="num_steps=30 does not divide 1000"):
        answered(engine, q.Parity(sampler="ddim", num_steps=30))
    with pytest.raises(ValueError, match="classifier_scale=2"):
        answered(trained(steps=1, dataset="digits", classifier_scale=2.0), q.Parity())


def test_while_an_answer_waits_others_can_train():
    engine, other = trained(steps=2, dataset="digits"), trained(steps=1, dataset="moons")
    asked = [q.Edit(n=2), q.Inpaint(n=2), q.Invert(n=2), q.Denoise(n=2), q.Parity(n=2, num_steps=2)]
    for steps in [engine.answer(question) for question in asked]:
        next(steps)
        assert torch.is_grad_enabled()
        other.train_step()
        *_, last = steps
        assert last.views and torch.is_grad_enabled()


def test_a_folder_that_does_not_fit_says_what_is_wrong(tmp_path):
    with pytest.raises(ValueError, match=r"holds no unet/config\.json"):
        read(tmp_path)
    export(trained(steps=1, dataset="moons"), tmp_path)
    settings, weights = tmp_path / "unet/config.json", tmp_path / "unet/diffusion_pytorch_model.safetensors"
    good, tensors = json.loads(settings.read_text()), load_file(weights)
    settings.write_text(json.dumps(good | {"run": good["run"] | {"width": 48}}))
    with pytest.raises(ValueError, match="is not of shape"):
        read(tmp_path)
    settings.write_text(json.dumps(good | {"run": good["run"] | {"width": 10**9}}))
    with pytest.raises(ValueError, match="width=1000000000 is outside"):
        read(tmp_path)
    settings.write_text("{}")
    with pytest.raises(ValueError, match="is not the description of a run"):
        read(tmp_path)
    settings.write_text(json.dumps(good))
    save_file({name: torch.full_like(t, float("nan")) for name, t in tensors.items()}, weights)
    with pytest.raises(ValueError, match="not finite"):
        read(tmp_path)
    weights.write_bytes(b"\x80\x04pickle")
    with pytest.raises(ValueError, match="is damaged"):
        read(tmp_path)
    weights.unlink()
    with pytest.raises(ValueError, match="holds no unet"):
        read(tmp_path)
