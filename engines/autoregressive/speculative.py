"""Speculative decoding (Leviathan et al., 2023; Chen et al., 2023): a small model drafts a few tokens, the large one reads them in one
pass and keeps as many as it may so that what is written has exactly its own distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engines.autoregressive.generate import Choice, choose, draw


@dataclass
class Counts:
    """What came of the drafts: `drafted` tokens, `accepted` ones, `passes` of the large model, and of each token whether it was drafted."""

    drafted: int = 0
    accepted: int = 0
    passes: int = 0
    marks: tuple[bool, ...] = ()


def verdict(p: Tensor, q: Tensor, drafted: Tensor, u: Tensor) -> tuple[int, Tensor | None]:
    """How many of the drafted tokens (k,) are kept, and the distribution (vocab,) of the token that replaces the first refused one, None
    if all are kept. p and q (k, vocab) are probabilities of the large and of the drafting model; u (k,) uniform.

    A token is kept with probability min(1, p / q), else drawn from the part of p that q does not cover, max(0, p − q)."""
    at = drafted[:, None]
    kept = u * q.gather(1, at)[:, 0] < p.gather(1, at)[:, 0]  # (k,)
    refused = (~kept).nonzero()
    if not len(refused):
        return len(drafted), None
    first = int(refused[0])
    rest = (p[first] - q[first]).clamp(min=0)
    return first, rest / rest.sum()


class Ahead:
    """A model that can go a few tokens ahead of a text and come back. It has read all of `tokens` but the last; when its context is full
    the older half is forgotten, at the same places as by `Reader`."""

    def __init__(self, model: Any, tokens: Tensor):
        self.model, self.block = model, model.block_size
        self._begin(tokens[:, -self.block :] if self.block else tokens)

    def _begin(self, tokens: Tensor) -> None:
        self.last, self.length, self.state = tokens[:, -1:], tokens.shape[1], self.model.cache(1)
        if tokens.shape[1] > 1:
            self.model(tokens[:, :-1], self.state)

    def room(self) -> int:
        """How many tokens can be drafted before something must be forgotten."""
        return 10**9 if self.block is None else self.block - self.length

    def read(self, draft: Tensor) -> Tensor:
        """Logits (k + 1, vocab) after the last token and after each of the drafted ones (k,)."""
        return self.model(torch.cat([self.last, draft[None]], 1), self.state)[0]

    def settle(self, text: Tensor, read: int, kept: int) -> None:
        """After `read` drafted tokens, of which `kept` remain, the text (1, t) has become longer by those and one more."""
        self.length += kept + 1
        if self.block is not None and self.length > self.block:
            return self._begin(text[:, -(self.block // 2) :])
        self.state.rewind(read - kept)
        self.last = text[:, -1:]


@torch.no_grad()
def speculative(
    model: Any, small: Any, prompt: Tensor, length: int, drafts: int, choice: Choice, generator: torch.Generator
) -> tuple[Tensor, Counts]:
    """Go on from prompt (1, t) by `length` tokens -> (length,), with `drafts` tokens drafted at a time. Distributed as if drawn from
    `model` alone with the same choice; a repetition penalty is not covered."""
    text, counts, target, source = prompt, Counts(), Ahead(model, prompt), Ahead(small, prompt)
    end = prompt.shape[1] + length

    def uniform(n: int) -> Tensor:
        return torch.rand(n, generator=generator, device=prompt.device)

    while text.shape[1] < end:
        k = min(drafts, end - text.shape[1] - 1, target.room(), source.room())
        draft, q = _draft(source, k, choice, uniform(k))
        p = choose(target.read(draft), choice).exp()  # (k + 1, vocab)
        kept, rest = verdict(p[:k], q, draft, uniform(k))
        token = draw((p[k] if rest is None else rest).log()[None], uniform(1))
        text = torch.cat([text, draft[None, :kept], token[None]], 1)
        target.settle(text, k, kept)
        source.settle(text, k, kept)
        counts = Counts(counts.drafted + k, counts.accepted + kept, counts.passes + 1, (*counts.marks, *[True] * kept, False))
    return text[0, prompt.shape[1] :], counts


def _draft(source: Ahead, k: int, choice: Choice, u: Tensor) -> tuple[Tensor, Tensor]:
    """k tokens (k,) drawn one after the other, and the probabilities (k, vocab) they were drawn from. All are read, the last too."""
    tokens, seen = [], []
    new = source.last
    for i in range(k):
        log_probs = choose(source.model(new, source.state)[:, -1], choice)  # (1, vocab)
        new = draw(log_probs, u[i : i + 1])[:, None]
        tokens.append(new[0])
        seen.append(log_probs.exp())
    source.model(new, source.state)
    return (torch.cat(tokens), torch.cat(seen)) if k else (new.new_zeros(0), torch.zeros(0, 1))
