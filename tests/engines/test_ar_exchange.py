"""Text models in the format of transformers, with their tokens: out through the command line, and in, from here and from elsewhere."""

import json
import random

import pytest
import torch
from torch.testing import assert_close

from engines.__main__ import main
from engines.autoregressive.generate import Choice, generate
from engines.data import load
from engines.runs import load_run

transformers = pytest.importorskip("transformers")
CONTEXT, NEW = 256, 200
GPT2 = ["--set", "model=gpt2"]
LLAMA = ["--set", "model=llama", "--set", "kv_heads=1", "--set", "rope_theta=5000", "--set", "tokens=bpe", "--set", "vocab=320"]
SMALL = ["layers=2", "width=32", "heads=2", f"block_size={CONTEXT}", "batch=2", "limit=20000", "lr=0.05", "warmup=0"]
CHARACTERS = 83  # of Moby Dick


def run(*args):
    assert main([str(a) for a in args]) == 0


def refused(capsys, *args):
    capsys.readouterr()
    assert main([str(a) for a in args]) == 2
    streams = capsys.readouterr()
    assert streams.err.count("\n") == 1 and not streams.out
    return streams.err


def greedy(net, prompt):
    u = torch.zeros(len(prompt), NEW)
    return torch.stack([token for token, _, _ in generate(net, prompt, u, Choice(temperature=0.0))], 1)


def same(net, folder, prompt):
    """Logits of ours and theirs, and greedy texts."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        assert_close(model(prompt).logits, net(prompt), atol=1e-4, rtol=0)
    written = model.generate(prompt, max_new_tokens=NEW, do_sample=False, top_k=50, attention_mask=torch.ones_like(prompt))
    assert torch.equal(written[:, prompt.shape[1] :], greedy(net, prompt))
    return model


@pytest.mark.slow
@pytest.mark.parametrize("knobs", [GPT2, LLAMA], ids=["characters", "pairs"])
def test_a_folder_writes_the_same_text_from_the_same_words(knobs, tmp_path):
    here, out, back = (tmp_path / name for name in ("run", "hf", "back"))
    small = [part for knob in SMALL for part in ("--set", knob)]
    run("train", "autoregressive", "--dataset", "moby", *knobs, *small, "--steps", 4, "--out", here)
    run("export", here, "--to", "transformers", "--out", out)
    _, engine, _ = load_run(str(here))
    tokens = transformers.AutoTokenizer.from_pretrained(out)
    words = "Call me Ishmael.  Some years ago—\n"
    ids = tokens(words, return_tensors="pt")["input_ids"]
    assert ids[0].tolist() == engine.source.tokenizer.encode(words).tolist() and len(tokens) == engine.source.vocab
    assert tokens.decode(ids[0]) == words and tokens.model_max_length == CONTEXT
    model = same(engine.model, out, ids)
    said = model.generation_config
    assert (said.do_sample, said.top_k, said.max_length, said.temperature or 1.0) == (True, 0, CONTEXT, 1.0)
    run("import", out, "--out", back)
    _, again, _ = load_run(str(back))
    with torch.no_grad():
        assert torch.equal(again.model(ids), engine.model(ids))


def test_a_character_that_the_text_never_had_is_an_error_there_too(tmp_path):
    from engines.autoregressive.tokens_out import tokenizer_of

    class Source:
        tokenizer = __import__("engines.data.text", fromlist=["Characters"]).Characters("ab\n")

    found = tokenizer_of(Source())
    assert found.encode("a\nb").ids == [1, 0, 2] and found.decode([2, 1]) == "ba"
    with pytest.raises(Exception, match="UNK"):
        found.encode("Ω")


def test_ones_own_text_comes_back_with_its_file_only(tmp_path, capsys):
    text, here, out, back = (tmp_path / name for name in ("mine.txt", "run", "hf", "back"))
    text.write_text("To be, or not to be, that is the question. " * 60, encoding="utf-8")
    small = ["--set", "layers=1", "--set", "width=16", "--set", "heads=2", "--set", "block_size=16", "--steps", "1"]
    run("train", "autoregressive", "--dataset", "own-text", "--data", text, *small, "--out", here)
    run("export", here, "--to", "transformers", "--out", out)
    assert "needs --data FILE" in refused(capsys, "import", out, "--out", back)
    assert "does not belong here" in refused(capsys, "import", out, "--dataset", "moby", "--out", back)
    text.write_text("Whether 'tis nobler in the mind to suffer. " * 60, encoding="utf-8")
    assert "of other sizes" in refused(capsys, "import", out, "--data", text, "--out", back)
    text.write_text("To be, or not to be, that is the question. " * 60, encoding="utf-8")
    run("import", out, "--data", text, "--out", back)
    (_, engine, _), (_, again, _) = load_run(str(here)), load_run(str(back))
    ids = torch.arange(12)[None]
    with torch.no_grad():
        assert torch.equal(again.model(ids), engine.model(ids))


def foreign(style, seed, **more):
    """A random model of theirs, as somebody else would save it, of as many tokens as Moby Dick has characters."""
    r = random.Random(seed)
    kv = r.choice([1, 2])
    heads = kv * r.choice([1, 2, 3])
    tied, layers, width = r.choice([True, False]), r.choice([1, 2]), 24 * heads
    if style == "gpt2":
        sizes = dict(n_positions=CONTEXT, n_embd=width, n_layer=layers, n_head=heads, bos_token_id=None, eos_token_id=None)
        config = transformers.GPT2Config(**({"vocab_size": CHARACTERS, "tie_word_embeddings": tied} | sizes | more))
    else:
        theta = r.choice([100.0, 10_000.0, 500_000.0])
        sizes = dict(
            max_position_embeddings=CONTEXT, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
            num_key_value_heads=kv, intermediate_size=8 * round(width / 3), rms_norm_eps=1e-5,
            rope_parameters={"rope_type": "default", "rope_theta": theta}, bos_token_id=None, eos_token_id=None, pad_token_id=None,
        )  # fmt: skip
        config = transformers.LlamaConfig(**({"vocab_size": CHARACTERS, "tie_word_embeddings": tied} | sizes | more))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = transformers.AutoModelForCausalLM.from_config(config).eval()
        for p in model.parameters():
            p.data.add_(0.1 * torch.randn_like(p))
    return model


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("style", ["gpt2", "llama"])
def test_a_model_from_elsewhere_becomes_a_run(style, seed, tmp_path, capsys):
    folder, here = tmp_path / "theirs", tmp_path / "run"
    foreign(style, seed).save_pretrained(folder)
    assert "a model of text takes --dataset" in refused(capsys, "import", folder, "--out", here)
    run("import", folder, "--dataset", "moby", "--out", here)
    _, engine, about = load_run(str(here))
    assert about["imported"] == "transformers" and engine.config.model == style and engine.step == 0
    prompt = torch.randint(CHARACTERS, (1, 30), generator=torch.Generator().manual_seed(seed))
    same(engine.model, folder, prompt)


@pytest.mark.parametrize(
    ("style", "more", "words"),
    [
        ("gpt2", {"n_inner": 50}, "has hidden=50, where ours would have"),
        ("llama", {"rms_norm_eps": 1e-6}, "has eps=1e-06, where ours would have 1e-05"),
        ("gpt2", {"vocab_size": 90}, "vocab_size=90 is neither 83, the characters of moby, nor in [300, 4096]"),
        ("gpt2", {"n_positions": 1_024}, "block_size=1024 is outside [8, 512]"),
    ],
)
def test_what_ours_has_no_place_for_is_refused(style, more, words, tmp_path, capsys):
    foreign(style, 0, **more).save_pretrained(tmp_path / "theirs")
    assert words in refused(capsys, "import", tmp_path / "theirs", "--dataset", "moby", "--out", tmp_path / "run")
    assert "dataset=digits is not a text" in refused(
        capsys, "import", tmp_path / "theirs", "--dataset", "digits", "--out", tmp_path / "run"
    )


def test_tokens_that_are_not_ours_are_refused(tmp_path, capsys):
    """As many words as Moby Dick has characters, but other ones."""
    folder = tmp_path / "theirs"
    foreign("gpt2", 1).save_pretrained(folder)
    pieces = sorted(set(load("moby").text), reverse=True)
    table = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "post_processor": None}
    split = {"type": "Split", "pattern": {"Regex": "[\\s\\S]"}, "behavior": "Isolated", "invert": False}
    model = {"type": "WordLevel", "vocab": {piece: i for i, piece in enumerate(pieces)}, "unk_token": "none"}
    (folder / "tokenizer.json").write_text(json.dumps(table | {"pre_tokenizer": split, "decoder": None, "model": model}))
    assert "gives other tokens than those learned from moby" in refused(
        capsys, "import", folder, "--dataset", "moby", "--out", tmp_path / "run"
    )
    (folder / "tokenizer.json").write_text("{}")
    assert "cannot read the text" in refused(capsys, "import", folder, "--dataset", "moby", "--out", tmp_path / "run")
