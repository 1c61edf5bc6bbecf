"""Texts and their tokens: where they come from, what is refused, and that nothing is lost on the way."""

import hashlib

import numpy as np
import pytest

from engines.data import CHOICES, DATASETS, choices, kind, load
from engines.data import text as texts
from engines.data.codes import own as own_codes


@pytest.fixture
def fresh():
    texts.load.cache_clear()
    yield
    texts.load.cache_clear()


def test_the_catalogue():
    assert [d.key for d in DATASETS.values() if d.kind == "text"] == ["moby", "shakespeare"] and not set(CHOICES) & {"moby", "own-text"}
    assert kind("own-text") == "text" and kind("own-codes") == "codes"
    assert list(choices("text")) == ["moby", "shakespeare", "own-text"]


def test_moby_dick_is_split_and_not_changed():
    text = load("moby")
    assert text.train.startswith("CHAPTER 1. Loomings.") and len(text.train) == int(0.9 * 1_190_317)
    assert hashlib.sha256(text.text.encode()).hexdigest().startswith("fe282a57094e")
    assert load("moby") is text


def test_characters_and_pairs_lose_nothing():
    text = texts.split("x", "Grüße, 你好! ab ab ab. " * 60)
    for tokens, vocab in (("char", 0), ("bpe", 300)):
        tokenizer = texts.tokenizer(text, tokens, vocab)
        ids = tokenizer.encode(text.val)
        assert tokenizer.decode(ids) == text.val and ids.dtype == np.int64 and ids.max() < len(tokenizer.pieces)
    assert len(ids) < len(text.val.encode()) / 2, "pairs that are frequent are one token"
    assert tokenizer.decode(tokenizer.encode("never seen: Ω")) == "never seen: Ω"
    with pytest.raises(ValueError, match="'Ω'"):
        texts.tokenizer(text, "char", 0).encode("Ω")


def test_gzip_knows_repetition():
    dull, wild = "ab" * 5_000, "".join(chr(97 + i) for i in np.random.default_rng(0).integers(26, size=10_000))
    assert texts.gzip_nats_per_char(texts.split("d", dull)) < 0.3
    assert texts.gzip_nats_per_char(texts.split("w", wild)) == pytest.approx(np.log(26), abs=0.4)


def test_shakespeare_from_a_folder_a_download_or_a_sentence(fresh, tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "SHAKESPEARE_SHA256", hashlib.sha256(b"To be, or not to be" * 10).hexdigest())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("PLAYGROUND_DATA", raising=False)
    asked = []

    class Answer:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def read(self, _):
            return b"To be, or not to be" * 10

    def fails(url, timeout):
        raise OSError("no network")

    monkeypatch.setattr(texts.urllib.request, "urlopen", fails)
    with pytest.raises(ValueError, match="could not be downloaded .no network.*dataset=moby"):
        load("shakespeare")
    monkeypatch.setattr(texts.urllib.request, "urlopen", lambda url, timeout: asked.append(url) or Answer())
    assert load("shakespeare").text == "To be, or not to be" * 10 and len(asked) == 1
    texts.load.cache_clear()
    assert load("shakespeare").text.startswith("To be") and len(asked) == 1, "the copy that was kept"
    (tmp_path / "tinyshakespeare.txt").write_bytes(b"something else")
    monkeypatch.setenv("PLAYGROUND_DATA", str(tmp_path))
    texts.load.cache_clear()
    with pytest.raises(ValueError, match="not the text that published figures refer to"):
        load("shakespeare")


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (None, "whole numbers"),
        (np.zeros((20, 4, 4)), "whole numbers"),
        (np.zeros((3, 4, 4), int), "3×4×4 do not fit"),
        (np.full((20, 4, 4), 5_000), "5,000 are outside"),
        (np.full((20, 4, 4), -1), "outside"),
    ],
)
def test_codes_that_do_not_fit(codes, words):
    with pytest.raises(ValueError, match=words):
        own_codes(codes)


def test_every_fifth_grid_is_held_out():
    found = own_codes(np.arange(20)[:, None, None] * np.ones((1, 2, 2), int))
    assert found.test[:, 0, 0].tolist() == [4, 9, 14, 19] and len(found.train) == 16 and found.count == 20
