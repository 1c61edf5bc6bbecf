import json
import math

import numpy as np
import pytest

from engines.core import Bars, Curve, Ellipses, Field, Heat, Images, Mesh, Paths, Points, Snapshot, Tokens
from playground.sessions import frames

rng = np.random.default_rng(0)


def cloud(*shape):
    return rng.normal(size=shape).astype(np.float32)


SNAPSHOT = Snapshot(
    1234,
    {"d_loss": 0.25, "g_loss": math.nan, "x": math.inf},
    {
        "stage": (
            Heat(np.linspace(-2, 3, 35, dtype=np.float32).reshape(5, 7), (-1.5, 1.5, -1.0, 1.0), name="D(x)", lo=-2.0, hi=3.0, contour=0.5),
            Field(cloud(5, 2), cloud(5, 2), name="gradient"),
            Points(cloud(7, 2), label=np.arange(7, dtype=np.uint8)),
        ),
        "grid": (Images(np.tanh(cloud(3, 1, 5, 5)), role="data", label=np.array([1, 2, 3], np.uint8)),),
        "curve": (Curve(cloud(4), cloud(4), role="exact"),),
        "modes": (Bars(cloud(3), ("a", "b", "ü"), fair=1 / 3, low=0.1),),
    },
)


def test_every_view_survives_the_journey():
    back = frames.decode(frames.encode(SNAPSHOT))
    assert back.step == 1234 and list(back.views) == list(SNAPSHOT.views)
    for panel, layers in SNAPSHOT.views.items():
        for sent, got in zip(layers, back.views[panel], strict=True):
            assert type(got) is type(sent)
            for name, value in vars(sent).items():
                other = getattr(got, name)
                if isinstance(value, np.ndarray):
                    bound = {"values": 5 / 510, "pixels": 1 / 255}.get(name, 0) if isinstance(sent, Heat | Images) else 0
                    assert other.shape == value.shape and np.abs(other.astype(float) - value).max() <= bound + 1e-6
                else:
                    assert other == (pytest.approx(value) if isinstance(value, float) else value)


def test_a_mesh_travels():
    mesh = Mesh(cloud(4, 3, 2), cloud(3, 2))
    (back,) = frames.decode(frames.encode(Snapshot(1, {}, {"stage": (mesh,)}))).views["stage"]
    assert isinstance(back, Mesh) and (back.role, back.name) == (mesh.role, mesh.name)
    np.testing.assert_array_equal(back.xy, mesh.xy)
    np.testing.assert_array_equal(back.density, mesh.density)


def test_ellipses_travel():
    sent = Ellipses(cloud(4, 2), np.abs(cloud(4, 2)), cloud(4), name="true posterior")
    (back,) = frames.decode(frames.encode(Snapshot(1, {}, {"latent": (sent,)}))).views["latent"]
    assert isinstance(back, Ellipses) and back.name == sent.name
    for name in ("xy", "axes", "angle"):
        np.testing.assert_array_equal(getattr(back, name), getattr(sent, name))


def test_paths_travel():
    sent = Paths(cloud(4, 7, 2), role="exact", name="learned")
    (back,) = frames.decode(frames.encode(Snapshot(1, {}, {"learned": (sent,)}))).views["learned"]
    assert isinstance(back, Paths) and (back.role, back.name) == ("exact", "learned")
    np.testing.assert_array_equal(back.xy, sent.xy)


def test_tokens_travel():
    nats = np.array([np.nan, 0.5, 2], np.float32)
    sent = Tokens(("a", "\n", "né"), surprise=nats, mark=np.array([0, 1, 1], np.uint8), given=1)
    (back,) = frames.decode(frames.encode(Snapshot(1, {}, {"stage": (sent,)}))).views["stage"]
    assert isinstance(back, Tokens) and back.text == "a\nné" and back.pieces == sent.pieces and back.given == 1
    np.testing.assert_array_equal(back.surprise, nats)
    np.testing.assert_array_equal(back.mark, sent.mark)
    assert back.mark.dtype == np.uint8 and back.entropy is None and back.value is None


@pytest.mark.parametrize("settings", [dict(dataset="moby", model="mlp"), dict(dataset="digits", layers=1, width=8)], ids=str)
def test_what_an_autoregressive_model_shows_travels(settings):
    from engines.loop import first_look
    from engines.registry import FAMILIES

    engine = FAMILIES["autoregressive"].build(FAMILIES["autoregressive"].resolve(settings))
    for snapshot in (engine.backdrop(), first_look(engine)):
        back = frames.decode(frames.encode(snapshot))
        assert back.views.keys() == snapshot.views.keys() and back.metrics.keys() == snapshot.metrics.keys()
        for panel, layers in snapshot.views.items():
            assert [type(v) for v in back.views[panel]] == [type(v) for v in layers]


def test_exact_frames_lose_nothing():
    back = frames.decode(frames.encode(SNAPSHOT, exact=True))
    np.testing.assert_array_equal(back.views["grid"][0].pixels, SNAPSHOT.views["grid"][0].pixels)


def test_numbers_that_json_cannot_carry_become_null():
    header, _ = frames.unpack(frames.encode(SNAPSHOT))
    assert header["metrics"] == {"d_loss": 0.25, "g_loss": None, "x": None}
    assert math.isnan(frames.decode(frames.encode(SNAPSHOT)).metrics["g_loss"])
    assert b"NaN" not in frames.to_json({"a": [np.float32("nan"), np.int64(3), (1.5, True)]})


def test_arrays_start_where_a_browser_can_map_them():
    data = frames.encode(SNAPSHOT)
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length])
    offsets = [a["offset"] for view in header["views"] for a in view["arrays"].values()]
    assert len(data) % 8 == 0 and offsets == sorted(offsets) and not any(o % 8 for o in offsets)


def test_a_flat_or_broken_heat_map_is_still_a_picture():
    heat = Heat(np.array([[np.nan, np.inf], [-np.inf, 1.0]], np.float32), (0, 1, 0, 1), lo=1.0, hi=1.0)
    assert frames.decode(frames.encode(Snapshot(0, {}, {"stage": (heat,)}))).views["stage"][0].values.shape == (2, 2)
