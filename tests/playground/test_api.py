"""The public endpoints, as a program calls them."""

import asyncio
import gc
import warnings

import gradio as gr
import pytest
from gradio_client import Client

from playground.api import add_api

# gradio and its client leave sockets and an event loop to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def client(live):
    service, _ = live
    with gr.Blocks() as page:
        add_api(service)
    _, url, _ = page.launch(prevent_thread_lock=True, ssr_mode=False, quiet=True, show_error=False)
    yield Client(url, verbose=False)
    page.close()
    with warnings.catch_warnings(action="ignore"):
        asyncio.set_event_loop(None)
        gc.collect()


def test_list_names_families_knobs_and_data_sets(client):
    found = client.predict(api_name="/list")
    gan = found["families"]["gan"]
    assert gan["knobs"]["lr_g"]["lo"] < gan["knobs"]["lr_g"]["hi"] and "wgan-gp" in gan["knobs"]["objective"]["choices"]
    assert found["datasets"]["ring8"]["kind"] == "2d" and gan["presets"]


def test_train_streams_metrics_until_it_is_done(client, live):
    service, _ = live
    looks = list(client.submit("gan", "ring8", 30, 3, {"objective": "lsgan"}, api_name="/train"))
    assert [look["step"] for look in looks] == sorted(look["step"] for look in looks)
    assert looks[-1] == {"step": 30, "state": "finished", "metrics": {}} and "g_loss" in looks[-2]["metrics"]
    assert not service.records or all(not record.training for record in service.records.values())


@pytest.mark.parametrize(("dataset", "shape"), [("ring8", (4, 2)), ("digits", (4, 1, 8, 8))])
def test_sample_returns_examples_in_data_units(client, dataset, shape):
    np = pytest.importorskip("numpy")
    one, two = (client.predict("gan", dataset, 12, 4, 5, {}, api_name="/sample") for _ in range(2))
    assert np.shape(one["samples"]) == shape and one["step"] == 12 and one["metrics"]
    assert one == two  # same seed, same run, same samples


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("svm", "ring8", 20, 3, {}), "family"),
        (("gan", "nope", 20, 3, {}), "dataset"),
        (("gan", ["ring8"], 20, 3, {}), "dataset"),
        (("gan", "ring8", 2.5, 3, {}), "steps"),
        (("gan", "ring8", 10**9, 3, {}), "steps"),
        (("gan", "ring8", 20, -3, {}), "seed"),
        (("gan", "ring8", 20, 3, {"lr_g": [1]}), "lr_g"),
        (("gan", "ring8", 20, 3, [1]), "settings"),
        (("gan", "own-2d", 20, 3, {}), "draw or upload"),
    ],
)
def test_bad_calls_are_refused_in_a_sentence(client, live, arguments, word):
    service, _ = live
    before = len(service.records)
    with pytest.raises(Exception, match=word):
        client.submit(*arguments, api_name="/train").result()
    assert len(service.records) <= before
