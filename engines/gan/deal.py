"""What the two players have on the table in one step."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass
class Verdict:
    """What D says of one deal: logits (n,) of real and fake, its loss, and the weighted penalty on its slope, if there is one."""

    real_logits: Tensor
    fake_logits: Tensor
    loss: Tensor
    penalty: Tensor | None

    @property
    def total(self) -> Tensor:
        return self.loss if self.penalty is None else self.loss + self.penalty


@dataclass
class Deal:
    """One hand of the game: real and fake examples (n, …), in packs where D sees several at once, their classes y (n,) int64 or
    None, what D said last of each, if it was asked, and the noise z (n, noise_dim) behind the fake ones."""

    real: Tensor
    fake: Tensor
    y: Tensor | None
    real_logits: Tensor | None = None
    fake_logits: Tensor | None = None
    z: Tensor | None = None
