"""Told in words: a text encoder, and a denoiser that looks words up by cross-attention, as that of Stable Diffusion does (Rombach et al.,
2022, section 3.3). Both learn together here; Stable Diffusion 1 takes its text encoder, CLIP's, finished and frozen. Its denoiser is a
UNet with attention between convolutions; this one has a flat layer in their place, which finds the shape of a digit in far fewer steps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.data.captions import wording_of
from engines.data.wording import Wording
from engines.diffusion.config import EMBED, Config
from engines.diffusion.unet import DenseBlock, Embedding, blank, zeroed
from engines.nn.init import reset

HEADS = 4
FLAT, UNITS = 4, 128  # channels of each cell that the flat layer sees, and its width
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
        scores = q @ k.transpose(2, 3) / q.shape[-1] ** 0.5
        weights = (scores if mask is None else scores + mask).softmax(3)
        if maps is not None:
            maps.append(weights.mean(1))
        return self.out((weights @ v).transpose(1, 2).flatten(2))


class TextEncoder(nn.Module):
    """Captions (n, k) of word numbers, 0 for none -> a vector for a start token and each word, (n, 1 + k, d), and the mask
    (n, 1, 1, 1 + k) that hides places without a word. One transformer block; words may look at each other in both directions."""

    def __init__(self, d: int, wording: Wording):
        super().__init__()
        self.words = blank(nn.Embedding, len(wording.vocabulary), d)
        self.place = nn.Parameter(torch.zeros(1, 1 + wording.longest, d))
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
    """Cells (n, k, d) look words up, then one flat layer sees the whole image at once, then two linear layers on each cell."""

    def __init__(self, d: int, cells: int):
        super().__init__()
        self.norm, self.words = nn.LayerNorm(d), Attention(d)
        self.squeeze, self.flat_in = blank(nn.Linear, d, FLAT), blank(nn.Linear, FLAT * cells, UNITS)
        self.dense, self.flat_out, self.widen = DenseBlock(UNITS), blank(nn.Linear, UNITS, FLAT * cells), blank(nn.Linear, FLAT, d)
        self.norm2, self.first, self.second = nn.LayerNorm(d), blank(nn.Linear, d, d), blank(nn.Linear, d, d)

    def forward(self, x: Tensor, e: Tensor, words: Tensor, mask: Tensor, maps: list[Tensor] | None) -> Tensor:
        x = x + self.words(self.norm(x), words, mask, maps)
        g = self.dense(self.flat_in(self.squeeze(x).flatten(1)), e)  # (n, UNITS)
        x = x + self.widen(self.flat_out(F.silu(g)).unflatten(1, (-1, FLAT)))
        return x + self.second(F.silu(self.first(self.norm2(x))))


class WordDenoiser(nn.Module):
    """z (n, c, h, w), c_noise (n,), captions y (n, k) or None -> (n, c, h, w). The caption comes in twice: word by word where cells
    look it up, and as a whole, the start token, beside the noise level (as in SDXL, Podell et al., 2023). `maps` takes what each cell
    looks at among the words, (n, h w, 1 + k) from every block."""

    def __init__(self, config: Config, shape: tuple[int, ...]):
        super().__init__()
        (c, h, w), d = shape, config.width
        wording = wording_of(config.dataset)
        self.cells, self.longest = (h, w), wording.longest
        self.embed, self.text, self.whole = Embedding(0), TextEncoder(d, wording), blank(nn.Linear, d, EMBED)
        self.enter, self.place = blank(nn.Linear, c, d), nn.Parameter(torch.zeros(1, h * w, d))
        self.blocks = nn.ModuleList(Block(d, h * w) for _ in range(config.depth))
        self.norm, self.leave = nn.LayerNorm(d), blank(nn.Linear, d, c)

    def start(self, generator: torch.Generator) -> WordDenoiser:
        """First weights; every block begins as the identity, the whole as 0."""
        reset(self.to(generator.device), generator)
        with torch.no_grad():
            for place in (self.place, self.text.place):
                place.normal_(std=0.3, generator=generator)
        outs = [layer for block in self.blocks for layer in (block.words.out, block.widen, block.second, block.dense.second)]  # type: ignore[union-attr]
        return zeroed(self, [self.leave, *outs])

    def forward(self, z: Tensor, c_noise: Tensor, y: Tensor | None = None, maps: list[Tensor] | None = None) -> Tensor:
        tokens = y if y is not None else torch.zeros(len(z), self.longest, dtype=torch.int64, device=z.device)
        words, mask = self.text(tokens)
        return self.told(z, c_noise, words, mask, maps)

    def told(self, z: Tensor, c_noise: Tensor, words: Tensor, mask: Tensor, maps: list[Tensor] | None = None) -> Tensor:
        """The same for what the text encoder says of the captions."""
        e = self.embed(c_noise, None) + F.silu(self.whole(words[:, 0]))  # (n, EMBED)
        x = self.enter(z.flatten(2).transpose(1, 2)) + self.place  # (n, h w, d)
        for block in self.blocks:
            x = block(x, e, words, mask, maps)
        return self.leave(self.norm(x)).transpose(1, 2).unflatten(2, self.cells)
