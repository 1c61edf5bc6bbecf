"""What is said of a VAE's numbers: each rule on rows made for it, silence where nothing is to be said."""

import pytest

from engines.data import CHOICES
from engines.metrics import METRICS
from engines.vae.config import OBJECTIVES
from engines.vae.diagnosis import diagnose, headline
from engines.vae.presets import resolve


def rows(n=20, every=100, **last):
    """n rows of a run that goes well, the later half with some metrics changed; a value may be a function of the row's number."""
    usual = dict(
        neg_elbo=110.0, test_neg_elbo=111.0, test_recon=90.0, test_kl=21.0, active_units=8.0, test_iwae=110.0, aggregate_kl=0.2, loss=110.0
    )
    made = []
    for i in range(n):
        row = usual | ({k: v(i) if callable(v) else v for k, v in last.items()} if i >= n // 2 else {})
        made.append({"step": float(every * i), **row})
    return made


def kind(found):
    return found and found.kind


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (dict(active_units=0.0, test_kl=0.001), "collapse"),
        pytest.param(dict(test_neg_elbo=lambda i: 111.0 + i, neg_elbo=105.0), "overfitting", id="overfitting"),
        (dict(aggregate_kl=3.0), "holes"),
        (dict(active_units=5.0), "unused"),
        (dict(test_iwae=105.0), "loose"),
        ({}, "good"),
    ],
    ids=str,
)
def test_each_rule_speaks_of_what_it_sees(change, expected):
    note = diagnose(rows(**change), resolve(dict(dataset="mnist", latent=8)))
    assert kind(note) == expected
    last = rows(**change)[-1]
    for evidence in note.evidence:
        assert evidence.metric in METRICS and evidence.value == last[evidence.metric]
    assert "①" in note.text and len(note.text.split()) <= 40


@pytest.mark.parametrize(
    ("settings", "fix"),
    [
        (dict(mean_pixels=True), {"mean_pixels": False}),
        (dict(beta=20.0), {"beta": 1.0}),
        (dict(objective="elbo"), {"objective": "free-bits", "beta": 1.0, "free_bits": 0.5}),
    ],
    ids=str,
)
def test_a_collapse_is_repaired_by_what_caused_it(settings, fix):
    config = resolve(dict(dataset="mnist", latent=8, **settings))
    note = diagnose(rows(active_units=0.0, test_kl=0.0), config)
    assert note.fix == fix and resolve({**settings, **note.fix})


def test_idle_codes():
    config = resolve(dict(dataset="mnist", objective="vq-vae", codes=64))
    made = [{"step": 100.0 * i, "test_recon": 90.0, "test_neg_elbo": 150.0, "neg_elbo": 150.0, "codes_used": 9.0} for i in range(9)]
    assert kind(diagnose(made, config)) == "wasted"
    assert diagnose([r | {"codes_used": 60.0} for r in made], config) is None


def test_nothing_is_said_too_early():
    config = resolve(dict(dataset="mnist", latent=8))
    assert diagnose([], config) is None and diagnose(rows(2), config) is None
    assert kind(diagnose(rows(4, every=1), config)) is None


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("dataset", CHOICES)
def test_tiles_show_metrics_that_exist(dataset, objective):
    names = headline(resolve(dict(dataset=dataset, objective=objective)))
    assert set(names) <= set(METRICS) and 3 <= len(names) <= 4
