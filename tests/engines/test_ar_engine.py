"""The contract of a family, on autoregressive models: same seed same run, looking changes nothing, every model trains on its data."""

import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from engines.autoregressive.config import MODELS, PIXEL_MODELS, TEXT_MODELS, cost
from engines.autoregressive.presets import PRESETS, resolve
from engines.autoregressive.questions import Request
from engines.core import Bars, Diverged, Images, Tokens
from engines.loop import advance, first_look
from engines.metrics import METRICS
from engines.registry import FAMILIES
from engines.state import pack, unpack

SMALL = dict(width=16, layers=2, heads=2, kv_heads=2, block_size=16, batch=4, steps=40, warmup=4, hidden=16)
EVERY = [("moby", m) for m in TEXT_MODELS] + [("digits", m) for m in PIXEL_MODELS]


@pytest.fixture(scope="module")
def ar():
    """settings -> a small fresh engine."""
    family = FAMILIES["autoregressive"]

    def build(dataset="moby", data=None, **settings):
        return family.build(family.resolve({"dataset": dataset, **SMALL, **settings}), data=data)

    return build


def run(engine, steps, every=10):
    return [s for s in advance(engine, steps=steps, every=every) if s is not None]


def test_every_model_trains(ar):
    for dataset, model in EVERY:
        engine = ar(dataset, model=model)
        before = [p.clone() for p in engine._weights if p.dim() > 1]
        (snapshot,) = run(engine, 8, every=8)
        assert engine.step == snapshot.step == 8 and all(np.isfinite(v) for v in snapshot.metrics.values())
        assert set(snapshot.metrics) <= set(METRICS)
        changed = [p for p in engine._weights if p.dim() > 1]
        assert all(not torch.equal(a, b) for a, b in zip(before, changed, strict=True)), model
        assert sum(p.numel() for p in engine._weights) == cost(engine.config).parameters, model
        (view,) = snapshot.views["stage"]
        assert isinstance(view, Tokens if dataset == "moby" else Images)


@pytest.mark.parametrize(("dataset", "model"), [("moby", "llama"), ("moby", "ngram"), ("moby", "gru"), ("digits", "gated-pixelcnn")])
def test_resumed_is_bit_for_bit_the_same_run(ar, dataset, model):
    """And looking, evaluating and sampling in between change nothing."""
    whole, half = (ar(dataset, model=model, accumulate=2, ema_decay=0.9) for _ in range(2))
    run(whole, 8, every=100)
    for _ in range(4):
        half.train_step()
        first_look(half)
        half.backdrop()
        half.health()
        list(half.sample(Request(n=2, length=5)))
    resumed = ar(dataset, model=model, accumulate=2, ema_decay=0.9)
    unpack(resumed, pack(half))
    assert resumed.step == 4
    run(resumed, 4, every=100)
    assert pack(resumed) == pack(whole)


@pytest.mark.parametrize(("dataset", "model"), [("moby", "llama"), ("digits", "gated-pixelcnn")])
def test_bfloat16_rounds_products_and_keeps_the_weights(ar, dataset, model):
    """A gradient differs from that of float32 by a few times 2^-8 of its length, and by more than nothing; weights stay float32."""
    gradients = []
    for precision in ("float32", "bfloat16"):
        engine = ar(dataset, model=model, precision=precision, clip=0.0)
        engine.train_step()
        assert all(p.dtype == p.grad.dtype == torch.float32 for p in engine._weights)
        gradients.append(torch.cat([p.grad.flatten() for p in engine._weights]))
    exact, rounded = gradients
    apart = ((rounded - exact).norm() / exact.norm()).item()
    assert 1e-4 < apart < 0.03, apart


def test_another_seed_another_run_and_the_global_stream_stays(ar):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    a, b = (ar(seed=s) for s in (1, 2))
    run(a, 3)
    assert torch.equal(before, torch.get_rng_state())
    assert not torch.equal(a.net.tokens.weight, b.net.tokens.weight)


def test_snapshots_hold_no_tensors(ar):
    for dataset in ("moby", "digits"):
        engine = ar(dataset)
        for s in (*run(engine, 2), engine.backdrop(), *engine.sample(Request(n=2, length=4))):
            assert all(type(v) is float for v in s.metrics.values())
            for layers in s.views.values():
                assert not any(isinstance(v, torch.Tensor) for view in layers for v in vars(view).values())


def test_training_learns(ar):
    engine = ar(model="mlp", steps=60, lr=1e-2, batch=32, hidden=64)
    untrained = engine.evaluate()["val_nats_per_char"]
    run(engine, 60, every=60)
    trained = engine.evaluate()
    assert (
        untrained == pytest.approx(math.log(83), abs=0.3) and trained["val_nats_per_char"] < 3.1
    )  # less than the frequency of each character says
    assert trained["val_perplexity"] == pytest.approx(math.exp(trained["val_nats_per_char"]))
    bits = trained["val_nats_per_char"] / math.log(2) * len(engine.source.text.val) / engine.source.text.val_bytes
    assert trained["val_bits_per_byte"] == pytest.approx(bits)


def test_nats_per_character_do_not_depend_on_the_tokens(ar):
    """Of BPE tokens: nats per token, times tokens per character."""
    engine = ar(tokens="bpe", vocab=300)
    found, source = engine.evaluate(), engine.source
    per_token = math.log(found["val_perplexity"])
    assert found["val_nats_per_char"] == pytest.approx(per_token * len(source.val) / len(source.text.val))
    assert (
        len(source.val) < 0.95 * len(source.text.val)
        and source.tokenizer.decode(source.val[:50].tolist()).rstrip("\ufffd") in source.text.val
    )


def test_the_rate_rises_and_falls_along_a_cosine(ar):
    engine, rates = ar(steps=20, warmup=4, lr=1e-2, lr_end=0.1), []
    for _ in range(21):
        engine.train_step()
        rates.append(engine.opt.param_groups[0]["lr"])
    np.testing.assert_allclose(rates[:4], [0.0025, 0.005, 0.0075, 0.01])
    np.testing.assert_allclose(rates[12], 1e-2 * (0.1 + 0.9 / 2))
    np.testing.assert_allclose(rates[20], 1e-3)


def test_accumulated_gradients_are_those_of_one_large_batch(ar):
    parts, whole = ar(accumulate=2, batch=2), ar(batch=4)
    batches = [parts.source.batch(2, parts.rng["data"]) for _ in range(2)]
    unused = ar(accumulate=2, batch=2)
    unused.train_step()
    whole.source.loss(whole.net, torch.cat(batches)).backward()
    for p, q in zip(unused._weights, whole._weights, strict=True):
        scale = min(1.0, unused.config.clip / torch.stack([w.grad.norm() for w in whole._weights]).norm().item())
        assert_close(p.grad, q.grad * scale, atol=1e-5, rtol=1e-3)


def test_decay_is_decoupled_and_spares_gains_and_biases(ar):
    """Without a gradient, one step takes lr · decay of every matrix and nothing of the rest."""
    engine = ar(weight_decay=0.5, warmup=0, lr=1e-2)
    before = [p.detach().clone() for p in engine._weights]
    engine._set_rates()
    for p in engine._weights:
        p.grad = torch.zeros_like(p)
    engine.opt.step()
    for p, old in zip(engine._weights, before, strict=True):
        assert_close(p.detach(), old * (1 - 1e-2 * 0.5) if p.dim() > 1 else old)


def test_live_knobs(ar):
    engine = ar()
    engine.set(lr=1e-4, weight_decay=0.0, clip=0.0)
    engine.train_step()
    assert engine.config.lr == 1e-4 and engine.opt.param_groups[0]["weight_decay"] == 0
    for bad in ({"batch": 8}, {"lr": float("nan")}, {"speed": 1}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            engine.set(**bad)
    with pytest.raises(ValueError, match="part='d'"):
        engine.train_step("d")


def test_a_hopeless_rate_diverges(ar):
    engine = ar(lr=0.1, warmup=0, clip=0.0, steps=200, weight_decay=0.0)
    for p in engine._weights:
        p.data.mul_(1e6)
    with pytest.raises(Diverged):
        run(engine, 200)


@pytest.mark.parametrize("cached", [True, False])
def test_samples(ar, cached):
    engine = ar()
    (*_, last) = engine.sample(Request(n=3, length=20, prompt="Call me", seed=4, cache=cached))
    views = last.views["samples"]
    assert len(views) == 3 and all(v.text.startswith("Call me") and v.given == 7 and len(v.pieces) == 27 for v in views)
    assert np.isnan(views[0].surprise[:7]).all() and np.isfinite(views[0].surprise[7:]).all()
    (*_, other) = engine.sample(Request(n=1, length=20, prompt="Call me", seed=4))
    assert other.views["samples"][0].text == views[0].text, "a text does not depend on how many there are"
    (*_, beams) = engine.sample(Request(n=2, length=5, beams=3))
    assert len(beams.views["samples"]) == 2
    for bad, words in ((dict(prompt="Ω"), "Ω"), (dict(n=5, beams=2), "beams=2"), (dict(n=10_000, length=4_000), "n=10000")):
        with pytest.raises(ValueError, match=words):
            list(engine.sample(Request(**bad)))


@pytest.mark.parametrize("order", ["raster", "reverse", "random"])
def test_images_in_any_order(ar, order):
    engine = ar("digits", pixel_order=order, conditional=True, levels="4")
    (*_, last) = engine.sample(Request(n=5, label=3))
    (view,) = last.views["samples"]
    assert view.pixels.shape == (5, 1, 8, 8) and set(np.unique(view.pixels).round(4)) <= {-1, np.float32(-0.3333), np.float32(0.3333), 1}
    (*_, plain) = engine.sample(Request(n=2, label=3, cache=False))
    np.testing.assert_array_equal(plain.views["samples"][0].pixels, view.pixels[:2])
    seen = engine.source.seen(engine.source.test.long())
    assert torch.equal(engine.source.ordered(seen), engine.source.test.long())
    same = ar("digits", levels="4").source.test.long()
    assert torch.equal(seen, same), "the image itself is the same in every order"


def test_own_text(ar):
    text = "Schöne Grüße — 你好, wörld. " * 60
    engine = ar("own-text", data=np.frombuffer(text.encode(), np.uint8))
    run(engine, 2, every=2)
    assert set(engine.source.text.text) == set(text) and "baselines" not in engine.backdrop().views
    refused = [(np.zeros(5, np.uint8), "5 characters"), (np.array([255] * 5000, np.uint8), "UTF-8"), (None, "paste or upload"),
               (np.full(1_000_001, 65, np.uint8), "1,000,001 bytes")]  # fmt: skip
    for data, words in refused:
        with pytest.raises(ValueError, match=words):
            ar("own-text", data=data)


def test_backdrop_has_what_counting_reaches(ar):
    backdrop = ar().backdrop()
    (bars,) = backdrop.views["baselines"]
    assert isinstance(bars, Bars) and bars.labels == ("unigram", "bigram", "trigram", "4-gram", "5-gram", "gzip")
    assert backdrop.views["stage"][0].role == "data"


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_valid(preset):
    resolve(PRESETS[preset].settings)


@pytest.mark.parametrize("model", MODELS)
def test_every_recommendation_is_valid_and_has_a_cost(model):
    for dataset in ("moby", "shakespeare", "own-text") if model in TEXT_MODELS else ("digits", "mnist", "fashion", "own-images"):
        config = resolve({"dataset": dataset, "model": model})
        estimate = cost(config)
        assert (config.dataset, config.model) == (dataset, model)
        assert (estimate.parameters > 0) == (model != "ngram") and estimate.bytes > 0 and estimate.flop_per_step < 3e10


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (dict(model="pixelcnn"), "model=pixelcnn cannot combine with dataset=moby"),
        (dict(width=33, heads=4), "heads=4 cannot combine with width=33"),
        (dict(model="llama", heads=4, kv_heads=3), "kv_heads=3"),
        (dict(model="gru", causal=False), "causal=false"),
        (dict(dataset="digits", model="image-gpt", likelihood="logistic"), "likelihood=logistic"),
        (dict(dataset="cats"), "dataset=cats is not one of"),
        (dict(dataset="emoji"), "dataset=emoji is not one of"),
        (dict(model="cats"), "model=cats is not one of"),
        (dict(lr=float("nan")), "lr=nan"),
        (dict(speed=1), "speed"),
    ],
)
def test_mistakes_are_named(settings, words):
    with pytest.raises(ValueError, match=words):
        resolve(settings)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize(("dataset", "model"), EVERY)
def test_cpu_and_cuda_agree(ar, dataset, model):
    """The same weights and the same batch on both: the same loss; and a run on CUDA looks and measures."""
    cpu = ar(dataset, model=model)
    cuda = FAMILIES["autoregressive"].build(cpu.config, device="cuda")
    run(cpu, 2)
    unpack(cuda, pack(cpu))
    batch = cpu.source.batch(4, cpu.rng["data"])
    same = batch.cuda() if isinstance(batch, torch.Tensor) else (batch[0].cuda(), None)
    assert_close(cpu.source.loss(cpu.net, batch), cuda.source.loss(cuda.net, same).cpu(), rtol=1e-4, atol=1e-4)
    (snapshot,) = run(cuda, 2, every=4)
    assert all(np.isfinite(v) for v in snapshot.metrics.values())
