"""Codes of a VQ-VAE handed to a session of another family over HTTP, and what its model draws decoded: numbers of files against numbers here."""

import json

import numpy as np
import pytest

from engines.handover import independent
from engines.runs import load_run
from playground.sessions import frames
from playground.sessions.shelf import SHELF
from playground.sessions.trials import shuffled
from tests.playground.conftest import Visitor

PRIOR = {"dataset": "own-codes", "model": "gated-pixelcnn", "steps": 3, "width": 8, "layers": 1}


@pytest.fixture(scope="module")
def reader(address):
    visitor = Visitor(address, "autoregressive")
    yield visitor
    visitor.http.close()


def post(visitor, path, **body):
    return visitor.post(path, content=json.dumps(body))


def as_codes(view, count=64):
    """Greys back to the codes that they stand for."""
    return np.rint((view.pixels[:, 0] + 1) / 2 * (count - 1)).astype(int)


@pytest.mark.slow
def test_codes_become_data_and_draws_become_images(reader):
    reader.act("preview", settings={"dataset": "digits"})
    answer = post(reader, "codes")
    assert answer.status_code == 200, answer.text
    found = frames.decode(answer.content)
    _, vq, _ = load_run(str(SHELF / "vae-tokens"))
    codes = vq.to_codes()
    assert found.metrics["used"] == len(np.unique(codes)) and found.metrics["n"] == len(codes) and found.metrics["bits/uniform"] == 6
    assert found.metrics["bits/independent"] == pytest.approx(independent(codes, 64) / 49 / np.log(2), rel=1e-6)
    np.testing.assert_array_equal(as_codes(found.views["codes"][0]), codes[:16])
    assert found.metrics["frechet/copies"] < 3 * found.metrics["frechet/floor"] < found.metrics["frechet/independent"]

    reader.act("train", settings=PRIOR)
    reader.until_state("finished")
    drawn, again = (frames.decode(post(reader, "decoded", n=16, seed=seed).content) for seed in (1, 1))
    grids = as_codes(drawn.views["codes"][0])
    np.testing.assert_array_equal(grids, as_codes(again.views["codes"][0]))
    np.testing.assert_allclose(drawn.views["images"][0].pixels, vq.from_codes(grids).pixels, atol=0.005)
    assert drawn.step == 3 and "frechet/prior" not in drawn.metrics, "16 are too few to judge"


def test_what_does_not_fit_is_refused(reader, visitor):
    reader.act("preview", settings={"dataset": "digits"})
    assert post(reader, "decoded", n=16, seed=0).status_code == 204
    assert post(reader, "decoded", n=0, seed=0).json()["field"] == "n"
    assert "not a VQ-VAE" in post(reader, "codes", source=reader.token).json()["error"]
    assert post(reader, "codes", source="nobody").status_code == 404
    assert "do not learn from codes" in post(visitor, "codes").json()["error"]


def test_shuffled_by_place_keeps_the_shares_of_each_place():
    found = np.stack([np.full(500, k) + 10 * np.arange(4)[:, None][k % 4] for k in range(4)], 1).reshape(500, 2, 2)
    found[::2] += 1
    drawn = shuffled(found, 4000)
    assert drawn.shape == (4000, 2, 2)
    for i in range(2):
        for j in range(2):
            values, counts = np.unique(drawn[:, i, j], return_counts=True)
            np.testing.assert_array_equal(values, np.unique(found[:, i, j]))
            assert counts / 4000 == pytest.approx(0.5, abs=0.05)
    assert abs(np.corrcoef(drawn[:, 0, 0], drawn[:, 1, 1])[0, 1]) < 0.06, "places know nothing of each other"
