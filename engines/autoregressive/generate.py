"""Writing token by token: what may be chosen, drawing it, beam search, and drafts that are checked (speculative decoding).

Everything works on any model that maps tokens (n, t) to logits (n, t, vocab) and has `cache(n)` and `block_size` (None = no limit)."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


@dataclass(frozen=True)
class Choice:
    """How the next token is chosen; each field at its default changes nothing."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0


def choose(logits: Tensor, choice: Choice, seen: Tensor | None = None) -> Tensor:
    """Logits (n, vocab) -> log-probabilities (n, vocab) of what may be drawn, −inf for what may not. `seen` (n, vocab) bool says which
    tokens the penalty is for. In the order of transformers: penalty, temperature, top-k, top-p, min-p."""
    if choice.repetition_penalty != 1 and seen is not None:  # Keskar et al., 2019
        r = choice.repetition_penalty
        logits = torch.where(seen, torch.where(logits > 0, logits / r, logits * r), logits)
    if choice.temperature == 0:
        top = logits.argmax(-1, keepdim=True)
        return torch.full_like(logits, -torch.inf).scatter(-1, top, 0.0)
    logits = logits / choice.temperature
    if 0 < choice.top_k < logits.shape[-1]:
        logits = logits.masked_fill(logits < logits.topk(choice.top_k).values[..., -1:], -torch.inf)
    if choice.top_p < 1:
        logits = nucleus(logits, choice.top_p)
    if choice.min_p > 0:
        p = logits.softmax(-1)
        logits = logits.masked_fill(p < choice.min_p * p.amax(-1, keepdim=True), -torch.inf)
    return logits.log_softmax(-1)


def nucleus(logits: Tensor, top_p: float) -> Tensor:
    """Keep the likeliest tokens that together hold at least `top_p`, never less than one. Holtzman et al., 2020."""
    ordered, order = logits.sort(-1, descending=True)
    before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)  # held by likelier tokens
    ordered = ordered.masked_fill((before >= top_p) & (before > 0), -torch.inf)
    return torch.full_like(logits, -torch.inf).scatter(-1, order, ordered)


def draw(log_probs: Tensor, u: Tensor) -> Tensor:
    """One token (n,) int64 from each row of log_probs (n, vocab), by u (n,) uniform in [0, 1): the first whose cumulative probability
    exceeds u. The same u and probabilities give the same token, wherever they were computed."""
    total = log_probs.double().exp().cumsum(-1)  # (n, vocab)
    token = torch.searchsorted(total, (u.double() * total[:, -1])[:, None], right=True)[:, 0]
    last = log_probs.shape[-1] - 1 - (log_probs > -torch.inf).flip(-1).int().argmax(-1)  # u · total may round up to total
    return torch.minimum(token, last)


def entropy(log_probs: Tensor) -> Tensor:
    """−Σ p log p in nats over the last dimension."""
    return -(log_probs.exp() * log_probs.clamp(min=-1e4)).sum(-1)


class Reader:
    """Goes along texts of one length and knows what may come next. When a model's context is full, its older half is forgotten, with a
    cache or without: both give the same. `logits` (n, vocab) follow the last token."""

    def __init__(self, model: Any, tokens: Tensor, *, cached: bool = True):
        if not tokens.shape[1]:
            raise ValueError("a text to go on from needs at least one token")
        self.model, self.cached, self.block = model, cached, model.block_size
        self.window = tokens if self.block is None else tokens[:, -self.block :]  # (n, t), what the model sees
        self.state = model.cache(len(tokens)) if cached else None
        self.logits = self._read(self.window)

    def _read(self, new: Tensor) -> Tensor:
        return self.model(new, self.state)[:, -1] if self.cached else self.model(self.window)[:, -1]

    def put(self, token: Tensor) -> None:
        """Add one token (n,) to each text."""
        new = token[:, None]
        if self.block is not None and self.window.shape[1] == self.block:
            self.window = torch.cat([self.window[:, self.block - self.block // 2 + 1 :], new], 1)
            new, self.state = self.window, self.model.cache(len(token)) if self.cached else None
        else:
            self.window = torch.cat([self.window, new], 1)
        self.logits = self._read(new)

    def select(self, rows: Tensor) -> None:
        """Keep or repeat some of the texts."""
        self.window, self.logits = self.window[rows], self.logits[rows]
        if self.state is not None:
            self.state.select(rows)


@torch.no_grad()
def generate(model: Any, prompt: Tensor, u: Tensor, choice: Choice, *, cached: bool = True) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Go on from prompt (n, t) by u.shape[1] tokens, u (n, length) uniform. Yields for each position the tokens (n,), their surprise
    −log p and the entropy, both (n,) in nats and of the model itself, before temperature and the rest."""
    reader = Reader(model, prompt, cached=cached)
    seen = torch.zeros(len(prompt), reader.logits.shape[-1], dtype=torch.bool, device=prompt.device).scatter(1, prompt, True)
    for i in range(u.shape[1]):
        token = draw(choose(reader.logits, choice, seen), u[:, i])
        log_probs = reader.logits.log_softmax(-1)
        yield token, -log_probs.gather(1, token[:, None])[:, 0], entropy(log_probs)
        seen.scatter_(1, token[:, None], True)
        if i + 1 < u.shape[1]:
            reader.put(token)


def last_of(parts: Iterator[T]) -> Generator[None, None, T]:
    """What an iterator yields last, None after each part: for `yield from`, so that others get their turn."""
    for part in parts:
        last = part
        yield None
    return last


@torch.no_grad()
def beam_search(model: Any, prompt: Tensor, length: int, beams: int) -> tuple[Tensor, Tensor]:
    """The likeliest continuations found by keeping the `beams` best at each length: tokens (beams, length), best first, and their log p
    (beams,) in nats. prompt (1, t). With as many beams as there are texts it finds the likeliest of all."""
    reader = Reader(model, prompt)
    score, texts = torch.zeros(1, device=prompt.device), prompt.new_zeros(1, 0)
    for i in range(length):
        total = (score[:, None] + reader.logits.log_softmax(-1)).flatten()  # (kept · vocab,)
        score, best = total.topk(min(beams, len(total)))
        rows, token = best // reader.logits.shape[-1], best % reader.logits.shape[-1]
        texts = torch.cat([texts[rows], token[:, None]], 1)
        if i + 1 < length:
            reader.select(rows)
            reader.put(token)
    return texts, score
