"""Runs that are told words: the mechanism on a fresh network, and what the finished run that comes with the project does with them."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from engines.core import Heat, Images, Tokens
from engines.data.captions import DIGITS, NAMES, encode, normalised
from engines.diffusion import questions as q
from engines.diffusion.grounding import covered, grounding_loss
from engines.diffusion.presets import Request, resolve
from engines.diffusion.words import MASKED, TextEncoder, WordDenoiser
from engines.judge import judge
from engines.nn.init import reset
from engines.registry import FAMILIES
from engines.runs import load_run
from engines.state import pack, unpack
from playground.sessions import shelf

FOLLOWED = 0.9  # of the images at the run's guidance are of the class asked for
LEANS = 0.2  # how far the map of a word lies towards the place that was asked for, in half sides of the image, at least
QUICK = dict(dataset="mnist", space="latent", text=True, steps=8, batch=8, num_steps=2)


@pytest.fixture(scope="module")
def make():
    family = FAMILIES["diffusion"]
    return lambda **settings: family.build(family.resolve({**QUICK, **settings}))


def train(engine, steps):
    for _ in range(steps):
        engine.train_step()
    return engine


def answer(engine, question):
    *_, last = engine.answer(question)
    return last


def tokens(*captions):
    return torch.from_numpy(np.stack([encode(text) for text in captions]))


def test_gaps_after_a_caption_are_not_seen():
    """What stands in the place of a missing word makes no difference: its weight is exactly 0."""
    net = reset(TextEncoder(16, DIGITS), torch.Generator().manual_seed(0))
    torch.nn.init.normal_(net.place, generator=torch.Generator().manual_seed(1))
    words, mask = net(tokens("a seven"))
    assert mask.flatten().tolist() == [0, 0, 0] + [MASKED] * 10
    before = words[:, :3].clone()
    with torch.no_grad():
        net.place[:, 3:] += 5
    assert_close(net(tokens("a seven"))[0][:, :3], before)


def test_no_caption_is_the_empty_caption():
    net = WordDenoiser(resolve(QUICK), (4, 7, 7)).start(torch.Generator().manual_seed(0))
    for p in net.parameters():
        p.data += 0.05 * torch.randn(p.shape, generator=torch.Generator().manual_seed(p.numel()))
    z, t = torch.randn((2, 4, 7, 7), generator=torch.Generator().manual_seed(2)), torch.zeros(2)
    nothing = net(z, t)
    assert_close(net(z, t, torch.zeros(2, 12, dtype=torch.int64)), nothing)
    assert not torch.allclose(net(z, t, tokens("a seven", "a seven")), nothing)


def test_attention_sums_to_one_over_start_and_words():
    net = WordDenoiser(resolve(QUICK), (4, 7, 7)).start(torch.Generator().manual_seed(0))
    maps: list[torch.Tensor] = []
    net(torch.randn(1, 4, 7, 7), torch.zeros(1), tokens("a thin two"), maps=maps)
    assert len(maps) == resolve(QUICK).depth and maps[0].shape == (1, 49, 13)
    assert_close(maps[0].sum(2), torch.ones(1, 49))
    assert float(maps[0].detach()[:, :, 4:].abs().max()) == 0


def test_a_resumed_run_is_the_same_bit_for_bit(make):
    whole = train(make(seed=1), 8)
    resumed = make(seed=1)
    unpack(resumed, pack(train(make(seed=1), 5)))
    assert pack(train(resumed, 3)) == pack(whole)


def test_the_answer_has_a_map_for_every_word(make):
    engine = train(make(), 4)
    found = answer(engine, q.Attention(caption="A small 3, at the top", n=2))
    (said,) = found.views["tokens"]
    assert isinstance(said, Tokens) and said.pieces == ("a", "small", "three", "at", "the", "top")
    heats = found.views["words"]
    assert [h.name for h in heats] == list(said.pieces) and all(isinstance(h, Heat) and h.values.shape == (7, 7) for h in heats)
    assert all(h.values.mean() == pytest.approx(1, abs=1e-4) for h in heats)
    assert len(found.views["by_step"]) == 6 * 2 and len(found.views["x0"]) == len(found.views["latent"]) == 2
    assert isinstance(found.views["image"][0], Images) and found.views["image"][0].pixels.shape == (2, 1, 28, 28)
    assert found.views["latent"][0].pixels.shape == (2, 1, 7, 28)


def test_unknown_words_are_refused(make):
    for ask in (lambda e: answer(e, q.Attention(caption="a cat")), lambda e: list(e.sample(Request(caption="a cat")))):
        with pytest.raises(ValueError, match="caption holds “cat”, which the text encoder never saw; it knows a, small"):
            ask(make())


# Words that are looked up where they belong


def test_regions_are_the_part_of_each_cell_that_a_box_covers():
    """A box of 6 from row 2, column 4 of 8 × 8 pixels in 2 × 2 cells; one that covers all of 28 × 28."""
    found = covered(np.array([[2, 4, 4], [0, 0, 8]]), (2, 2), (8, 8))
    np.testing.assert_allclose(found, [[0, 0.5, 0, 0.5], [1, 1, 1, 1]])


def test_the_grounding_loss_is_the_share_outside_squared():
    """Two blocks, one image of four cells, two words. The first word has 0.3 of 0.5 inside in block 1 and all of 0.4 in block 2; the second
    does not count in the one caption, and is 0.1 of 0.4 and 0.2 of 0.8 inside in the other."""
    start = torch.full((4,), 0.5)
    one = torch.stack([start, torch.tensor([0.1, 0.2, 0.2, 0.0]), torch.tensor([0.1, 0.0, 0.3, 0.0])], 1)[None]  # (1, cells, 1 + words)
    two = torch.stack([start, torch.tensor([0.3, 0.1, 0.0, 0.0]), torch.tensor([0.0, 0.2, 0.3, 0.3])], 1)[None]
    region = torch.tensor([[1.0, 1, 0, 0]])
    loss = lambda *counts: float(grounding_loss([one, two], torch.tensor([counts]), region))  # noqa: E731
    assert loss(True, False) == pytest.approx((0.4**2 + 0) / 2)
    assert loss(True, True) == pytest.approx((0.4**2 + 0.75**2 + 0 + 0.75**2) / 4)
    assert loss(False, False) == 0


def test_a_word_that_has_no_attention_gives_no_gradient():
    maps = torch.rand(2, 9, 4, generator=torch.Generator().manual_seed(0))
    maps[:, :, 2:] = 0
    maps.requires_grad_(True)
    grounding_loss([maps], torch.tensor([[True, False, False]] * 2), torch.eye(9)[:2]).backward()
    assert bool(maps.grad.isfinite().all()) and float(maps.grad[:, :, 2:].abs().max()) == 0 < float(maps.grad[:, :, 1].abs().max())


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["mnist", "emoji"])
def test_grounding_reaches_the_attention_and_training_lowers_it(make, dataset):
    engine = train(make(dataset=dataset, grounding=0.2, steps=60, batch=32, ae_share=0.05), 3)
    index = torch.arange(64)
    tokens, region = engine.labels[index, 0], engine.ground.regions[index]
    z = torch.randn((64, *engine.shape), generator=torch.Generator().manual_seed(0))

    def outside():
        maps: list[torch.Tensor] = []
        engine.net(z, torch.zeros(64), tokens, maps=maps)
        return engine.ground.loss(maps, tokens, region)

    before = outside()
    engine.net.zero_grad()
    before.backward()
    for block in engine.net.blocks:
        assert float(block.words.q.weight.grad.norm()) > 0 < float(block.words.kv.weight.grad[: engine.config.width].norm())
    train(engine, 57)
    assert float(outside().detach()) < 0.6 * float(before.detach())


def test_grounding_needs_words():
    with pytest.raises(ValueError, match=r"grounding=0.05 is outside \[0, 0\] unless text=true"):
        resolve(dict(dataset="mnist", grounding=0.05))


# What the finished run has learned


@pytest.fixture(scope="module")
def finished():
    family = FAMILIES["diffusion"]
    _, engine, _ = load_run(str(shelf.folder(family, "text")))
    return engine


def drawn(engine, caption, n=20, seed=3):
    (snapshot,) = engine.sample(Request(caption=caption, n=n, seed=seed))
    return snapshot.views["samples"][0].pixels


def middle_of(pixels):
    """Mean column and row of the ink, (n,) each, from −1 at the left or top edge to 1."""
    ink, at = (pixels[:, 0] + 1) / 2, np.linspace(-1, 1, pixels.shape[-1])
    mass = ink.sum((1, 2))
    return (ink.sum(1) * at).sum(1) / mass, (ink.sum(2) * at).sum(1) / mass


PLACES = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1)}


@pytest.mark.slow
def test_the_class_asked_for_is_drawn(finished):
    pixels = np.concatenate([drawn(finished, f"a {name}", n=40) for name in NAMES])
    said = judge("mnist").look(normalised(pixels))[1].argmax(1)
    assert (said == np.arange(10).repeat(40)).mean() >= FOLLOWED


@pytest.mark.parametrize("place", PLACES)
def test_it_is_drawn_where_it_was_asked_for(finished, place):
    x, y = middle_of(drawn(finished, f"a three at the {place}", n=16))
    dx, dy = PLACES[place]
    assert ((x * dx + y * dy) > 0.1).mean() >= 0.9


def centre(heat):
    """Centre of a map, x to the right and y down, in half sides of the image from its middle."""
    grid = heat.values[::-1] / heat.values.sum()  # row 0 at the top
    at = np.linspace(-1, 1, 2 * len(grid) + 1)[1::2]
    return np.array([grid.sum(0) @ at, grid.sum(1) @ at])


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_maps_of_places_and_nouns_point_there(finished, place):
    """The run was trained to let them: without the term, maps of places lie within 0.05 of the middle."""
    toward, found = np.array(PLACES[place]), {place: [], "noun": []}
    for seed, noun in enumerate(("three", "zero", "seven", "eight")):
        for heat in answer(finished, q.Attention(caption=f"a {noun} at the {place}", n=1, seed=seed)).views["words"]:
            if heat.name in (place, noun):
                found["noun" if heat.name == noun else place].append(centre(heat) @ toward)
    for leans in found.values():
        assert len(leans) == 4 and min(leans) > 0 and np.mean(leans) > LEANS
