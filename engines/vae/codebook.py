"""The codes of a VQ-VAE (van den Oord et al., 2017): each encoder output becomes the nearest of K learned vectors."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Codebook(nn.Module):
    """`codes` (K, code_dim). Encoder outputs e (n, tokens · code_dim) -> choices (n, tokens) int64, or the codes in their place."""

    def __init__(self, codes: int, code_dim: int):
        super().__init__()
        self.codes = nn.Parameter(torch.zeros(codes, code_dim))

    @torch.no_grad()
    def start(self, outputs: Tensor, generator: torch.Generator) -> None:
        """First codes: encoder outputs (n, tokens · code_dim) of some examples, so that each is near to something."""
        rows = outputs.reshape(-1, self.codes.shape[1])
        index = torch.randint(len(rows), (len(self.codes),), generator=generator, device=rows.device)
        spread = rows.std(0) * 0.1
        self.codes.copy_(rows[index] + spread * torch.randn(self.codes.shape, generator=generator, device=rows.device))

    def choose(self, outputs: Tensor) -> Tensor:
        """The nearest code of each token, (n, tokens)."""
        e = outputs.reshape(-1, self.codes.shape[1])  # (n tokens, code_dim)
        distance = self.codes.square().sum(1) - 2 * e @ self.codes.T  # (n tokens, K), up to |e|²
        return distance.argmin(1).unflatten(0, (len(outputs), -1))

    def lookup(self, choices: Tensor) -> Tensor:
        """Choices (n, tokens) -> codes (n, tokens · code_dim)."""
        return self.codes[choices].flatten(1)


def usage(choices: Tensor, codes: int) -> Tensor:
    """Share of each code among choices (n, tokens), (codes,)."""
    return torch.bincount(choices.flatten(), minlength=codes) / choices.numel()


def perplexity(share: Tensor) -> Tensor:
    """exp of the entropy of shares (K,): how many codes are in use, if they were used alike."""
    return torch.exp(-torch.special.xlogy(share, share).sum())
