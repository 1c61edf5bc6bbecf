"""Which pixels a masked convolution can see at all: the receptive field of an architecture, whatever its weights. Plain PixelCNN leaves a
blind spot to the right above a pixel (van den Oord et al., 2016b, fig. 1), its gated successor none; mask B in the first layer leaks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from engines.autoregressive.answers_pixels import _heat, _place
from engines.autoregressive.config import first_kernel
from engines.autoregressive.model import ImageGpt
from engines.autoregressive.pixel_heads import Softmax
from engines.autoregressive.pixelcnn import GatedPixelCnn, PixelCnn
from engines.autoregressive.questions_writing import Blindspot
from engines.core import Snapshot

if TYPE_CHECKING:
    from engines.autoregressive.engine import AutoregressiveEngine

CHANNELS = 2  # of the network whose weights are all alike
WEIGHT = 0.05


def blindspot(engine: AutoregressiveEngine, a: Blindspot) -> Iterator[Snapshot | None]:
    """1 where a pixel can be seen, row 0 at the top. Of the pixels before it in the order of the model, "not seen" counts those out of
    reach, "blind" those that no number of layers would reach."""
    c, source = engine.config, engine.source
    if isinstance(engine.model, ImageGpt):
        raise ValueError("model=image-gpt sees all pixels before: it has no convolutions and no blind spot")
    (h, w), (i, j) = source.side, _place(engine, a.row, a.column)
    found, views = {}, []
    for name, cls in (("plain", PixelCnn), ("gated", GatedPixelCnn)):
        field = reach(cls, (h, w), (i, j), c.layers, c.kernel, first_kernel(c), a.mask if name == "plain" else "A")
        deep = reach(cls, (h, w), (i, j), max(h, w), c.kernel, first_kernel(c))
        for word, seen in (("not seen", field), ("blind", deep)):
            found[f"{word}/{name}"] = float((seen.flatten()[: i * w + j] == 0).sum())
        found[f"leaks/{name}"] = float((field.flatten()[i * w + j :] > 0).sum())
        views.append(_heat(source.seen(field[None])[0], name))
        yield None
    yield Snapshot(engine.step, found | {"before": float(i * w + j)}, {"field": tuple(views)})


def reach(cls: type, side: tuple[int, int], place: tuple[int, int], layers: int, kernel: int, first: int, mask: str = "A") -> Tensor:
    """(h, w) of 0 and 1: whether a change of each pixel can change what is said at `place`. All weights are positive and alike, so that
    nothing cancels, and the gradient is 0 only where no path leads."""
    net = cls(Softmax(2), CHANNELS, layers, kernel, first=first)
    with torch.no_grad():
        for p in net.parameters():
            p.fill_(WEIGHT)
        if mask == "B" and isinstance(net, PixelCnn):
            net.first.mask[first // 2, first // 2] = 1.0
    x = net.encode(torch.ones(1, *side, dtype=torch.int64)).double().requires_grad_()
    (gradient,) = torch.autograd.grad(net.double().read(x)[0, :, place[0], place[1]].sum(), x)
    return (gradient[0].abs().sum(0) > 0).float()
