"""Sentences about a run, each from rows that call for it, and silence where nothing can be said."""

import pytest

from engines.autoregressive.baselines import KNOWN
from engines.autoregressive.diagnosis import diagnose, headline
from engines.autoregressive.presets import resolve
from engines.metrics import METRICS

MOBY = resolve({"dataset": "moby"})


def rows(*values, training=None, every=100):
    """Rows with these held-out figures."""
    return [
        {"step": every * (i + 1), "val_nats_per_char": v, "nats_per_char": v if training is None else training[i]}
        for i, v in enumerate(values)
    ]


def test_nothing_to_say():
    assert diagnose([], MOBY) is None and diagnose([{"step": 1, "loss": 3.0}], MOBY) is None
    assert diagnose(rows(4.0), MOBY) is None


@pytest.mark.parametrize(("value", "better", "ahead"), [(3.0, "unigram", "bigrams reach 2.46"), (1.6, "4-gram", "5-grams reach 1.55")])
def test_the_ladder(value, better, ahead):
    note = diagnose(rows(4.0, value), MOBY)
    assert note.kind == "ladder" and note.title == f"Below the {better}" and ahead in note.text
    assert (note.evidence[0].value, note.evidence[0].step) == (value, 200)
    assert "the longest counted here" in diagnose(rows(1.2), MOBY).text and KNOWN["moby"][4] > 1.2


def test_learning_by_heart():
    run = rows(2.0, 1.8, 1.7, 1.72, 1.76, 1.8, 1.9, training=[2.0, 1.7, 1.5, 1.4, 1.3, 1.2, 1.0])
    note = diagnose(run, MOBY)
    assert note.kind == "overfit" and "step 300" in note.text and note.fix == {"weight_decay": pytest.approx(0.3)}
    assert diagnose(run[:5], MOBY).kind == "ladder", "too early to say"


def test_the_leak_and_a_rate_that_is_too_high():
    assert diagnose(rows(0.02), resolve({"dataset": "moby", "causal": False})).kind == "leak"
    note = diagnose(rows(3.2, 3.2, 3.2, 3.2, every=200), resolve({"dataset": "moby", "lr": 0.05}))
    assert note.kind == "stuck" and note.fix == {"lr": pytest.approx(0.005)}


def test_bits_of_an_image():
    note = diagnose([{"step": 50, "bits_per_dim": 1.9}], resolve({"dataset": "digits"}))
    assert "1.900 bits per pixel" in note.text and "4.09" in note.text and "15 bytes" in note.text


@pytest.mark.parametrize("dataset", ["moby", "digits"])
def test_tiles_are_known_metrics(dataset):
    assert len(headline(resolve({"dataset": dataset}))) == 4 and set(headline(resolve({"dataset": dataset}))) <= set(METRICS)
