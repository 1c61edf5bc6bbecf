"""Answers about a model: numbers that can be checked, from the question's own text or image."""

import math

import numpy as np
import pytest
import torch

from engines.autoregressive import questions as q
from engines.autoregressive import questions_writing as w
from engines.autoregressive.anomaly import roc, strange
from engines.autoregressive.answers_text import copies
from engines.core import Heat
from engines.registry import FAMILIES
from engines.state import pack

FAMILY = FAMILIES["autoregressive"]
SMALL = dict(width=16, layers=2, heads=2, kv_heads=2, block_size=16, batch=4, steps=40)
TEXT = "Call me Ishmael."


def build(**settings):
    engine = FAMILY.build(FAMILY.resolve({"dataset": "moby", **SMALL, **settings}))
    for p in engine._weights:
        p.data.add_(0.1 * torch.randn(p.shape, generator=torch.Generator().manual_seed(p.numel())))
    return engine


@pytest.fixture(scope="module")
def gpt():
    return build()


@pytest.fixture(scope="module")
def digits():
    return build(dataset="digits", model="gated-pixelcnn")


def ask(engine, question):
    before = pack(engine)
    found = [s for s in engine.answer(question) if s is not None]
    assert pack(engine) == before, "answering changes nothing"
    assert all(type(v) is float for v in found[-1].metrics.values())
    return found[-1]


def test_next_and_surprise_agree(gpt):
    whole = ask(gpt, q.Surprise(text=TEXT))
    (view,) = whole.views["text"]
    assert view.text == TEXT and np.isnan(view.surprise[0])
    one = ask(gpt, q.Next(text=TEXT, position=5, shown=83))
    bars = one.views["next"][0]
    assert bars.values.sum() == pytest.approx(1, abs=1e-5) and (np.diff(bars.values) <= 0).all()
    assert bars.values[bars.labels.index(TEXT[5])] == pytest.approx(math.exp(-view.surprise[5]), rel=1e-4)
    assert one.metrics["surprise [nats]"] == pytest.approx(view.surprise[5], abs=1e-4)
    assert whole.metrics["nll [nats]"] == pytest.approx(np.nansum(view.surprise), rel=1e-5)
    assert whole.metrics["bits_per_byte"] == pytest.approx(whole.metrics["nll [bits]"] / 15)
    assert 0 <= whole.metrics["rank held out"] <= 1
    narrowed = ask(gpt, q.Next(text=TEXT, top_k=2)).views["next"][0]
    assert (narrowed.values > 0).sum() == 2


def test_a_text_longer_than_the_context_is_read_in_halves(gpt):
    long = TEXT * 4
    view = ask(gpt, q.Surprise(text=long)).views["text"][0]
    assert len(view.pieces) == len(long) and np.isfinite(view.surprise[1:]).all()
    ids = torch.from_numpy(gpt.source.tokenizer.encode(long))
    with torch.no_grad():  # token 30 is read in the window of 16 tokens that ends at 32
        expected = -gpt.model(ids[None, 16:32])[0, 13].log_softmax(-1)[ids[30]]
    assert view.surprise[30] == pytest.approx(expected.item(), abs=1e-4)


def test_attention_lens_and_gradient(gpt):
    heat = ask(gpt, q.Attention(text=TEXT, layer=1, head=1)).views["attention"][0]
    assert isinstance(heat, Heat) and heat.values.shape == (16, 16)
    np.testing.assert_allclose(heat.values.sum(1), 1, atol=1e-5)
    assert (np.triu(heat.values, 1) == 0).all()
    lens = ask(gpt, q.Lens(text=TEXT, shown=3))
    assert [b.name for b in lens.views["lens"]] == ["embedding", "after layer 1", "after layer 2"]
    last = ask(gpt, q.Next(text=TEXT, shown=3)).views["next"][0]
    np.testing.assert_allclose(lens.views["lens"][-1].values, last.values, rtol=1e-4)
    gradient = ask(gpt, q.Receptive(text=TEXT, position=6)).views["text"][0]
    assert gradient.value.shape == (6,) and (gradient.value > 0).all()
    with pytest.raises(ValueError, match="layer=5"):
        ask(gpt, q.Attention(layer=5))


def test_an_mlp_sees_its_window_only():
    engine = build(model="mlp", window=3, hidden=16)
    value = ask(engine, q.Receptive(text=TEXT)).views["text"][0].value
    assert (value[-3:] > 0).all() and (value[:-3] == 0).all()
    with pytest.raises(ValueError, match="model=mlp has no attention"):
        ask(engine, q.Attention())


def test_another_token_another_text(gpt):
    a, b = (ask(gpt, q.Continue(text=TEXT, position=4, token=t, length=10, seed=1)).views["text"][0] for t in ("x", "yy"))
    assert a.text.startswith("Callx") and a.given == 5 and b.text.startswith("Callyy") and b.given == 6 and len(b.pieces) == 16
    drafted = ask(gpt, q.Speculative(length=20))
    assert len(drafted.views["text"][0].pieces) == 21 and 1 <= drafted.metrics["tokens per pass"] <= 5


def test_copies_are_found():
    source = "It was a dark and stormy night; the rain fell in torrents."
    inside, longest = copies("xxa dark and stormy nightyy dark", source, 20)
    assert longest == 23 and inside.sum() == 23 and inside[2] and not inside[:2].any() and not inside[25:].any()
    assert copies("nothing alike", source, 20)[0].sum() == 0


def test_a_text_given_is_looked_up(gpt):
    known = gpt.source.text.train[1_000:1_030]
    answer = ask(gpt, q.Memorised(text=f"{known}zzzz qqqq zzzz", least=20))
    assert answer.views["text"][0].mark[:30].all() and not answer.views["text"][0].mark[32:].any()
    assert answer.metrics["longest copy [characters]"] == 30


def test_what_it_wrote_is_looked_up(gpt):
    answer = ask(gpt, q.Memorised(length=30))
    assert answer.metrics["copied"] == 0 and answer.views["text"][0].mark.sum() == 0


def test_context_and_baselines(gpt):
    (curve,) = ask(gpt, q.Context()).views["context"]
    assert curve.x.tolist() == list(range(1, 17)) and curve.y.mean() == pytest.approx(gpt.evaluate()["val_nats_per_char"], abs=0.1)
    told = ask(gpt, q.Baselines())
    assert told.metrics["different characters"] == 83 and told.views["baselines"][0].values[1] == pytest.approx(2.4624)


def test_pixels(digits):
    bits = ask(digits, q.Likelihood(index=3))
    heat = bits.views["bits"][0].values
    assert heat.shape == (8, 8) and heat.mean() == pytest.approx(bits.metrics["bits_per_dim"], rel=1e-4)
    one = ask(digits, q.Pixel(index=3, row=2, column=5))
    assert one.metrics["surprise [bits]"] == pytest.approx(heat[2, 5], rel=1e-4)
    assert one.views["next"][0].values.sum() == pytest.approx(1, abs=1e-5) and len(one.views["next"][0].labels) == 17
    drawn = ask(digits, q.Likelihood(pixels=tuple(bits.views["image"][0].pixels.ravel().tolist())))
    assert drawn.metrics["nll [nats]"] == pytest.approx(bits.metrics["nll [nats]"], rel=1e-5)
    field = ask(digits, q.Receptive(row=4, column=4)).views["field"][0].values
    assert (field.ravel()[36:] == 0).all() and (field.ravel()[:36] > 0).any()
    for bad, words in ((q.Likelihood(pixels=(0.0,) * 5), "8×8"), (q.Pixel(row=9), "row=9"), (q.Likelihood(index=400), "index=400")):
        with pytest.raises(ValueError, match=words):
            ask(digits, bad)


@pytest.mark.parametrize("order", ["raster", "random"])
def test_an_image_is_drawn_with_what_was_expected_of_each_pixel(order):
    engine = build(dataset="digits", model="gated-pixelcnn", pixel_order=order)
    answer = ask(engine, q.Draw(seed=3))
    image, (sequence,), (following,) = (answer.views[name] for name in ("image", "order", "next"))
    place, level, p = sequence.x.astype(int), sequence.y, following.y.reshape(64, 17)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(image[0].pixels.ravel()[place], level / 8 - 1, atol=1e-6)
    row, column = divmod(int(place[20]), 8)
    pixels = tuple(image[0].pixels.ravel().tolist())
    one = ask(engine, q.Pixel(pixels=pixels, row=row, column=column)).views["next"][0]
    np.testing.assert_allclose(one.values, p[20], atol=1e-5)
    other = list(pixels)
    other[place[20]] = 1.0 if level[20] < 8 else -1.0
    again = ask(engine, q.Draw(pixels=tuple(other), known=21, seed=3)).views["order"][0].y
    assert (again[:20] == level[:20]).all() and again[20] in (0, 16) and (again != level).any()
    np.testing.assert_allclose(ask(engine, q.Draw(temperature=0)).views["next"][0].y.reshape(64, 17).max(1), 1)
    with pytest.raises(ValueError, match="known=5"):
        ask(engine, q.Draw(known=5))


def test_half_an_image_stays_as_it_was_given(digits):
    answer = ask(digits, q.Complete(index=1, n=4))
    images = answer.views["stage"][0].pixels
    assert images.shape == (5, 1, 8, 8) and (images[:, :, :4] == images[:1, :, :4]).all() and not (images[1] == images[2]).all()
    assert (answer.views["entropy"][0].values[:4] == 0).all() and (answer.views["entropy"][0].values[4:] > 0).all()


@pytest.mark.parametrize("against", ["inverted", "shuffled", "noise"])
def test_anomaly(digits, against):
    answer = ask(digits, q.Anomaly(against=against, n=20))
    assert 0 <= answer.metrics["auroc"] <= 1 and len(answer.views["bits"]) == 2
    with pytest.raises(ValueError, match="against=mnist"):
        ask(digits, q.Anomaly(against="mnist"))


def test_area_under_the_curve():
    assert roc(np.array([1.0, 2]), np.array([3.0, 4]))[2] == 1
    assert roc(np.array([1.0, 2]), np.array([1.0, 2]))[2] == 0.5
    assert roc(np.array([1.0, 3]), np.array([2.0, 4]))[2] == pytest.approx(0.75)


def test_a_strange_text_is_the_same_characters_in_another_order():
    rng = np.random.default_rng(0)
    text = "Call me Ishmael. Some years ago "
    assert strange(text, "reversed", rng) == text[::-1]
    words = strange(text, "words", rng)
    assert sorted(words.split()) == sorted(text.split()) and words != text
    letters = strange(text, "letters", rng)
    assert sorted(letters) == sorted(text) and sorted(letters.split()) != sorted(text.split())


@pytest.mark.parametrize("tokens", ["char", "bpe"])
def test_strange_texts_are_told_apart_by_counts_of_what_follows_what(tokens):
    engine = build(model="ngram", order=3, tokens=tokens, vocab=300)
    engine.train_step()
    answer = ask(engine, w.Strange(against="letters", n=40, length=60))
    assert answer.metrics["auroc"] > 0.99
    held, mixed = (answer.metrics[f"nats_per_char/{name}"] for name in ("held out", "strange"))
    own, other = answer.views["text"]
    assert sorted(own.text) == sorted(other.text) and len(own.text) == 60 and mixed > held + 1
    for curve, mean in zip(answer.views["nats"], (held, mixed), strict=True):
        assert curve.y.sum() == pytest.approx(1) and (curve.x * curve.y).sum() == pytest.approx(mean, abs=0.2)
    again, others = (ask(engine, w.Strange(against="letters", n=40, length=60, seed=s)) for s in (0, 1))
    assert again.metrics == answer.metrics and others.metrics != answer.metrics


def test_counts_of_single_characters_tell_no_order_apart():
    engine = build(model="ngram", order=1)
    engine.train_step()
    for against in ("letters", "reversed"):  # only the first character, which is given, can differ
        assert ask(engine, w.Strange(against=against, n=100)).metrics["auroc"] == pytest.approx(0.5, abs=0.08)


def test_nats_of_a_strange_text_are_those_of_reading_it(gpt):
    answer = ask(gpt, w.Strange(n=10, length=16))
    text = answer.views["text"][0].text
    one = ask(gpt, q.Surprise(text=text)).metrics["nats_per_char"]
    low, high = answer.views["nats"][0].x[answer.views["nats"][0].y > 0][[0, -1]]
    assert low - 0.2 <= one <= high + 0.2


def test_questions_know_their_models(gpt, digits):
    with pytest.raises(ValueError, match="pixel is a question to models of images"):
        ask(gpt, q.Pixel())
    with pytest.raises(ValueError, match="next is a question to models of texts"):
        ask(digits, q.Next())
