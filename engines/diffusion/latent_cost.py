"""What a latent run takes: its autoencoder and its denoiser. No torch here; see `engines.nn.autoencoder` and
`engines.diffusion.latent_nets` for the layers that are counted."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from engines.core import Cost
from engines.data import DatasetInfo

if TYPE_CHECKING:
    from engines.diffusion.config import Config

HIDDEN = 400  # of the autoencoder
VECTOR_BATCH, CELL_BATCH = 96, 128  # of either form of it
FINE, COARSE, FACTOR = 16, 32, 4  # of its cell form
FLAT, UNITS = 4, 128  # of the denoiser that is told words


def latent_cost(config: Config, info: DatasetInfo) -> Cost:
    """As `engines.diffusion.config.cost`; the FLOP of a step are those of the dearer half of the run."""
    encoder, first = (_cell_autoencoder if config.text else _vector_autoencoder)(config, info.shape)
    cells = (info.shape[1] // FACTOR) * (info.shape[2] // FACTOR)
    told = len(info.classes) if config.conditional else 0
    denoiser, second, units = _word_denoiser(config, cells) if config.text else _vector_denoiser(config, told)
    flop = max((CELL_BATCH if config.text else VECTOR_BATCH) * first, config.batch * second)
    return Cost(parameters=encoder + denoiser, flop_per_step=3 * flop, bytes=4 * (4 * encoder + 5 * denoiser + 2 * config.batch * units))


def _vector_autoencoder(config: Config, shape: tuple[int, ...]) -> tuple[int, float]:
    """Parameters and forward FLOP of one image."""
    pixels, d = prod(shape), config.latents
    count = pixels * HIDDEN + HIDDEN + HIDDEN * 2 * d + 2 * d + d * HIDDEN + HIDDEN + HIDDEN * pixels + pixels
    return count, 2.0 * count


def _cell_autoencoder(config: Config, shape: tuple[int, ...]) -> tuple[int, float]:
    """The same of the cell form."""
    (c, h, w), d = shape, config.latents
    half, quarter = h * w // 4, h * w // 16
    first = 16 * c * FINE + FINE
    second = 16 * FINE * COARSE + COARSE + COARSE * 2 * d + 2 * d + 9 * d * COARSE + COARSE + 9 * COARSE * 4 * FINE + 4 * FINE
    last = 9 * FINE * 4 * c + 4 * c
    return first + second + last, 2.0 * ((first + last) * half + second * quarter)


def _word_denoiser(config: Config, cells: int) -> tuple[int, float, int]:
    from engines.data.captions import wording_of
    from engines.diffusion.config import EMBED

    wording = wording_of(config.dataset)
    c, d, seen = config.latents, config.width, FLAT * cells
    attention, dense = 4 * d * d + 4 * d, 4 * d * d + 3 * d
    text = len(wording.vocabulary) * d + (1 + wording.longest) * d + attention + dense + 6 * d
    flat = seen * UNITS + UNITS + UNITS * seen + seen + 2 * (UNITS * UNITS + UNITS) + (EMBED + 1) * 2 * UNITS
    block = attention + 2 * d * d + 2 * d + 4 * d + flat + d * FLAT + FLAT + FLAT * d + d
    embed = 32 * EMBED + EMBED + EMBED * EMBED + EMBED + d * EMBED + EMBED
    ends = c * d + d + cells * d + 2 * d + d * c + c
    each = cells * (4 * d * d + 2 * (1 + wording.longest) * d) + flat
    return text + config.depth * block + embed + ends, 2.0 * config.depth * each, config.depth * (25 * cells * d + 8 * UNITS)


def _vector_denoiser(config: Config, classes: int) -> tuple[int, float, int]:
    """Parameters, forward FLOP of one example, and units that are kept for the gradient."""
    from engines.diffusion.config import EMBED

    d, w = config.latents, config.width
    block = 2 * (w * w + w) + (EMBED + 1) * 2 * w
    embed = 32 * EMBED + EMBED + EMBED * EMBED + EMBED + (EMBED * (classes + 1) if classes else 0)
    count = d * w + w + config.depth * block + 2 * w + w * d + d + embed
    return count, 2.0 * count, 10 * w * config.depth
