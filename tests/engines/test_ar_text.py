"""Text models: counts, generation with and without a cache, beams, drafts; each against something worked out another way."""

import itertools
import math
from collections import Counter, defaultdict

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from engines.autoregressive.baselines import KNOWN, measure, observed
from engines.autoregressive.generate import Choice, Reader, beam_search, choose, draw, entropy, generate
from engines.autoregressive.ladder import MlpModel, NGram, Recurrent
from engines.autoregressive.speculative import speculative, verdict
from engines.autoregressive.transformer import Shape, Transformer
from engines.data import text as texts

VOCAB = 11


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def model(kind, vocab=VOCAB, block_size=16):
    """A small model of each kind with weights large enough to prefer something."""
    if kind == "ngram":
        net = NGram(3, vocab, np.random.default_rng(0).integers(vocab, size=500))
        net.count(500)
        return net
    if kind == "mlp":
        net = MlpModel(vocab, 4, 8, 16)
    elif kind in ("rnn", "gru"):
        net = Recurrent(kind, vocab, 12)
    else:
        net = Transformer(Shape(kind, vocab, block_size, 2, 4, 2 if kind == "llama" else 4, 16, 24))
    net.initialise(seeded())
    for p in net.parameters():
        p.data.add_(0.3 * torch.randn(p.shape, generator=seeded(p.numel())))
    return net


KINDS = ["ngram", "mlp", "rnn", "gru", "gpt2", "llama"]


def straightforward(train, val, order, vocab):
    """Witten-Bell interpolation by dictionaries, token by token: mean −log p."""
    counts = [defaultdict(Counter) for _ in range(order)]
    for n in range(order):
        for i in range(n, len(train)):
            counts[n][tuple(train[i - n : i])][train[i]] += 1
    total = 0.0
    for i in range(len(val)):
        p = 1 / vocab
        for n in range(min(order, i + 1)):
            seen = counts[n].get(tuple(val[i - n : i]))
            if seen:
                p = (seen[val[i]] + len(seen) * p) / (sum(seen.values()) + len(seen))
        total -= math.log(p)
    return total / len(val)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_ngram_figures_are_those_of_a_straightforward_count(order):
    rng = np.random.default_rng(order)
    train, val = (np.cumsum(rng.integers(0, 3, size)) % 7 for size in (3_000, 400))
    expected = straightforward(train.tolist(), val.tolist(), order, 7)
    assert observed(train, val, order, 7) == pytest.approx(expected, abs=1e-9)
    net = NGram(order, 7, train)
    net.count(len(train))
    logits = net(torch.from_numpy(val)[None])[0]  # after each token
    assert_close(logits.exp().sum(1), torch.ones(len(val)), atol=1e-5, rtol=0)
    first = -math.log((Counter(train.tolist())[val[0]] + len(set(train)) / 7) / (len(train) + len(set(train))))
    nats = (first - logits[:-1].gather(1, torch.from_numpy(val[1:, None])).double().sum().item()) / len(val)
    assert nats == pytest.approx(expected, abs=1e-5)


def test_an_ngram_counts_only_what_it_has_seen():
    text = np.array([0, 1, 2] * 50 + [3] * 50)
    net = NGram(2, 4, text)
    assert_close(net(torch.tensor([[0]])).exp(), torch.full((1, 1, 4), 0.25))
    net.count(150)
    early = net(torch.tensor([[3]])).exp()[0, 0]
    net.count(200)
    late = net(torch.tensor([[3]])).exp()[0, 0]
    assert early[3] < 0.05 < 0.9 < late[3]


@pytest.mark.slow
def test_the_known_figures_are_those_of_the_text():
    (*_, last) = measure(texts.load("moby"))
    assert last == pytest.approx(KNOWN["moby"], abs=6e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cache_changes_nothing(kind):
    """Also past the end of the context, where the older half is forgotten."""
    net, prompt = model(kind), torch.randint(VOCAB, (3, 5), generator=seeded())
    u = torch.rand((3, 40), generator=seeded(1))
    cached, plain = (list(generate(net, prompt, u, Choice(0.9), cached=c)) for c in (True, False))
    for a, b in zip(cached, plain, strict=True):
        assert torch.equal(a[0], b[0])
        assert_close(a[1:], b[1:], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_no_token_sees_what_comes_after(kind):
    net, tokens = model(kind), torch.randint(VOCAB, (1, 12), generator=seeded())
    with torch.no_grad():
        whole, changed = net(tokens), tokens.clone()
        changed[0, 7:] = (changed[0, 7:] + 1) % VOCAB
        other = net(changed)
    assert_close(whole[:, :7], other[:, :7])
    assert not torch.allclose(whole[:, 7], other[:, 7])


def test_without_its_mask_it_does():
    net = Transformer(Shape("gpt2", VOCAB, 16, 1, 2, 2, 16, 24, causal=False))
    net.initialise(seeded())
    tokens = torch.arange(10)[None]
    changed = tokens.clone()
    changed[0, 9] = 0
    with torch.no_grad():
        assert not torch.allclose(net(tokens)[:, 0], net(changed)[:, 0])


@pytest.mark.parametrize("style", ["gpt2", "llama"])
def test_watched_attention_is_the_attention_that_is_used(style):
    net, tokens = model(style), torch.randint(VOCAB, (2, 9), generator=seeded())
    with torch.no_grad():
        plain = net.streams(net.embed(tokens))[-1]
        watched = net.streams(net.embed(tokens), watch=True)[-1]
    assert_close(plain, watched, atol=1e-5, rtol=1e-5)
    weights = net.blocks[1].attention.watched
    assert weights.shape == (2, 4, 9, 9) and bool((weights.triu(1) == 0).all())
    assert_close(weights.sum(-1), torch.ones(2, 4, 9))


def test_drawing_follows_the_probabilities():
    p = torch.tensor([0.5, 0.0, 0.2, 0.3, 0.0])
    u = (torch.arange(1000) + 0.5) / 1000
    tokens = draw(p.log().expand(1000, -1), u)
    assert torch.bincount(tokens, minlength=5).tolist() == [500, 0, 200, 300, 0]
    assert draw(p.log()[None], torch.tensor([0.99999999])).item() == 3  # rounded up to 1, still a token that may be drawn


def test_choices_narrow_as_they_say():
    logits = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log()
    kept = {name: (choose(logits, Choice(**{name: value}))[0] > -torch.inf).tolist() for name, value in
            {"top_k": 2, "top_p": 0.6, "min_p": 0.2, "temperature": 0.0}.items()}  # fmt: skip
    assert kept == {"top_k": [True, True, False, False], "top_p": [True, True, False, False], "min_p": [True, True, True, False],
                    "temperature": [True, False, False, False]}  # fmt: skip
    assert_close(choose(logits, Choice(temperature=2.0)).exp(), logits.exp().sqrt() / logits.exp().sqrt().sum())
    assert entropy(torch.full((1, 8), 1 / 8).log()).item() == pytest.approx(math.log(8))


@pytest.mark.parametrize("kind", ["ngram", "gru", "gpt2", "llama"])
def test_beams_find_the_likeliest_text(kind):
    """With a beam for every text there is, it is the best of all; with one, it is the greedy one."""
    net, prompt, length = model(kind, vocab=4), torch.tensor([[1, 2]]), 3
    scores = {}
    for text in itertools.product(range(4), repeat=length):
        whole = torch.cat([prompt, torch.tensor([text])], 1)
        with torch.no_grad():
            log_probs = net(whole[:, :-1]).log_softmax(-1)[0, 1:]
        scores[text] = log_probs.gather(1, torch.tensor(text)[:, None]).sum().item()
    best = sorted(scores, key=scores.__getitem__, reverse=True)
    found, score = beam_search(net, prompt, length, 4**length)
    assert tuple(found[0].tolist()) == best[0] and len(found) == 4**length
    assert_close(score, torch.tensor([scores[tuple(t)] for t in found.tolist()]), atol=1e-5, rtol=1e-5)
    greedy = [t.item() for t, _, _ in generate(net, prompt, torch.zeros(1, length), Choice(0.0))]
    assert beam_search(net, prompt, length, 1)[0][0].tolist() == greedy


def test_a_verdict_leaves_the_large_models_distribution():
    """For any p and q: drafted with q, kept or replaced, a token has probability p exactly. Summed over all drafts, integrated over u."""
    p, q = (torch.softmax(2 * torch.randn(6, generator=seeded(s), dtype=torch.float64), 0) for s in (1, 2))
    out = torch.zeros(6, dtype=torch.float64)
    for x in range(6):
        accept = min(1.0, (p[x] / q[x]).item())
        for u, weight in ((accept - 1e-6, accept), (accept + 1e-6, 1 - accept)):
            if weight <= 0:
                continue
            kept, rest = verdict(p[None], q[None], torch.tensor([x]), torch.tensor([u], dtype=torch.float64))
            out += q[x] * weight * (torch.eye(6, dtype=torch.float64)[x] if kept else rest)
    assert_close(out, p, atol=1e-12, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["llama", "mlp"])
def test_speculative_texts_have_the_models_own_distribution(kind):
    """Every text of three tokens, how often it came against its probability: chi-square, 26 degrees of freedom; 55 is p = 0.0008."""
    net, small, prompt, n = model(kind, vocab=3, block_size=4), model("ngram", vocab=3), torch.tensor([[0, 2]]), 1_000
    g, counts, kept = seeded(3), Counter(), 0
    for _ in range(n):
        text, about = speculative(net, small, prompt, 3, 2, Choice(), g)
        counts[tuple(text.tolist())] += 1
        kept += about.accepted
    chi2 = 0.0
    for text in itertools.product(range(3), repeat=3):
        reader, log_p = Reader(net, prompt), 0.0
        with torch.no_grad():
            for token in text:
                log_p += reader.logits.log_softmax(-1)[0, token].item()
                reader.put(torch.tensor([token]))
        chi2 += (counts[text] - n * math.exp(log_p)) ** 2 / (n * math.exp(log_p))
    assert chi2 < 55 and kept > 0


def test_a_draft_by_the_model_itself_is_always_kept():
    net = model("gpt2")
    text, counts = speculative(net, net, torch.tensor([[1]]), 12, 3, Choice(), seeded())
    assert len(text) == 12 and counts.accepted == counts.drafted and counts.passes == 3


def test_speculative_greedy_is_greedy():
    net, small = model("llama"), model("ngram")
    greedy = [t.item() for t, _, _ in generate(net, torch.tensor([[1, 2]]), torch.zeros(1, 30), Choice(0.0))]
    text, _ = speculative(net, small, torch.tensor([[1, 2]]), 30, 4, Choice(0.0), seeded())
    assert text.tolist() == greedy


def test_a_recurrent_network_cannot_go_back():
    with pytest.raises(ValueError, match="cannot go back"):
        speculative(model("gru"), model("ngram"), torch.tensor([[1]]), 20, 4, Choice(), seeded())
