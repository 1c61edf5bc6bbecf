"""Told in words: a text encoder, and a denoiser that looks words up by cross-attention, as that of Stable Diffusion does (Rombach et al.,
2022, section 3.3). Both learn together here; Stable Diffusion 1 takes its text encoder, CLIP's, finished and frozen. Its denoiser is a
UNet with attention between convolutions; this one is a transformer over the 7 by 7 cells, as in PixArt-α (Chen et al., 2023)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.data.captions import VOCABULARY, WORDS
from engines.diffusion.config import EMBED, Config
from engines.diffusion.unet import Embedding, blank, zeroed
from engines.nn.init import reset

HEADS = 4
MASKED = -1e4  # added to the score of a place without a word


class Attention(nn.Module):
    """Each query (n, k, d) looks at all keys (n, m, d), its own or others: softmax(Q Kᵀ / √d) V. Vaswani et al., 2017."""

    def __init__(self, d: int):
        super().__init__()
        self.q, self.kv, self.out = blank(nn.Linear, d, d), blank(nn.Linear, d, 2 * d), blank(nn.Linear, d, d)

    def forward(self, x: Tensor, others: Tensor, mask: Tensor | None = None, maps: list[Tensor] | None = None) -> Tensor:
        """`mask` (n, 1, 1, m) is added to the scores; `maps` takes the weights, mean over heads, (n, k, m)."""
        q = self.q(x).unflatten(2, (HEADS, -1)).transpose(1, 2)  # (n, HEADS, k, d / HEADS)
        k, v = self.kv(others).unflatten(2, (2, HEADS, -1)).permute(2, 0, 3, 1, 4)
        if maps is None:
            return self.out(F.scaled_dot_product_attention(q, k, v, mask).transpose(1, 2).flatten(2))
        scores = q @ k.transpose(2, 3) / q.shape[-1] ** 0.5
        weights = (scores if mask is None else scores + mask).softmax(3)
        maps.append(weights.mean(1))
        return self.out((weights @ v).transpose(1, 2).flatten(2))


class TextEncoder(nn.Module):
    """Captions (n, WORDS) of word numbers, 0 for none -> a vector for a start token and each word, (n, 1 + WORDS, d), and the mask
    (n, 1, 1, 1 + WORDS) that hides places without a word. One transformer block; words may look at each other in both directions."""

    def __init__(self, d: int):
        super().__init__()
        self.words = blank(nn.Embedding, len(VOCABULARY), d)
        self.place = nn.Parameter(torch.zeros(1, 1 + WORDS, d))
        self.norm1, self.attend = nn.LayerNorm(d), Attention(d)
        self.norm2, self.first, self.second = nn.LayerNorm(d), blank(nn.Linear, d, 2 * d), blank(nn.Linear, 2 * d, d)
        self.norm = nn.LayerNorm(d)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        tokens = F.pad(tokens, (1, 0))  # the start token has number 0 too, but is always seen
        hidden = F.pad(tokens[:, 1:] == 0, (1, 0))
        mask = (hidden.float() * MASKED)[:, None, None]
        x = self.words(tokens) + self.place
        h = self.norm1(x)
        x = x + self.attend(h, h, mask)
        x = x + self.second(F.gelu(self.first(self.norm2(x))))
        return self.norm(x), mask


class Block(nn.Module):
    """Cells (n, k, d) look at each other, then at the words, then two linear layers each; the noise level scales, shifts and gates."""

    def __init__(self, d: int):
        super().__init__()
        self.norm = nn.LayerNorm(d, elementwise_affine=False)
        self.cells, self.words = Attention(d), Attention(d)
        self.first, self.second = blank(nn.Linear, d, 2 * d), blank(nn.Linear, 2 * d, d)
        self.told = blank(nn.Linear, EMBED, 6 * d)

    def forward(self, x: Tensor, e: Tensor, words: Tensor, mask: Tensor, maps: list[Tensor] | None) -> Tensor:
        shift1, scale1, gate1, shift2, scale2, gate2 = self.told(e)[:, None].chunk(6, 2)  # (n, 1, d) each
        h = self.norm(x) * (1 + scale1) + shift1
        x = x + (1 + gate1) * self.cells(h, h)
        x = x + self.words(self.norm(x), words, mask, maps)
        return x + (1 + gate2) * self.second(F.gelu(self.first(self.norm(x) * (1 + scale2) + shift2)))


class WordDenoiser(nn.Module):
    """z (n, c, h, w), c_noise (n,), captions y (n, WORDS) or None -> (n, c, h, w). `maps` takes what each cell looks at among the words,
    (n, h w, 1 + WORDS) from every block."""

    def __init__(self, config: Config, shape: tuple[int, ...]):
        super().__init__()
        (c, h, w), d = shape, config.width
        self.cells = (h, w)
        self.embed, self.text = Embedding(0), TextEncoder(d)
        self.enter, self.place = blank(nn.Linear, c, d), nn.Parameter(torch.zeros(1, h * w, d))
        self.blocks = nn.ModuleList(Block(d) for _ in range(config.depth))
        self.norm, self.leave = nn.LayerNorm(d), blank(nn.Linear, d, c)

    def start(self, generator: torch.Generator) -> WordDenoiser:
        """First weights; every block begins as the identity, the whole as 0."""
        reset(self.to(generator.device), generator)
        with torch.no_grad():
            for place in (self.place, self.text.place):
                place.normal_(std=0.3, generator=generator)
        outs = [layer for block in self.blocks for layer in (block.cells.out, block.words.out, block.second, block.told)]  # type: ignore[union-attr]
        return zeroed(self, [self.leave, *outs])

    def forward(self, z: Tensor, c_noise: Tensor, y: Tensor | None = None, maps: list[Tensor] | None = None) -> Tensor:
        e = self.embed(c_noise, None)  # (n, EMBED)
        tokens = y if y is not None else torch.zeros(len(z), WORDS, dtype=torch.int64, device=z.device)
        words, mask = self.text(tokens)
        x = self.enter(z.flatten(2).transpose(1, 2)) + self.place  # (n, h w, d)
        for block in self.blocks:
            x = block(x, e, words, mask, maps)
        return self.leave(self.norm(x)).transpose(1, 2).unflatten(2, self.cells)
