"""Config -> network. Text models map tokens (n, t) to logits (n, t, vocab); pixel models map levels (n, h, w) and classes (n,) to the
params (n, outputs, h, w) of their `head`, each pixel's from those before it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engines.autoregressive.config import Config, ffn, first_kernel, kv_heads
from engines.autoregressive.ladder import MlpModel, NGram, Recurrent
from engines.autoregressive.pixel_heads import Softmax, head
from engines.autoregressive.pixelcnn import GatedPixelCnn, PixelCnn
from engines.autoregressive.transformer import Shape, Transformer
from engines.data import kind


class ImageGpt(nn.Module):
    """Pixels in turn, each level a token, after a token to begin with, one per class: Chen et al., 2020. `side` is (h, w)."""

    def __init__(self, shape: Shape, levels: int, side: tuple[int, int]):
        super().__init__()
        self.transformer, self.levels, self.side, self.head = Transformer(shape), levels, side, Softmax(levels)

    def begin(self, n: int, y: Tensor | None, device: torch.device) -> Tensor:
        """(n, 1): the token before the first pixel."""
        first = torch.full((n,), self.levels, device=device) if y is None else self.levels + y
        return first[:, None]

    def sequence(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """(n, h w): what is read when each pixel is predicted; the last pixel is never read."""
        return torch.cat([self.begin(len(x), y, x.device), x.flatten(1)[:, :-1]], 1)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.shaped(self.transformer(self.sequence(x, y)))

    def shaped(self, logits: Tensor) -> Tensor:
        """Logits (n, h w, vocab) -> (n, levels, h, w)."""
        return logits[..., : self.levels].transpose(1, 2).unflatten(2, self.side)

    def initialise(self, generator: torch.Generator) -> None:
        self.transformer.initialise(generator)


def transformer_shape(c: Config, style: str, vocab: int, block_size: int) -> Shape:
    return Shape(
        style, vocab, block_size, c.layers, c.heads, kv_heads(c), c.width, ffn(c),
        rope_theta=c.rope_theta, tied=c.tied, causal=c.causal,
    )  # fmt: skip


def build_text(c: Config, vocab: int, train: np.ndarray, generator: torch.Generator) -> Any:
    """A text model over `vocab` tokens on the generator's device; an n-gram counts `train` (n,) int64."""
    if c.model == "ngram":
        return NGram(c.order, vocab, train)
    net: Any
    if c.model == "mlp":
        net = MlpModel(vocab, c.window, c.width, c.hidden)
    elif c.model in ("rnn", "gru"):
        net = Recurrent(c.model, vocab, c.width)
    else:
        net = Transformer(transformer_shape(c, c.model, vocab, c.block_size))
    net.to(generator.device).initialise(generator)
    return net


def build_pixels(c: Config, side: tuple[int, int], classes: int, levels: int, generator: torch.Generator) -> Any:
    """A pixel model for images of h × w pixels with `levels` levels on the generator's device; `classes` 0 = not told."""
    net: Any
    if c.model == "image-gpt":
        shape = transformer_shape(c, "gpt2", levels + max(classes, 1), side[0] * side[1])
        net = ImageGpt(shape, levels, side)
    else:
        cls = PixelCnn if c.model == "pixelcnn" else GatedPixelCnn
        net = cls(
            head(c.likelihood, levels, c.mixtures),
            c.width,
            c.layers,
            c.kernel,
            classes,
            first=first_kernel(c),
            ordered=kind(c.dataset) != "codes",
        )
    net.to(generator.device).initialise(generator)
    return net
