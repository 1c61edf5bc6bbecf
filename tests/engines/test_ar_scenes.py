"""Answers that the scenes of the autoregressive tab rest on: variety, the leak, the stopwatch, transformers, blind spots."""

import numpy as np
import pytest
import torch

from engines.autoregressive import questions as q
from engines.autoregressive import questions_writing as w
from engines.autoregressive.answers_writing import distinct
from engines.autoregressive.pixelcnn import GatedPixelCnn, PixelCnn
from engines.autoregressive.receptive import reach
from tests.engines.test_ar_answers import ask, build


@pytest.fixture(scope="module")
def gpt():
    return build()


@pytest.fixture(scope="module")
def digits():
    return build(dataset="digits", model="pixelcnn")


def test_distinct():
    assert distinct("aaaaa") == pytest.approx(1 / 3) and distinct("abcde") == 1 and distinct("abab", 2) == pytest.approx(2 / 3)


def test_three_ways_of_choosing_from_the_same_numbers(gpt):
    plain = ask(gpt, w.Sampling(length=30, seed=3, top_k=83, top_p=1.0))
    texts = plain.views["text"]
    assert [t.name for t in texts] == ["temperature", "top-k", "top-p"] and len({t.text for t in texts}) == 1, "all off: one text"
    greedy = ask(gpt, w.Sampling(length=30, seed=3, temperature=0.0, top_k=1, top_p=0.0))
    assert len({t.text for t in greedy.views["text"]}) == 1 and greedy.views["text"][0].text != texts[0].text
    (again,) = ask(gpt, q.Continue(text="\n", length=30, seed=3)).views["text"]
    assert again.text == texts[0].text
    assert plain.metrics["nats/temperature"] == pytest.approx(np.nanmean(texts[0].surprise), rel=1e-5)
    assert plain.metrics["distinct-3/temperature"] == distinct(texts[0].pieces[1:])
    assert 0 < plain.metrics["distinct-3/held out"] <= 1


def test_temperature_trades_likelihood_for_variety(gpt):
    answer = ask(gpt, w.Temperatures(n=2, length=24))
    (different,), (nats,) = answer.views["distinct"], answer.views["nll"]
    assert different.x.tolist() == nats.x.tolist() and different.x[0] == 0 and different.x[-1] == 2
    assert nats.y[0] < nats.y[-1] and different.y[0] < different.y[-1]
    one = ask(gpt, w.Sampling(length=24, temperature=1.0))
    alone = ask(gpt, w.Temperatures(n=1, length=24))
    assert alone.views["nll"][0].y[4] == pytest.approx(one.metrics["nats/temperature"], rel=1e-4)


def test_a_causal_model_is_worth_its_loss_and_a_leaking_one_is_not(gpt):
    honest = ask(gpt, w.Leak(n=4)).metrics
    assert honest["as trained [nats]"] == pytest.approx(honest["token by token [nats]"], abs=1e-5) and honest["n"] == 64
    leaking = build(causal=False, lr=0.02, steps=200, warmup=5)
    for _ in range(leaking.config.steps):
        leaking.train_step()
    found = ask(leaking, w.Leak(n=4)).metrics
    assert found["token by token [nats]"] - found["as trained [nats]"] > 0.5


@pytest.mark.parametrize("settings", [{}, {"model": "llama", "kv_heads": 1}, {"model": "gru"}, {"model": "mlp", "hidden": 16}])
def test_the_stopwatch_writes_the_same_text_both_ways(settings):
    engine = build(**settings)
    answer = ask(engine, w.Stopwatch(context=24, repeats=1))
    cached, plain = answer.views["time"]
    assert cached.x.tolist() == list(range(1, 24)) and (cached.y > 0).all() and (plain.y > 0).all()
    assert answer.metrics["identical tokens"] == 23
    assert answer.metrics["with cache, all [ms]"] == pytest.approx(cached.y.sum(), rel=1e-3)
    heads = {"gpt2": 2, "llama": 1}.get(engine.config.model, 0)
    assert answer.metrics["cache [bytes]"] == 2 * 4 * 2 * heads * 24 * 8
    assert "thread" in answer.views["machine"][0].text


def test_drafted_tokens_are_marked(gpt):
    answer = ask(gpt, q.Speculative(length=30, draft=3))
    (text,) = answer.views["text"]
    assert len(text.mark) == 31 and text.mark.sum() == 30 - answer.metrics["passes"]
    assert answer.metrics["tokens per pass"] == pytest.approx(30 / answer.metrics["passes"])


@pytest.mark.parametrize("settings", [{}, {"model": "llama", "kv_heads": 1}])
def test_transformers_writes_the_same_text(settings):
    pytest.importorskip("transformers")
    engine = build(**settings)
    before = torch.get_rng_state()
    answer = ask(engine, w.Reference(length=12, seed=2))
    assert torch.equal(before, torch.get_rng_state())
    ours, theirs, drawn, drawn_there = answer.views["text"]
    assert ours.text == theirs.text and drawn.text == drawn_there.text and len(ours.pieces) == 12
    assert drawn.text != ours.text and drawn.mark.sum() == 0 and answer.metrics["same/drawn"] == 12
    assert answer.metrics["largest logit difference"] < 1e-4
    assert answer.views["difference"][0].labels == ("embedding", "layer 1", "layer 2", "logits")
    with pytest.raises(ValueError, match="model=mlp has no twin"):
        ask(build(model="mlp", hidden=16), w.Reference())
    with pytest.raises(ValueError, match="prompt fills the context"):
        ask(engine, w.Reference(prompt="a" * 16))


def test_plain_convolutions_have_a_blind_spot_and_gated_ones_none(digits):
    m = ask(digits, w.Blindspot(row=6, column=3)).metrics
    assert m["before"] == 51 and m["blind/gated"] == 0 < m["blind/plain"] and m["leaks/plain"] == m["leaks/gated"] == 0
    assert m["not seen/gated"] > 0 and m["not seen/plain"] > m["blind/plain"], "two layers do not reach the first rows"
    leak = ask(digits, w.Blindspot(row=6, column=3, mask="B"))
    assert leak.metrics["leaks/plain"] == 1 and leak.views["field"][0].values[6, 3] == 1
    field = reach(PixelCnn, (9, 9), (8, 4), 1, 3, 3)
    assert field[8, 2:4].sum() == 2 and field[8, 4:].sum() == 0 and field[7, 5] == field[6, 6] == 1 and field[7, 6] == field[6, 7] == 0
    assert reach(GatedPixelCnn, (9, 9), (4, 4), 8, 3, 3).flatten()[:40].all()
    with pytest.raises(ValueError, match="image-gpt"):
        ask(build(dataset="digits", model="image-gpt"), w.Blindspot())


def test_the_field_of_the_run_lies_inside_what_its_architecture_can_see(digits):
    allowed = ask(digits, w.Blindspot(row=5, column=4)).views["field"][0].values > 0
    seen = ask(digits, q.Receptive(row=5, column=4)).views["field"][0].values > 0
    assert seen.any() and not (seen & ~allowed).any()
