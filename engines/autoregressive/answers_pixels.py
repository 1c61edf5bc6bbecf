"""Questions to a pixel model: what it expected of a pixel, how likely an image is, how half an image goes on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engines import metrics
from engines.autoregressive import questions as q
from engines.autoregressive.generate import Choice, choose, entropy, last_of
from engines.autoregressive.model import ImageGpt
from engines.autoregressive.sources import quantised
from engines.core import Bars, Curve, Heat, Images, Snapshot, View
from engines.judge import judge

if TYPE_CHECKING:
    from engines.autoregressive.engine import AutoregressiveEngine

BINS = 30
Answers = Iterator[Snapshot | None]


def pixel(engine: AutoregressiveEngine, a: q.Pixel) -> Answers:
    """Metrics "entropy [bits]" and "surprise [bits]" of the level that is there."""
    x, y = _image(engine, a.pixels, a.index, a.label)
    i, j = _place(engine, a.row, a.column)
    with torch.no_grad():
        log_probs = engine.model.head.log_probs(engine.model(x, y))[0, :, i, j]  # (levels,)
    levels = engine.source.levels
    view = Bars(_numbers(log_probs.exp()), tuple(str(k) for k in range(levels)), name="p of each level")
    found = {"entropy [bits]": float(entropy(log_probs)) / math.log(2), "surprise [bits]": -float(log_probs[x[0, i, j]]) / math.log(2)}
    yield Snapshot(engine.step, found, {"next": (view,), "image": (engine.probe.images(engine, x, y, "image"),)})


def drawn(engine: AutoregressiveEngine, a: q.Draw) -> Answers:
    """One image from its first pixel on, or from the first one that is not known. The probabilities are those it was drawn from."""
    probe, source = engine.probe, engine.source
    h, w = source.side
    if a.known > (h * w if a.pixels else 0):
        raise ValueError(f"known={a.known} is more than the pixels given, {h * w if a.pixels else 0}")
    given, y = _image(engine, a.pixels, 0, a.label) if a.pixels else (None, probe.classes(1, a.label))
    choice = Choice(a.temperature)
    x = yield from last_of(probe.draw(engine, probe.uniform(1, a.seed, "draw"), y, choice, given=given, known=a.known))
    with torch.no_grad():
        p = choose(engine.model.head.log_probs(engine.model(x, y))[0].flatten(1).T, choice).exp()  # (h w, levels)
    order = Curve(_numbers(source.place), _numbers(x.flatten()), name="level of each pixel in turn")
    each = np.tile(np.arange(p.shape[1], dtype=np.float32), len(p))
    following = Curve(each, _numbers(p.flatten()), name="p of each level in turn")
    views: dict[str, tuple[View, ...]] = {"image": (probe.images(engine, x, y, "image"),), "order": (order,), "next": (following,)}
    yield Snapshot(engine.step, {"levels": float(source.levels)}, views)


def likelihood(engine: AutoregressiveEngine, a: q.Likelihood) -> Answers:
    """Bits of each pixel, row 0 at the top. "rank held out": the part of the images held out that are less likely, so that near 0 it is
    an anomaly."""
    x, y = _image(engine, a.pixels, a.index, a.label)
    probe, source = engine.probe, engine.source
    nats = probe.nats(engine, x, y)
    labels = None if source.test_labels is None else source.test_labels[:200]
    others = probe.nats(engine, source.test[:200].long(), labels).sum((1, 2))
    yield None
    total = float(nats.sum())
    dims = nats[0].numel() * math.log(2)
    found = {"nll [nats]": total, metrics.BITS_PER_DIM: total / dims, "rank held out": float((others > total).double().mean())}
    heat = _heat(source.seen(nats)[0] / math.log(2), "bits of each pixel")
    counts, edges = np.histogram(others.cpu().numpy() / dims, BINS)
    held = Curve(((edges[1:] + edges[:-1]) / 2).astype(np.float32), counts.astype(np.float32), role="data", name="held out, bits per pixel")
    yield Snapshot(engine.step, found, {"bits": (heat,), "image": (probe.images(engine, x, y, "image"),), "held out": (held,)})


def receptive(engine: AutoregressiveEngine, a: q.Receptive) -> Answers:
    """|∂ log p of one pixel's level / ∂ each pixel|, row 0 at the top: what the model looks at there."""
    x, y = _image(engine, a.pixels, a.index, a.label)
    i, j = _place(engine, a.row, a.column)
    gradient = gradient_map(engine, x, y, i, j)
    seen = engine.source.seen(gradient)[0]
    heat = _heat(seen, "gradient")
    yield Snapshot(
        engine.step, {"pixels that matter": float((seen > 0).sum())}, {"field": (heat,), "image": (engine.probe.images(engine, x),)}
    )


def gradient_map(engine: AutoregressiveEngine, x: Tensor, y: Tensor | None, i: int, j: int) -> Tensor:
    """(1, h, w) in the order of the model: the length of the gradient at what each pixel is encoded as."""
    net = engine.model
    if isinstance(net, ImageGpt):
        read = net.transformer.embed(net.sequence(x, y)).detach().requires_grad_()
        params = net.shaped(net.transformer.logits_of(net.transformer.streams(read)[-1]))
    else:
        read = net.encode(x).detach().requires_grad_()
        params = net.read(read, y)
    (gradient,) = torch.autograd.grad(net.head.log_probs(params)[0, x[0, i, j], i, j], read)
    if not isinstance(net, ImageGpt):
        return gradient.norm(dim=1)
    flat = gradient[0].norm(dim=-1)[1:]  # the first token is no pixel, the last pixel is never read
    return torch.cat([flat, flat.new_zeros(1)]).view(x.shape)


def complete(engine: AutoregressiveEngine, a: q.Complete) -> Answers:
    """The image given first, then completions; how uncertain each new pixel was on average; what the judge takes them for."""
    x, y = _image(engine, a.pixels, a.index, a.label)
    probe, source = engine.probe, engine.source
    known = round(a.given * x[0].numel())
    told = None if y is None else y.expand(a.n)
    u = probe.uniform(a.n, a.seed, "complete")
    drawn = yield from last_of(probe.draw(engine, u, told, Choice(a.temperature), given=x.expand(a.n, -1, -1), known=known))
    with torch.no_grad():
        spread = entropy(engine.model.head.log_probs(engine.model(drawn, told)).movedim(1, -1)).mean(0, keepdim=True) / math.log(2)
    spread.view(-1)[:known] = 0
    images = Images(source.pixels(torch.cat([x, drawn])), name="completions")
    views: dict[str, tuple[View, ...]] = {"stage": (images,), "entropy": (_heat(source.seen(spread)[0], "bits, on average"),)}
    if (jury := judge(engine.config.dataset)) is not None:
        names = source.classes
        views["vote"] = (Bars(np.asarray(jury.shares(torch.from_numpy(images.pixels[1:])), np.float32), names, name="seen as"),)
    yield Snapshot(engine.step, {"pixels given": float(known)}, views)


def _image(engine: AutoregressiveEngine, pixels: tuple[float, ...], index: int, label: int) -> tuple[Tensor, Tensor | None]:
    """One image (1, h, w) in levels and in the order of the model, and its class (1,): drawn by a visitor, or held out."""
    source, probe = engine.source, engine.probe
    h, w = source.side
    if pixels:
        if len(pixels) != h * w:
            raise ValueError(f"pixels holds {len(pixels):,} numbers, an image here has {h}×{w}")
        x = torch.tensor(pixels, device=engine.device).view(1, h, w)
        return source.ordered(quantised((x + 1) / 2, source.levels)).long(), probe.classes(1, label)
    if index >= len(source.test):
        raise ValueError(f"index={index:,} is outside [0, {len(source.test) - 1:,}]")
    y = probe.classes(1, label)
    if y is not None and label < 0:
        y = source.test_labels[index : index + 1]
    return source.test[index : index + 1].long(), y


def _place(engine: AutoregressiveEngine, row: int, column: int) -> tuple[int, int]:
    """Where in the model's order the pixel lies that is seen at (row, column)."""
    h, w = engine.source.side
    row, column = (h // 2 if row < 0 else row), (w // 2 if column < 0 else column)
    if row >= h or column >= w:
        raise ValueError(f"row={row}, column={column} is outside the image of {h}×{w}")
    k = int((engine.source.place == row * w + column).nonzero()[0, 0])
    return divmod(k, w)


def _heat(values: Tensor, name: str) -> Heat:
    """(h, w), row 0 at the top of the image."""
    x = _numbers(values)
    h, w = x.shape
    return Heat(x, (0.0, float(w - 1), float(h - 1), 0.0), name=name, lo=0.0, hi=max(float(x.max()), 1e-6))


def _numbers(x: Tensor) -> np.ndarray:
    return x.detach().cpu().numpy().astype(np.float32)
