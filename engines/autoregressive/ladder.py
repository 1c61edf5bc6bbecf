"""The models before transformers: counts of n tokens, a network over a fixed window (Bengio et al., 2003), and recurrent networks
(Elman, 1990; GRU: Cho et al., 2014).

All answer like a transformer: tokens (n, t) int64 -> logits (n, t, vocab), and with a state they go on from where it was."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from engines.nn.init import reset

LARGEST_KEY = 2**62  # a context and its next token are one whole number


class Window:
    """State of a model that sees the last `size` tokens. All are kept, (n, length), so that it can go back."""

    def __init__(self, size: int):
        self.size = size
        self.tokens: Tensor | None = None

    def extend(self, tokens: Tensor) -> Tensor:
        """What matters of before these tokens, and these, (n, ≤ size + t)."""
        self.tokens = tokens if self.tokens is None else torch.cat([self.tokens, tokens], 1)
        return self.tokens[:, max(0, self.tokens.shape[1] - self.size - tokens.shape[1]) :]

    def select(self, rows: Tensor) -> None:
        if self.tokens is not None:
            self.tokens = self.tokens[rows]

    def rewind(self, count: int) -> None:
        """Forget the last tokens."""
        if self.tokens is not None:
            self.tokens = self.tokens[:, : self.tokens.shape[1] - count]


class NGram(nn.Module):
    """Counts of up to `order` tokens, each order smoothed by the one below: Witten & Bell, 1991, as in Chen & Goodman, 1999, eq. 13.

        p(w | h) = (c(h w) + T(h) p(w | h')) / (c(h) + T(h))

    c counts, T(h) is how many different tokens followed h, h' is h without its oldest token; below the unigram lies the uniform.
    The only state is how much of the text has been counted: the counts follow from it."""

    seen: Tensor

    def __init__(self, order: int, vocab: int, text: np.ndarray):
        super().__init__()
        if vocab**order > LARGEST_KEY:
            raise ValueError(f"order={order} cannot combine with {vocab:,} different tokens; take a smaller order")
        self.order, self.vocab, self.block_size = order, vocab, None
        self.text = text
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
        self._counted = 0  # tokens behind `tables`
        self.tables: list[tuple[np.ndarray, ...]] = []

    def count(self, seen: int) -> None:
        """Count the first `seen` tokens of the text."""
        self.seen.fill_(seen)

    def _refresh(self) -> None:
        if self._counted != int(self.seen):
            self._counted = int(self.seen)
            self.tables = [count_table(self.text[: self._counted], n, self.vocab) for n in range(1, self.order + 1)]

    def cache(self, n: int) -> Window:
        return Window(self.order - 1)

    def forward(self, tokens: Tensor, cache: Window | None = None) -> Tensor:
        """Log-probabilities, which are logits."""
        whole = tokens if cache is None else cache.extend(tokens)
        p = self.probabilities(whole.cpu().numpy(), tokens.shape[1])
        return torch.from_numpy(np.log(p)).float().to(tokens.device)

    def probabilities(self, tokens: np.ndarray, last: int) -> np.ndarray:
        """What follows each of the last `last` positions of tokens (n, t), as (n, last, vocab) float64."""
        self._refresh()
        n, t = tokens.shape
        p = np.full((n, last, self.vocab), 1 / self.vocab)
        context = np.zeros((n, last), np.int64)
        for order, table in enumerate(self.tables, 1):  # contexts of 0, 1, … tokens
            back = order - 1
            if back:
                shifted = np.full((n, last), -1, np.int64)  # the token `back` − 1 before the newest one
                have = min(last, t - back + 1)
                if have > 0:
                    shifted[:, last - have :] = tokens[:, t - have - back + 1 : t - back + 1]
                context = np.where((shifted < 0) | (context < 0), -1, context + shifted * self.vocab ** (back - 1))
            smooth(p, context, table, self.vocab)
        return p


def count_table(text: np.ndarray, order: int, vocab: int) -> tuple[np.ndarray, ...]:
    """Of every context of order − 1 tokens: its key, how often it was followed, by how many different tokens, and where its
    followers begin; then the followers and how often each came. A context's newest token is the lowest digit of its key."""
    length = len(text) - order + 1
    if length < 1:
        empty = np.zeros(0, np.int64)
        return empty, empty, empty, empty, empty, empty
    key = np.zeros(length, np.int64)
    for i in range(order - 1):  # i-th oldest token of the context
        key = key * vocab + text[i : i + length]
    pairs, counts = np.unique(key * vocab + text[order - 1 :], return_counts=True)
    contexts, start, different = np.unique(pairs // vocab, return_index=True, return_counts=True)
    return contexts, np.add.reduceat(counts, start), different, start, pairs % vocab, counts


def smooth(p: np.ndarray, context: np.ndarray, table: tuple[np.ndarray, ...], vocab: int) -> None:
    """p (n, t, vocab) of the order below becomes that of this order, wherever context (n, t) was seen; −1 is no context."""
    contexts, totals, different, start, followers, counts = table
    if not len(contexts):
        return
    at = np.searchsorted(contexts, context).clip(max=len(contexts) - 1)
    known = np.flatnonzero((contexts[at] == context).reshape(-1))
    rows, flat = at.reshape(-1)[known], p.reshape(-1, vocab)
    flat[known] *= (different[rows] / (totals[rows] + different[rows]))[:, None]
    many = different[rows]
    inside = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)  # 0 … within each context's followers
    entry = np.repeat(start[rows], many) + inside
    flat[np.repeat(known, many), followers[entry]] += counts[entry] / np.repeat(totals[rows] + different[rows], many)


class MlpModel(nn.Module):
    """The last `window` tokens, embedded side by side, through one hidden layer: Bengio et al., 2003."""

    def __init__(self, vocab: int, window: int, width: int, hidden: int):
        super().__init__()
        self.vocab, self.window, self.block_size = vocab, window, None
        self.tokens = nn.utils.skip_init(nn.Embedding, vocab + 1, width)  # one more stands for what lies before the beginning
        self.hidden = nn.utils.skip_init(nn.Linear, window * width, hidden)
        self.head = nn.utils.skip_init(nn.Linear, hidden, vocab)

    def cache(self, n: int) -> Window:
        return Window(self.window)

    def forward(self, tokens: Tensor, cache: Window | None = None) -> Tensor:
        return self.read(self.tokens(self.padded(tokens, cache)), tokens.shape[1])

    def padded(self, tokens: Tensor, cache: Window | None = None) -> Tensor:
        """(n, window − 1 + t): each of the t positions has a whole window."""
        whole, t = tokens if cache is None else cache.extend(tokens), tokens.shape[1]
        missing = self.window - 1 + t - whole.shape[1]
        pad = whole.new_full((len(whole), max(0, missing)), self.vocab)
        return torch.cat([pad, whole[:, max(0, -missing) :]], 1)

    def read(self, x: Tensor, t: int) -> Tensor:
        """Embeddings (n, window − 1 + t, width) -> logits (n, t, vocab)."""
        windows = x.unfold(1, self.window, 1).transpose(2, 3).reshape(len(x), t, -1)  # (n, t, window · width)
        return self.head(torch.tanh(self.hidden(windows)))

    def initialise(self, generator: torch.Generator) -> None:
        reset(self, generator)
        with torch.no_grad():
            self.tokens.weight.mul_(0.5)
            self.head.weight.mul_(0.1)


class Memory:
    """State of a recurrent network: h (1, n, width)."""

    def __init__(self) -> None:
        self.h: Tensor | None = None
        self.length = 0

    def select(self, rows: Tensor) -> None:
        if self.h is not None:
            self.h = self.h[:, rows].contiguous()

    def rewind(self, count: int) -> None:
        """It cannot: what was read is mixed into one state."""
        if count:
            raise ValueError("a recurrent network cannot go back; speculative decoding needs a model that can")


class Recurrent(nn.Module):
    """One recurrent layer, "rnn" (tanh) or "gru". It can go on for ever; training cuts the text into blocks, each from h = 0."""

    def __init__(self, kind: str, vocab: int, width: int):
        super().__init__()
        self.vocab, self.block_size = vocab, None
        self.tokens = nn.utils.skip_init(nn.Embedding, vocab, width)
        cell = (nn.GRU if kind == "gru" else nn.RNN)(width, width, batch_first=True, device="meta")
        self.cell: nn.RNN | nn.GRU = cell.to_empty(device="cpu")
        self.head = nn.utils.skip_init(nn.Linear, width, vocab)

    def cache(self, n: int) -> Memory:
        return Memory()

    def forward(self, tokens: Tensor, cache: Memory | None = None) -> Tensor:
        return self.read(self.tokens(tokens), cache)

    def read(self, x: Tensor, cache: Memory | None = None) -> Tensor:
        """Embeddings (n, t, width) -> logits (n, t, vocab)."""
        states, h = self.cell(x, None if cache is None else cache.h)
        if cache is not None:
            cache.h, cache.length = h, cache.length + x.shape[1]
        return self.head(states)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        reset(self, generator)
        self.tokens.weight.mul_(0.5)
        for name, p in self.cell.named_parameters():
            if p.dim() < 2:
                p.zero_()
            elif "hh" in name:  # orthogonal, one square at a time: neither fades nor explodes at first
                for square in p.split(p.shape[1]):
                    q, r = torch.linalg.qr(torch.randn(square.shape, generator=generator, device=p.device))
                    square.copy_(q * r.diagonal().sign())
            else:
                p.uniform_(-(p.shape[1] ** -0.5), p.shape[1] ** -0.5, generator=generator)
