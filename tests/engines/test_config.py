"""Bad values are refused with a sentence that names field, value and range, before anything is allocated."""

import math

import pytest

from engines.config import from_dict, knobs, parse, to_dict
from engines.data import CHOICES, DATASETS
from engines.gan.config import DATASET_DEFAULTS, OBJECTIVES, PRESETS, Config, Request, cadence, resolve
from engines.gan.cost import cost

BAD = [
    ({"lr_g": math.nan}, "lr_g=nan is outside [1e-05, 1]"),
    ({"lr_g": math.inf}, "lr_g=inf is outside [1e-05, 1]"),
    ({"lr_g": [1, 2]}, "lr_g=[1, 2] is not a number in [1e-05, 1]"),
    ({"lr_g": "fast"}, "lr_g=fast is not a number in [1e-05, 1]"),
    ({"lr_g": None}, "lr_g=None is not a number in [1e-05, 1]"),
    ({"lr_g": True}, "lr_g=True is not a number in [1e-05, 1]"),
    ({"batch": 7}, "batch=7 is outside [8, 512]"),
    ({"batch": 8.5}, "batch=8.5 is not a whole number in [8, 512]"),
    ({"batch": 10**400}, "batch=1000"),
    ({"steps": -1}, "steps=-1 is outside [1, 200000]"),
    ({"lr_decay": 1}, "lr_decay=1 is not true or false"),
    ({"dataset": "cats"}, "dataset=cats is not one of ring8"),
    ({"objective": ["r1"]}, "objective=['r1'] is not one of"),
    ({"learning_rate": 1}, "learning_rate is not a knob"),
    ({"objective": "r1", "r1": 0.0}, "r1=0 is outside (0, 100] for the objective r1"),
    ({"objective": "wgan", "clip": 0}, "clip=0 is outside (0, 1] for the objective wgan"),
]


@pytest.mark.parametrize(("settings", "sentence"), BAD, ids=lambda x: x if isinstance(x, str) else "")
def test_bad_values_are_named(settings, sentence):
    with pytest.raises(ValueError) as error:
        resolve(settings)
    assert sentence in str(error.value)


@pytest.mark.parametrize("settings", [[], None, 3, "lr_g"])
def test_settings_that_are_no_mapping(settings):
    with pytest.raises(ValueError):
        resolve(settings)


def test_round_trip():
    config = resolve({"dataset": "grid25", "lr_g": 1e-3})
    assert from_dict(Config, to_dict(config)) == config
    assert config.lr_g == 1e-3 and config.steps == DATASET_DEFAULTS["grid25"]["steps"]


def test_values_are_stored_in_the_knobs_type():
    config = resolve({"batch": 16.0, "lr_g": 1})
    assert (config.batch, type(config.batch)) == (16, int)
    assert (config.lr_g, type(config.lr_g)) == (1.0, float)


@pytest.mark.parametrize(
    ("text", "value"), [("lr_g=1e-3", ("lr_g", 1e-3)), ("batch=16", ("batch", 16)), ("lr_decay=false", ("lr_decay", False))]
)
def test_parse(text, value):
    assert parse(Config, text) == value


@pytest.mark.parametrize("text", ["lr_g", "lr_g=", "lr_g=nan", "speed=1", "=1", "", "lr_decay=maybe", "objective=gan"])
def test_parse_refuses(text):
    with pytest.raises(ValueError):
        parse(Config, text)


@pytest.mark.parametrize("cls", [Config, Request])
def test_every_knob_says_its_range_and_its_default_lies_in_it(cls):
    for k in knobs(cls).values():
        assert k.title and (k.choices or k.type is bool or k.lo < k.hi)
        assert from_dict(Config, {k.name: k.default}) if cls is Config else from_dict(Request, {k.name: k.default})


@pytest.mark.parametrize("dataset", [key for key in CHOICES if key in DATASETS])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_recommendation_is_valid(dataset, objective):
    config = resolve({"dataset": dataset, "objective": objective})
    assert (config.dataset, config.objective) == (dataset, objective)
    estimate = cost(config)
    assert estimate.parameters > 0 and estimate.flop_per_step > 0 and estimate.bytes > 0
    every, evaluate_every = cadence(config)
    assert every >= 1 and evaluate_every >= 1


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_valid(preset):
    resolve(PRESETS[preset].settings)


def test_the_cost_of_the_ring_is_its_number_of_parameters(gan):
    engine = gan(dataset="ring8")
    count = sum(p.numel() for net in (engine.G, engine.D) for p in net.parameters())
    assert cost(engine.config).parameters == count
