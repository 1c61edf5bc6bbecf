"""Decoder-only transformers: GPT-2 (Radford et al., 2019) and Llama 3 (Grattafiori et al., 2024), on Vaswani et al., 2017.

tokens (n, t) int64 -> logits (n, t, vocab). With a `Cache`, tokens continue what is cached, and only they are computed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Shape:
    """What a transformer is made of. `hidden` is the width inside the feed-forward part; `kv_heads` < `heads` shares keys and values
    among groups of heads (Ainslie et al., 2023); `tied` uses the token embedding as the head (Press & Wolf, 2017)."""

    style: str  # "gpt2" or "llama"
    vocab: int
    block_size: int
    layers: int
    heads: int
    kv_heads: int
    width: int
    hidden: int
    rope_theta: float = 10_000.0
    tied: bool = True
    causal: bool = True
    eps: float = 1e-5


class Cache:
    """Keys and values of every layer, (layers, n, kv_heads, block_size, head_dim), allocated once; `length` tokens are filled."""

    def __init__(self, shape: Shape, n: int, like: Tensor):
        size = (shape.layers, n, shape.kv_heads, shape.block_size, shape.width // shape.heads)
        self.k, self.v = like.new_zeros(size), like.new_zeros(size)
        self.length = 0

    def put(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of t new tokens (n, kv_heads, t, head_dim) -> those of all tokens so far."""
        end = self.length + k.shape[2]
        self.k[layer, :, :, self.length : end], self.v[layer, :, :, self.length : end] = k, v
        return self.k[layer, :, :, :end], self.v[layer, :, :, :end]

    def select(self, rows: Tensor) -> None:
        """Keep or repeat some sequences of the batch: what beam search does."""
        self.k, self.v = self.k[:, rows], self.v[:, rows]

    def rewind(self, count: int) -> None:
        """Forget the last tokens."""
        self.length -= count


class RMSNorm(nn.Module):
    """x / rms(x) · g over the last dimension. Zhang & Sennrich, 2019."""

    def __init__(self, width: int, eps: float):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.eps)


def rope_tables(shape: Shape) -> tuple[Tensor, Tensor]:
    """cos and sin, (block_size, head_dim): position p turns pair i by p · theta^(−2 i / head_dim). Su et al., 2021."""
    dim = shape.width // shape.heads
    frequency = shape.rope_theta ** -(torch.arange(0, dim, 2, dtype=torch.float32) / dim)  # (dim / 2,)
    angle = torch.outer(torch.arange(shape.block_size, dtype=torch.float32), frequency).repeat(1, 2)  # (block_size, dim)
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the pairs (x_i, x_{i + dim/2}) of x (n, heads, t, dim) by the angles of their positions, (t, dim)."""
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat([-b, a], -1) * sin


class Attention(nn.Module):
    """Causal self-attention. Keys and values may have fewer heads than queries."""

    def __init__(self, shape: Shape, layer: int):
        super().__init__()
        self.shape, self.layer = shape, layer
        self.dim, bias = shape.width // shape.heads, shape.style == "gpt2"
        self.qkv = nn.utils.skip_init(nn.Linear, shape.width, (shape.heads + 2 * shape.kv_heads) * self.dim, bias=bias)
        self.out = nn.utils.skip_init(nn.Linear, shape.width, shape.width, bias=bias)
        self.watched: Tensor | None = None  # set by `watch`: the weights of the last call, (n, heads, t, t)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor] | None, cache: Cache | None, watch: bool) -> Tensor:
        s, (n, t, _) = self.shape, x.shape
        q, k, v = self.qkv(x).split([s.heads * self.dim, s.kv_heads * self.dim, s.kv_heads * self.dim], -1)
        q, k, v = (y.view(n, t, -1, self.dim).transpose(1, 2) for y in (q, k, v))  # (n, heads, t, dim)
        if rope is not None:
            q, k = rotate(q, *rope), rotate(k, *rope)
        if cache is not None:
            k, v = cache.put(self.layer, k, v)
        if s.kv_heads < s.heads:
            k, v = (y.repeat_interleave(s.heads // s.kv_heads, 1) for y in (k, v))
        if watch:
            self.watched = self.weights(q, k)
            y = self.watched @ v
        else:
            y = self.attend(q, k, v)
        return self.out(y.transpose(1, 2).reshape(n, t, -1))

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """softmax(q kᵀ / √dim) v, each query seeing keys up to its own position, (n, heads, t, dim)."""
        t, seen = q.shape[2], k.shape[2]
        if t == seen or not self.shape.causal:
            return F.scaled_dot_product_attention(q, k, v, is_causal=self.shape.causal and t > 1)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=None if t == 1 else self.mask(t, seen, q))

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        """The same, written out: what each query takes from each key, (n, heads, t, t)."""
        scores = q @ k.transpose(2, 3) / math.sqrt(self.dim)
        if self.shape.causal:
            scores = scores.masked_fill(~self.mask(q.shape[2], k.shape[2], q), -torch.inf)
        return scores.softmax(-1)

    def mask(self, t: int, seen: int, like: Tensor) -> Tensor:
        """(t, seen) bool: the last t of `seen` positions, each sees itself and what came before."""
        return torch.ones(t, seen, dtype=torch.bool, device=like.device).tril(seen - t)


class Mlp(nn.Module):
    """GPT-2: GELU(x W₁) W₂."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.up = nn.utils.skip_init(nn.Linear, shape.width, shape.hidden)
        self.down = nn.utils.skip_init(nn.Linear, shape.hidden, shape.width)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.gelu(self.up(x), approximate="tanh"))


class SwiGlu(nn.Module):
    """Llama: (SiLU(x W₁) ⊙ x W₃) W₂. Shazeer, 2020."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.gate = nn.utils.skip_init(nn.Linear, shape.width, shape.hidden, bias=False)
        self.up = nn.utils.skip_init(nn.Linear, shape.width, shape.hidden, bias=False)
        self.down = nn.utils.skip_init(nn.Linear, shape.hidden, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, shape: Shape, layer: int):
        super().__init__()
        self.norm1, self.norm2 = _norm(shape), _norm(shape)
        self.attention = Attention(shape, layer)
        self.mlp: nn.Module = Mlp(shape) if shape.style == "gpt2" else SwiGlu(shape)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor] | None, cache: Cache | None, watch: bool) -> Tensor:
        x = x + self.attention(self.norm1(x), rope, cache, watch)
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    """Embed, `layers` blocks, norm, head."""

    cos: Tensor
    sin: Tensor

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape, self.block_size, self.vocab = shape, shape.block_size, shape.vocab
        self.tokens = nn.utils.skip_init(nn.Embedding, shape.vocab, shape.width)
        self.positions = nn.utils.skip_init(nn.Embedding, shape.block_size, shape.width) if shape.style == "gpt2" else None
        self.blocks = nn.ModuleList(Block(shape, i) for i in range(shape.layers))
        self.norm = _norm(shape)
        self.head = nn.utils.skip_init(nn.Linear, shape.width, shape.vocab, bias=False)
        if shape.tied:
            self.head.weight = self.tokens.weight
        if shape.style == "llama":
            for name, table in zip(("cos", "sin"), rope_tables(shape), strict=True):
                self.register_buffer(name, table, persistent=False)

    def cache(self, n: int) -> Cache:
        return Cache(self.shape, n, self.tokens.weight.detach())

    def forward(self, tokens: Tensor, cache: Cache | None = None) -> Tensor:
        return self.head(self.norm(self.streams(self.embed(tokens, cache), cache)[-1]))

    def embed(self, tokens: Tensor, cache: Cache | None = None) -> Tensor:
        """(n, t, width): tokens, and positions where these are learned."""
        start, t = cache.length if cache else 0, tokens.shape[1]
        if start + t > self.block_size:
            raise ValueError(f"{start + t} tokens are more than the block_size {self.block_size}")
        x = self.tokens(tokens)
        return x if self.positions is None else x + self.positions.weight[start : start + t]

    def streams(self, x: Tensor, cache: Cache | None = None, watch: bool = False) -> list[Tensor]:
        """The residual stream before the first block and after each, (n, t, width). With `watch`, attention weights are kept too."""
        start, t = cache.length if cache else 0, x.shape[1]
        rope = None if self.positions is not None else (self.cos[start : start + t], self.sin[start : start + t])
        found = [x]
        for block in self.blocks:
            found.append(block(found[-1], rope, cache, watch))
        if cache is not None:
            cache.length += t
        return found

    def logits_of(self, stream: Tensor) -> Tensor:
        """What the head would say of any residual stream: the logit lens (nostalgebraist, 2020)."""
        return self.head(self.norm(stream))

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Normal with deviation 0.02, the last layer of each branch smaller by √(2 layers), biases 0. Radford et al., 2019."""
        for name, p in self.named_parameters():
            if p.dim() < 2:
                p.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
            else:
                branch = name.endswith(("attention.out.weight", "mlp.down.weight"))
                p.normal_(0.0, 0.02 / math.sqrt(2 * self.shape.layers) if branch else 0.02, generator=generator)


def _norm(shape: Shape) -> nn.Module:
    return nn.LayerNorm(shape.width, shape.eps) if shape.style == "gpt2" else RMSNorm(shape.width, shape.eps)
