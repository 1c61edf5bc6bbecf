"""Are strange images and texts told from those held out by −log p? The receiver operating characteristic and the area under it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engines.autoregressive import questions as q
from engines.autoregressive import questions_writing as w
from engines.autoregressive.probe_text import surprise
from engines.autoregressive.sources import grey, quantised
from engines.core import Curve, Snapshot, Tokens
from engines.data import load
from engines.state import Rng

if TYPE_CHECKING:
    from engines.autoregressive.engine import AutoregressiveEngine

BINS = 24
AT_ONCE = 100  # texts in one pass
Answers = Iterator[Snapshot | None]


def images(engine: AutoregressiveEngine, a: q.Anomaly) -> Answers:
    """How well bits per pixel tell other images from those held out: "auroc" 0.5 = not at all, below 0.5 = the others look likelier,
    which happens (Nalisnick et al., 2019)."""
    source, probe = engine.source, engine.probe
    if source.labels is not None:
        raise ValueError("anomaly needs a model that is not told the class: others have none")
    own = source.test[: a.n].long()
    other = _other_images(engine, a, own)
    dims = own[0].numel() * math.log(2)
    scores = []
    for x in (own, other):
        scores.append(probe.nats(engine, x, None).sum((1, 2)).double().cpu().numpy() / dims)
        yield None
    curve, area = _told_apart(scores[0], scores[1])
    yield Snapshot(engine.step, {"auroc": area}, {"roc": (curve,), "bits": _histograms(scores[0], scores[1], a.against)})


def texts(engine: AutoregressiveEngine, a: w.Strange) -> Answers:
    """How well nats per character tell strange texts from those held out they were made of."""
    held, code = engine.source.text.val, engine.source.tokenizer
    length = min(a.length, engine.model.block_size or a.length)
    if len(held) < length:
        raise ValueError(f"length={length:,} is more than the {len(held):,} characters held out")
    own = [held[i : i + length] for i in np.linspace(0, len(held) - length, a.n).astype(int)]
    rng = np.random.default_rng([a.seed, 0])
    other = [strange(text, a.against, rng) for text in own]
    scores = []
    for side in (own, other):
        found = np.empty(a.n)
        ids = [code.encode(text)[: (engine.model.block_size or len(text)) + 1] for text in side]
        for size in sorted({len(i) for i in ids}):  # texts of as many tokens are read together
            at = [k for k, i in enumerate(ids) if len(i) == size]
            for part in (at[j : j + AT_ONCE] for j in range(0, len(at), AT_ONCE)):
                found[part] = _nats(engine, np.stack([ids[k] for k in part]))
                yield None
        scores.append(found / [max(1, len(code.decode(i[1:]))) for i in ids])
    curve, area = _told_apart(scores[0], scores[1])
    means = {f"nats_per_char/{name}": float(s.mean()) for name, s in zip(("held out", "strange"), scores, strict=True)}
    shown = tuple(Tokens(tuple(text), name=name) for text, name in ((own[0], "held out"), (other[0], a.against)))
    yield Snapshot(
        engine.step, {"auroc": area, **means}, {"roc": (curve,), "nats": _histograms(scores[0], scores[1], a.against), "text": shown}
    )


def strange(text: str, against: str, rng: np.random.Generator) -> str:
    """The same characters in another order: back to front, each moved, or word by word (white space stays with the word before it)."""
    if against == "reversed":
        return text[::-1]
    units = list(text) if against == "letters" else _words(text)
    return "".join(units[i] for i in rng.permutation(len(units)))


def _words(text: str) -> list[str]:
    """Words with the white space after them; together they are the text."""
    found, start = [], 0
    for i in range(1, len(text)):
        if text[i - 1].isspace() and not text[i].isspace():
            found.append(text[start:i])
            start = i
    return [*found, text[start:]]


@torch.no_grad()
def _nats(engine: AutoregressiveEngine, ids: np.ndarray) -> np.ndarray:
    """−log p in nats of texts (n, t), their first token given; (n,)."""
    return surprise(engine.model, torch.from_numpy(ids).to(engine.device)).double().sum(1).cpu().numpy()


def roc(own: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """False and true alarms at every threshold on scores (n,), higher = stranger, and the area under the curve."""
    thresholds = np.unique(np.concatenate([own, other]))[::-1]
    false, true = (np.concatenate([[0.0], [(s >= t).mean() for t in thresholds]]) for s in (own, other))
    area = float(((false[1:] - false[:-1]) * (true[1:] + true[:-1]) / 2).sum())
    return false, true, area


def _told_apart(own: np.ndarray, other: np.ndarray) -> tuple[Curve, float]:
    false, true, area = roc(own, other)
    return Curve(false.astype(np.float32), true.astype(np.float32), name="roc"), area


def _histograms(own: np.ndarray, other: np.ndarray, name: str) -> tuple[Curve, Curve]:
    """Shares of the scores of both in bins that they have in common."""
    lo, hi = min(own.min(), other.min()), max(own.max(), other.max())
    edges = np.linspace(lo, hi + 1e-9, BINS + 1)
    middle = ((edges[1:] + edges[:-1]) / 2).astype(np.float32)
    first, second = (np.histogram(s, edges)[0].astype(np.float32) / len(s) for s in (own, other))
    return Curve(middle, first, role="data", name="held out"), Curve(middle, second, role="reference", name=name)


def _other_images(engine: AutoregressiveEngine, a: q.Anomaly, own: Tensor) -> Tensor:
    """(n, h, w) levels of the images to be told apart, in the order of the model."""
    source, rng = engine.source, Rng(a.seed, ("anomaly",), engine.device)["anomaly"]
    if a.against == "inverted":
        return source.levels - 1 - own
    if a.against == "noise":
        return torch.randint(source.levels, own.shape, generator=rng, device=engine.device)
    if a.against == "shuffled":
        return own.flatten(1)[:, torch.randperm(own[0].numel(), generator=rng, device=engine.device)].view(own.shape)
    if tuple(load(a.against).shape[1:]) != source.side:
        raise ValueError(f"against={a.against} has images of 28×28, this model draws {source.side[0]}×{source.side[1]}")
    pixels = torch.from_numpy(load(a.against).test_pixels[: a.n])
    return source.ordered(quantised(grey(pixels), source.levels, engine.config.binarise, a.against).to(engine.device)).long()
