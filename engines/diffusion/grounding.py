"""Words that are looked up where they belong. Nothing in the loss of a denoiser asks for it: what a word says can reach every cell from
anywhere. So the part of a word's attention that falls into the region it speaks of is pushed up, as TokenCompose does for Stable Diffusion
(Wang et al., 2023, "TokenCompose: text-to-image diffusion with token-level supervision"). There a detector and a segmenter find the
regions; here they are known, because the data set put everything where it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from engines.data.captions import CaptionedSet

TINY = 1e-8  # attention of a word over all cells, at least: gaps after a caption have none


# Wang et al., 2023, eq. 3, L_token, here with the share of every block's map
def grounding_loss(maps: Sequence[Tensor], counts: Tensor, region: Tensor) -> Tensor:
    """Scalar in [0, 1], mean over blocks and counted words of (1 − share of the word's attention that falls into its region)²: attention
    `maps` (n, cells, 1 + k) of every block, over a start token and k words; which words count, (n, k); `region` (n, cells), 1 inside."""
    attention = torch.stack(tuple(maps))[..., 1:]  # (blocks, n, cells, k)
    share = (attention * region[:, :, None]).sum(2) / attention.sum(2).clamp(min=TINY)  # (blocks, n, k)
    return ((1 - share).square() * counts).sum() / (len(maps) * counts.sum()).clamp(min=1)


def covered(boxes: np.ndarray, cells: tuple[int, int], sides: tuple[int, int]) -> np.ndarray:
    """The part of every cell that a box covers, (n, h w): `boxes` (n, 3), first row, first column and side in pixels of an image of
    `sides`, divided into `cells` (h, w)."""
    lines = []
    for first, count, side in zip(boxes.T[:2], cells, sides, strict=True):
        edges = np.linspace(0, side, count + 1)
        inside = np.minimum(edges[1:], (first + boxes[:, 2])[:, None]) - np.maximum(edges[:-1], first[:, None])  # (n, count)
        lines.append(inside.clip(0) * count / side)
    return (lines[0][:, :, None] * lines[1][:, None]).reshape(len(boxes), -1)


class Ground:
    """What a run needs to know for it: the region of every training image, (n, cells), and which words belong there."""

    def __init__(self, data: CaptionedSet, cells: tuple[int, ...], device: torch.device):
        h, w = cells
        self.regions = torch.from_numpy(covered(data.boxes, (h, w), data.shape[1:]).astype(np.float32)).to(device)
        self.grounded = torch.from_numpy(data.wording.grounded).to(device)  # [word before, word]

    def loss(self, maps: Sequence[Tensor], tokens: Tensor, region: Tensor) -> Tensor:
        """`grounding_loss` of nouns and words for places in captions (n, k)."""
        return grounding_loss(maps, self.grounded[tokens.roll(1, 1), tokens], region)
