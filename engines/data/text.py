"""Texts, and what turns them into numbers: characters, or byte-pair encoding (Sennrich et al., 2016) over bytes.

The first nine tenths of a text are trained on, the rest is held out. No torch here."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "data"
TRAINED_ON = 0.9  # of the characters, as in nanoGPT
MOST_BYTES, FEWEST = 1_000_000, 1_000  # of one's own text: bytes, characters
MOST_CHARACTERS = 4_096  # different ones
LONGEST_WORD = 256  # characters, where byte pairs are learned
KEPT = 8  # tokenizers and texts as tokens, in one process
SHAKESPEARE = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
SHAKESPEARE_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
SHAKESPEARE_FILE = "tinyshakespeare.txt"
TIMEOUT = 10.0  # seconds


@dataclass(frozen=True)
class TextSet:
    """`train` is what a model may learn from, `val` what it is measured on; one follows the other in the text."""

    key: str
    train: str
    val: str

    @property
    def text(self) -> str:
        return self.train + self.val

    @property
    def val_bytes(self) -> int:
        """Length of the held-out part as UTF-8."""
        return len(self.val.encode())


@cache
def load(key: str) -> TextSet:
    """A text of the catalogue, read once per process. ValueError says what to do where it cannot be had."""
    return split(key, TEXTS[key]())


def own(array: np.ndarray | None) -> TextSet:
    """The visitor's text as UTF-8 bytes (n,) uint8. ValueError says what does not fit."""
    if array is None or np.ndim(array) != 1 or np.asarray(array).dtype != np.uint8:
        raise ValueError("paste or upload a text of your own first")
    return split("own-text", decoded(np.asarray(array).tobytes()))


def decoded(raw: bytes) -> str:
    """UTF-8 bytes as a text whose lines end in one way. ValueError says what does not fit, and what would."""
    if len(raw) > MOST_BYTES:
        raise ValueError(f"text has {len(raw):,} bytes; at most {MOST_BYTES:,} fit")
    try:
        text = raw.decode().removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"text is not UTF-8: byte {error.start:,} is 0x{raw[error.start]:02X}, which cannot be there") from None
    if len(text) < FEWEST:
        raise ValueError(f"text has {len(text):,} characters; at least {FEWEST:,} are needed" if text else "text is empty")
    if len(set(text)) < 2:
        raise ValueError(f"text is one character {len(text):,} times; at least 2 different ones are needed")
    return text


def split(key: str, text: str) -> TextSet:
    cut = int(TRAINED_ON * len(text))
    return TextSet(key, text[:cut], text[cut:])


def with_limit(text: TextSet, limit: int) -> TextSet:
    """The same text with only the first `limit` characters to learn from, 0 = all."""
    return text if not limit else TextSet(f"{text.key} {limit}", text.train[:limit], text.val)


def gzip_nats_per_char(text: TextSet) -> float:
    """What gzip makes of the held-out part, in nats per character: a model of text that never saw any."""
    return 8 * len(gzip.compress(text.val.encode(), 9)) * float(np.log(2)) / len(text.val)


class Tokenizer(Protocol):
    """Text to numbers and back. `pieces` are the tokens as one would write them."""

    pieces: tuple[str, ...]

    def encode(self, text: str) -> np.ndarray: ...
    def decode(self, ids: Sequence[int]) -> str: ...


class Characters:
    """Every character that occurs in the text is a token, in the order of their code points."""

    def __init__(self, text: str):
        self.pieces = tuple(sorted(set(text)))
        if len(self.pieces) > MOST_CHARACTERS:
            raise ValueError(
                f"the text has {len(self.pieces):,} different characters, more than {MOST_CHARACTERS:,}; tokens=bpe has no limit"
            )
        self._index = {piece: i for i, piece in enumerate(self.pieces)}

    def encode(self, text: str) -> np.ndarray:
        """(n,) int64. ValueError names a character that the model does not know."""
        try:
            return np.array([self._index[piece] for piece in text], np.int64)
        except KeyError as error:
            raise ValueError(f"text holds {error.args[0]!r}, which the text trained on does not") from None

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(self.pieces[i] for i in ids)


def whole_words(text: str) -> Iterator[str]:
    """The text in parts, cut only within runs that no language has: learning byte pairs takes time that grows with the square of the
    longest word (900,000 letters without a space)."""
    last = 0
    for run in re.finditer(rf"\S{{{LONGEST_WORD},}}|\s{{{LONGEST_WORD},}}", text):
        yield text[last : run.start()]
        yield from (text[i : min(i + LONGEST_WORD, run.end())] for i in range(run.start(), run.end(), LONGEST_WORD))
        last = run.end()
    yield text[last:]


class Bpe:
    """Byte-pair encoding learned from a text, over bytes so that any text can be written. By the `tokenizers` library."""

    def __init__(self, text: str, vocab: int):
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        from tokenizers import Tokenizer as Model
        from tokenizers import decoders, models, pre_tokenizers, trainers

        self.model: Any = Model(models.BPE())
        self.model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        self.model.decoder = decoders.ByteLevel()
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        self.model.train_from_iterator(
            whole_words(text), trainers.BpeTrainer(vocab_size=vocab, initial_alphabet=alphabet, show_progress=False)
        )
        self.pieces = tuple(self.model.decode([i]) for i in range(self.model.get_vocab_size()))

    def encode(self, text: str) -> np.ndarray:
        """(n,) int64."""
        return np.array(self.model.encode(text).ids, np.int64)

    def decode(self, ids: Sequence[int]) -> str:
        return self.model.decode([int(i) for i in ids])


@lru_cache(maxsize=KEPT)
def tokenizer(text: TextSet, tokens: str, vocab: int) -> Tokenizer:
    """ "char" or "bpe" with `vocab` tokens, learned from the part trained on; made once per process for each text."""
    return Characters(text.text) if tokens == "char" else Bpe(text.train, vocab)


@lru_cache(maxsize=KEPT)
def encoded(text: TextSet, tokens: str, vocab: int) -> tuple[np.ndarray, np.ndarray]:
    """Both parts of a text as tokens, (n,) int64 each; computed once per process for each text."""
    made = tokenizer(text, tokens, vocab)
    return made.encode(text.train), made.encode(text.val)


def _moby() -> str:
    return (FOLDER / "moby_dick.txt").read_text(encoding="utf-8")


def _shakespeare() -> str:
    """From the folder that PLAYGROUND_DATA names, else from a copy kept of the download, else downloaded now."""
    named = os.environ.get("PLAYGROUND_DATA")
    if named and (Path(named) / SHAKESPEARE_FILE).is_file():
        return _verified((Path(named) / SHAKESPEARE_FILE).read_bytes())
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "generative-playground" / SHAKESPEARE_FILE
    if kept.is_file():
        return _verified(kept.read_bytes())
    try:
        with urllib.request.urlopen(SHAKESPEARE, timeout=TIMEOUT) as answer:
            data = answer.read(2_000_000)
    except OSError as error:
        raise ValueError(
            f"dataset=shakespeare could not be downloaded ({error}); put {SHAKESPEARE_FILE} in the folder named by PLAYGROUND_DATA, "
            "or take the text that is here, dataset=moby"
        ) from None
    text = _verified(data)
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_name(f"{kept.name}.{os.getpid()}")
    part.write_bytes(data)
    part.replace(kept)
    return text


def _verified(data: bytes) -> str:
    if hashlib.sha256(data).hexdigest() != SHAKESPEARE_SHA256:
        raise ValueError(f"{SHAKESPEARE_FILE} is not the text that published figures refer to; take the text that is here, dataset=moby")
    return data.decode()


TEXTS = {"moby": _moby, "shakespeare": _shakespeare}
