"""Pixel models: probabilities that sum to 1 over all images, masks by autograd, drawing by pieces against drawing by whole passes."""

import itertools
import math
import time

import pytest
import torch
from torch.testing import assert_close

from engines.autoregressive.config import Config
from engines.autoregressive.generate import draw
from engines.autoregressive.model import ImageGpt, build_pixels
from engines.autoregressive.pixel_heads import LogisticMixture
from engines.autoregressive.pixel_states import begin
from engines.autoregressive.presets import resolve
from engines.autoregressive.sources import order_of, quantised

CPU = torch.device("cpu")
MODELS = [("pixelcnn", "softmax"), ("pixelcnn", "logistic"), ("gated-pixelcnn", "softmax"), ("gated-pixelcnn", "logistic"),
          ("image-gpt", "softmax")]  # fmt: skip


def net(model, likelihood="softmax", *, side=(3, 3), levels=2, classes=0, width=16, layers=3):
    c = Config(dataset="digits", model=model, likelihood=likelihood, width=width, layers=layers, levels="2")
    built = build_pixels(c, side, classes, levels, torch.Generator().manual_seed(0))
    for p in built.parameters():  # far from even
        p.data.add_(0.4 * torch.randn(p.shape, generator=torch.Generator().manual_seed(p.numel())))
    return built


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize(("model", "likelihood"), MODELS)
def test_all_binary_images_together_have_probability_one(model, likelihood, classes):
    images = torch.tensor(list(itertools.product((0, 1), repeat=9))).view(512, 3, 3)
    m = net(model, likelihood, classes=classes)
    y = torch.full((512,), 2) if classes else None
    with torch.no_grad():
        log_p = -m.head.nll(m(images, y), images).double().sum((1, 2))
    assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-5)
    assert log_p.exp().max() > 1.5 / 512  # and it is not the even one


@pytest.mark.parametrize("levels", [2, 4, 17, 256])
def test_a_mixture_of_logistics_is_a_distribution_of_levels(levels):
    head = LogisticMixture(levels, 3)
    params = 3 * torch.randn(5, 9, 2, 2, generator=torch.Generator().manual_seed(0))
    log_probs = head.log_probs(params)
    assert log_probs.shape == (5, levels, 2, 2)
    assert_close(log_probs.exp().sum(1), torch.ones(5, 2, 2), atol=1e-4, rtol=0)
    x = torch.randint(levels, (5, 2, 2), generator=torch.Generator().manual_seed(1))
    assert_close(head.nll(params, x), -log_probs.gather(1, x[:, None])[:, 0], atol=1e-4, rtol=1e-5)


def test_a_mixture_of_one_logistic_by_hand():
    """Mean 0, scale 1/4, five levels: the bins end at ±0.25 and ±0.75."""
    params = torch.tensor([0.0, 0.0, -math.log(4.0)]).view(1, 3, 1)
    edges = torch.sigmoid(4 * torch.tensor([-0.75, -0.25, 0.25, 0.75]))
    expected = torch.diff(torch.cat([torch.zeros(1), edges, torch.ones(1)]))
    assert_close(LogisticMixture(5, 1).log_probs(params)[0, :, 0].exp(), expected, atol=1e-6, rtol=1e-5)


def influence(m, x, i, j):
    """(h w,) bool: which pixels the distribution of pixel (i, j) depends on, by autograd."""
    if isinstance(m, ImageGpt):
        read = m.transformer.embed(m.sequence(x)).detach().requires_grad_()
        params = m.shaped(m.transformer.logits_of(m.transformer.streams(read)[-1]))
    else:
        read = m.encode(x).detach().requires_grad_()
        params = m.read(read)
    (params[0, :, i, j] ** 2).sum().backward()
    if isinstance(m, ImageGpt):
        return torch.cat([read.grad[0].abs().sum(-1)[1:] > 0, torch.zeros(1, dtype=torch.bool)])
    return (read.grad[0].abs().sum(0) > 0).flatten()


@pytest.mark.parametrize("model", ["pixelcnn", "gated-pixelcnn", "image-gpt"])
def test_pixels_see_only_what_was_drawn_before(model):
    m, x = net(model, side=(6, 6), layers=5), torch.randint(2, (1, 6, 6), generator=torch.Generator().manual_seed(0))
    for i, j in ((0, 0), (0, 5), (3, 2), (5, 0), (5, 5)):
        seen, k = influence(m, x, i, j), 6 * i + j
        assert not seen[k:].any()
        if model != "pixelcnn":
            assert seen[:k].all(), "no blind spot"
    if model == "pixelcnn":  # one row up, at most two columns to the right, however many layers
        seen = influence(m, x, 3, 1).view(6, 6)
        assert seen[2, :4].all() and not seen[2, 4:].any()


@pytest.mark.parametrize("classes", [0, 4])
@pytest.mark.parametrize(("model", "likelihood"), MODELS)
def test_drawing_by_pieces_is_drawing_by_whole_passes(model, likelihood, classes):
    m, side, n = net(model, likelihood, side=(5, 4), levels=4, classes=classes), (5, 4), 3
    y = torch.arange(n) if classes else None
    u = torch.rand((n, 20), generator=torch.Generator().manual_seed(1))
    found = []
    with torch.no_grad():
        for cached in (True, False):
            state = begin(m, n, side, y, CPU, cached=cached)
            said = []
            for k in range(20):
                said.append(state.log_probs())
                state.put(draw(said[-1], u[:, k]))
            found.append((state.x, torch.stack(said)))
    assert torch.equal(found[0][0], found[1][0])
    assert_close(found[0][1], found[1][1], atol=1e-4, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["pixelcnn", "gated-pixelcnn", "image-gpt"])
def test_pieces_are_twenty_times_as_fast_at_28_by_28(model):
    """With the recommended settings, 16 images. The same pixels, too: the first 10 by whole passes, which all cost alike, against a whole
    image by pieces."""
    m, n, side = build_pixels(resolve({"dataset": "mnist", "model": model}), (28, 28), 0, 2, torch.Generator().manual_seed(0)), 16, (28, 28)
    u = torch.rand((n, 784), generator=torch.Generator().manual_seed(1))
    seconds, images = [], []
    with torch.no_grad():
        m(torch.zeros(n, *side, dtype=torch.int64))
        for cached, pixels in ((True, 784), (False, 10)):
            begun, state = time.thread_time(), begin(m, n, side, None, CPU, cached=cached)
            for k in range(pixels):
                state.put(draw(state.log_probs(), u[:, k]))
            seconds.append((time.thread_time() - begun) / pixels)
            images.append(state.x.flatten(1)[:, :10])
    assert torch.equal(*images)
    assert seconds[1] / seconds[0] > 20, seconds


def test_orders_are_permutations():
    assert order_of("raster", (2, 3), 0).tolist() == [0, 1, 2, 3, 4, 5]
    assert order_of("reverse", (2, 3), 0).tolist() == [5, 4, 3, 2, 1, 0]
    shuffled = order_of("random", (4, 4), 1)
    assert sorted(shuffled.tolist()) == list(range(16)) and shuffled.tolist() != sorted(shuffled.tolist())
    assert torch.equal(shuffled, order_of("random", (4, 4), 1)) and not torch.equal(shuffled, order_of("random", (4, 4), 2))


def test_levels_are_the_nearest():
    x = torch.tensor([[[0.0, 0.1, 0.5, 0.9, 1.0]]])
    assert quantised(x, 5).flatten().tolist() == [0, 0, 2, 4, 4]
    assert quantised(torch.full((1, 100, 100), 0.3), 2, "sampled", "a").float().mean().item() == pytest.approx(0.3, abs=0.02)
    assert quantised(torch.tensor([[[0.49, 0.51]]]), 2).flatten().tolist() == [0, 1]
