"""GPT-2 and Llama against transformers: the same weights give the same logits, the same greedy texts, and folders each can open."""

import random

import pytest
import torch
from torch.testing import assert_close

from engines.autoregressive.generate import Choice, generate
from engines.autoregressive.references import from_pretrained, from_transformers, save_pretrained, shape_of, to_transformers
from engines.autoregressive.transformer import Shape, Transformer

transformers = pytest.importorskip("transformers")
VOCAB, CONTEXT = 61, 256


def gpt2(seed):
    """A random small GPT2LMHeadModel."""
    r = random.Random(seed)
    heads = r.choice([1, 2, 4])
    return transformers.GPT2Config(
        vocab_size=VOCAB, n_positions=CONTEXT, n_embd=8 * heads, n_layer=r.choice([1, 2, 3]), n_head=heads,
        n_inner=r.choice([None, 24]), tie_word_embeddings=r.choice([True, False]), bos_token_id=None, eos_token_id=None,
    )  # fmt: skip


def llama(seed):
    """A random small LlamaForCausalLM: heads, heads of keys, rotary base, tied or not."""
    r = random.Random(seed)
    kv = r.choice([1, 2])
    heads = kv * r.choice([1, 2, 3])
    return transformers.LlamaConfig(
        vocab_size=VOCAB, max_position_embeddings=CONTEXT, hidden_size=8 * heads, num_hidden_layers=r.choice([1, 2, 3]),
        num_attention_heads=heads, num_key_value_heads=kv, intermediate_size=r.choice([20, 48]),
        rope_parameters={"rope_type": "default", "rope_theta": r.choice([100.0, 10_000.0, 500_000.0])},
        tie_word_embeddings=r.choice([True, False]), bos_token_id=None, eos_token_id=None, pad_token_id=None,
    )  # fmt: skip


def theirs(config, seed):
    """A model of theirs with weights large enough for logits that differ."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = transformers.AutoModelForCausalLM.from_config(config).eval()
        for p in model.parameters():
            p.data.add_(0.15 * torch.randn_like(p))
    return model


def greedy(net, prompt, length, cached):
    u = torch.zeros(len(prompt), length)
    return torch.stack([token for token, _, _ in generate(net, prompt, u, Choice(temperature=0.0), cached=cached)], 1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("make", [gpt2, llama], ids=["gpt2", "llama"])
def test_same_logits_and_same_greedy_texts(make, seed):
    model = theirs(make(seed), seed)
    ours = from_transformers(model)
    tokens = torch.randint(VOCAB, (2, 40), generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        assert_close(ours(tokens), model(tokens).logits, atol=1e-4, rtol=0)
    expected = model.generate(tokens[:1, :5], max_new_tokens=200, do_sample=False, attention_mask=torch.ones(1, 5, dtype=torch.long))
    cached, plain = (greedy(ours, tokens[:1, :5], 200, cached) for cached in (True, False))
    assert torch.equal(cached, expected[:, 5:]) and torch.equal(cached, plain)
    assert len(set(cached[0].tolist())) > 1


@pytest.mark.parametrize("style", ["gpt2", "llama"])
@pytest.mark.parametrize("tied", [True, False])
def test_folders_go_both_ways(style, tied, tmp_path):
    kv = 2 if style == "llama" else 4
    theta = {"rope_theta": 5_000.0} if style == "llama" else {}
    net = Transformer(Shape(style, VOCAB, 32, 2, 4, kv, 32, 40, tied=tied, **theta))
    net.initialise(torch.Generator().manual_seed(0))
    save_pretrained(net, str(tmp_path))
    opened = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    back = from_pretrained(str(tmp_path))
    tokens = torch.arange(20)[None]
    with torch.no_grad():
        assert_close(opened(tokens).logits, net(tokens), atol=1e-5, rtol=0)
        assert torch.equal(back(tokens), net(tokens))
    assert back.shape == net.shape and shape_of(opened.config) == net.shape


def test_converting_leaves_the_global_stream_alone():
    net = Transformer(Shape("llama", VOCAB, 32, 1, 2, 1, 16, 24))
    net.initialise(torch.Generator().manual_seed(0))
    before = torch.get_rng_state()
    to_transformers(net)
    assert torch.equal(before, torch.get_rng_state())


def test_what_ours_does_not_have_is_refused():
    with pytest.raises(ValueError, match="causal=false"):
        to_transformers(Transformer(Shape("gpt2", 5, 8, 1, 1, 1, 8, 16, causal=False)))
    with pytest.raises(ValueError, match="relu"):
        shape_of(transformers.GPT2Config(activation_function="relu"))
    with pytest.raises(ValueError, match="model_type=bert"):
        shape_of(transformers.BertConfig())


@pytest.mark.parametrize("choice", [dict(temperature=0.7), dict(top_k=5), dict(top_p=0.6), dict(min_p=0.2), dict(repetition_penalty=1.7)])
def test_choices_are_those_of_transformers(choice):
    from engines.autoregressive.generate import choose

    name, value = next(iter(choice.items()))
    cls = {"temperature": "TemperatureLogitsWarper", "top_k": "TopKLogitsWarper", "top_p": "TopPLogitsWarper", "min_p": "MinPLogitsWarper",
           "repetition_penalty": "RepetitionPenaltyLogitsProcessor"}[name]  # fmt: skip
    logits = 3 * torch.randn(16, 30, generator=torch.Generator().manual_seed(0))
    past = torch.randint(30, (16, 6), generator=torch.Generator().manual_seed(1))
    seen = torch.zeros(16, 30, dtype=torch.bool).scatter(1, past, True)
    expected = getattr(transformers, cls)(value)(past, logits.clone()).log_softmax(-1)
    assert_close(choose(logits, Choice(**choice), seen), expected)
