"""Runs that are told words: the mechanism on a fresh network, and what the finished run that comes with the project does with them."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from engines.core import Heat, Images, Tokens
from engines.data.captions import DIGITS, NAMES, encode, normalised
from engines.diffusion import questions as q
from engines.diffusion.presets import Request, resolve
from engines.diffusion.words import MASKED, TextEncoder, WordDenoiser
from engines.judge import judge
from engines.nn.init import reset
from engines.registry import FAMILIES
from engines.runs import load_run
from engines.state import pack, unpack
from playground.sessions import shelf

FOLLOWED = 0.9  # of the images at the run's guidance are of the class asked for
LEANS = 0.05  # how far apart the map of a word lies in images of opposite places, in half sides of the image
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


def centre(engine, caption, word, axis, seed):
    """Centre of a word's map along an axis of the image, 0 down and 1 to the right, from −1 to 1."""
    (heat,) = (h for h in answer(engine, q.Attention(caption=caption, n=1, seed=seed)).views["words"] if h.name == word)
    mass = heat.values[::-1].sum(1 - axis)  # row 0 at the top
    return float((mass * np.linspace(-1, 1, 7)).sum() / mass.sum())


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after", "axis"), [("left", "right", 1), ("top", "bottom", 0)])
def test_maps_follow_the_place(finished, before, after, axis):
    """The map of the noun lies where the digit was asked for. Those of the words for the place do not."""
    nouns = []
    for seed, noun in enumerate(("three", "zero", "seven", "eight")):
        first, second = f"a {noun} at the {before}", f"a {noun} at the {after}"
        nouns.append(centre(finished, second, noun, axis, seed) - centre(finished, first, noun, axis, seed))
    assert np.mean(nouns) > LEANS and min(nouns) > 0
